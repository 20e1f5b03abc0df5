"""Operations on live rooms."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.rooms.gifts import GiftCounts
from trunkline.services.rooms.ports import GiftIndex
from trunkline.services.rooms.system import RoomSystem
from trunkline.wire.calls import rooms as calls
from trunkline.wire.calls.room_gifts import RoomGifts, RoomGiftsGet
from trunkline.wire.frames import EmptyResult

SCOPE = "groups"
SAYING = "messages"
EVERY = Audience.EVERYONE


def operations(system: RoomSystem, gifts: GiftIndex) -> list[Operation]:
    """What one can do with rooms."""
    given = GiftCounts(system.directory, system.joining, gifts).get
    return [
        *_rooms(system),
        Operation("room.gifts", RoomGiftsGet, RoomGifts, given, SAYING, "Who gave most", EVERY, writes=False),
        *_members(system),
        *_running(system),
        *_attributes(system),
    ]


def _rooms(system: RoomSystem) -> list[Operation]:
    rooms = system.rooms
    done = calls.RoomChanged
    return [
        Operation("room.create", calls.RoomCreate, done, rooms.create, SCOPE, "Create a room"),
        Operation("room.configure", calls.RoomConfigure, done, rooms.configure, SCOPE, "Change a room's settings"),
        Operation("room.close", calls.RoomRef, done, rooms.close, SCOPE, "Close a room for everyone"),
        Operation("room.get", calls.RoomRef, calls.RoomView, rooms.get, SCOPE, "Look at a room", EVERY, writes=False),
        Operation(
            "room.stats", calls.RoomRef, calls.RoomStats, rooms.stats, SCOPE, "What a room counted", writes=False
        ),
        Operation("room.recall", calls.RoomRecall, done, rooms.recall, SAYING, "Take a message of a room back", EVERY),
        Operation(
            "room.entries",
            calls.RoomEntriesGet,
            calls.RoomBatch,
            rooms.entries,
            SAYING,
            "Read the reliable entries of a room",
            EVERY,
            writes=False,
        ),
    ]


def _members(system: RoomSystem) -> list[Operation]:
    joining, sender = system.joining, system.sender
    return [
        Operation("room.join", calls.RoomJoin, calls.RoomJoined, joining.join, SCOPE, "Come into a room", EVERY),
        Operation("room.leave", calls.RoomRef, EmptyResult, joining.leave, SCOPE, "Leave a room", EVERY),
        Operation(
            "room.members",
            calls.RoomMemberList,
            calls.RoomMembers,
            joining.members,
            SCOPE,
            "List who is in a room",
            EVERY,
            writes=False,
        ),
        Operation(
            "room.send",
            calls.RoomSend,
            calls.RoomSent,
            sender.send,
            SAYING,
            "Say something in a room",
            EVERY,
            run_now=sender.send_now,
        ),
    ]


def _running(system: RoomSystem) -> list[Operation]:
    joining, standing = system.joining, system.standing
    done = calls.RoomChanged
    out = calls.RoomKicked
    return [
        Operation("room.kick", calls.RoomKick, out, joining.kick, SCOPE, "Put parties out for a while"),
        Operation("room.admit", calls.RoomAdmit, out, joining.admit, SCOPE, "Let in those who asked"),
        Operation("room.role", calls.RoomRole, done, standing.role, SCOPE, "Give or take roles"),
        Operation("room.mute", calls.RoomMute, done, standing.mute, SCOPE, "Mute parties"),
        Operation("room.ban", calls.RoomBan, done, standing.ban, SCOPE, "Ban parties"),
        Operation("room.allow", calls.RoomAllow, done, standing.allow, SCOPE, "Change the allow-list"),
        Operation(
            "room.named",
            calls.RoomNamedList,
            calls.RoomNameds,
            standing.named,
            SCOPE,
            "List roles, mutes, bans and the allow-list",
            writes=False,
        ),
    ]


def _attributes(system: RoomSystem) -> list[Operation]:
    book = system.attributes
    all_of_them = calls.RoomAttributes
    one = calls.RoomAttribute
    change = calls.RoomAttributeSet
    remove = calls.RoomAttributeDelete
    return [
        Operation("room.set_attribute", change, one, book.set, SCOPE, "Set an attribute", EVERY),
        Operation("room.delete_attribute", remove, all_of_them, book.delete, SCOPE, "Delete an attribute", EVERY),
        Operation(
            "room.attributes",
            calls.RoomRef,
            all_of_them,
            book.get,
            SCOPE,
            "Read the attributes of a room",
            EVERY,
            writes=False,
        ),
    ]
