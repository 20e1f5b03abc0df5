"""Operations on live rooms."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.rooms.attributes import RoomAttributeBook
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.rooms import Rooms
from trunkline.services.rooms.sending import RoomSender
from trunkline.services.rooms.standing import Standing
from trunkline.wire.calls import rooms as calls
from trunkline.wire.frames import EmptyResult

SCOPE = "groups"
SAYING = "messages"


def operations(
    rooms: Rooms, joining: Joining, sender: RoomSender, standing: Standing, attributes: RoomAttributeBook
) -> list[Operation]:
    """What one can do with rooms."""
    done = calls.RoomChanged
    out = calls.RoomKicked
    every = Audience.EVERYONE
    book = attributes
    return [
        Operation("room.create", calls.RoomCreate, done, rooms.create, SCOPE, "Create a room"),
        Operation("room.configure", calls.RoomConfigure, done, rooms.configure, SCOPE, "Change a room's settings"),
        Operation("room.close", calls.RoomRef, done, rooms.close, SCOPE, "Close a room for everyone"),
        Operation("room.get", calls.RoomRef, calls.RoomView, rooms.get, SCOPE, "Look at a room", every, writes=False),
        Operation(
            "room.stats", calls.RoomRef, calls.RoomStats, rooms.stats, SCOPE, "What a room counted", writes=False
        ),
        Operation("room.join", calls.RoomJoin, calls.RoomJoined, joining.join, SCOPE, "Come into a room", every),
        Operation("room.leave", calls.RoomRef, EmptyResult, joining.leave, SCOPE, "Leave a room", every),
        Operation(
            "room.members",
            calls.RoomMemberList,
            calls.RoomMembers,
            joining.members,
            SCOPE,
            "List who is in a room",
            every,
            writes=False,
        ),
        Operation(
            "room.send",
            calls.RoomSend,
            calls.RoomSent,
            sender.send,
            SAYING,
            "Say something in a room",
            every,
            run_now=sender.send_now,
        ),
        Operation(
            "room.entries",
            calls.RoomEntriesGet,
            calls.RoomBatch,
            rooms.entries,
            SAYING,
            "Read the reliable entries of a room",
            every,
            writes=False,
        ),
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
        Operation(
            "room.set_attribute",
            calls.RoomAttributeSet,
            calls.RoomAttribute,
            book.set,
            SCOPE,
            "Set an attribute",
            every,
        ),
        Operation(
            "room.delete_attribute",
            calls.RoomAttributeDelete,
            calls.RoomAttributes,
            book.delete,
            SCOPE,
            "Delete an attribute",
            every,
        ),
        Operation(
            "room.attributes",
            calls.RoomRef,
            calls.RoomAttributes,
            book.get,
            SCOPE,
            "Read the attributes",
            every,
            writes=False,
        ),
    ]
