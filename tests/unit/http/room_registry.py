"""The part of the registry (see ``registry``) that is about live rooms."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.services.operation import Audience
from trunkline.wire.calls import room_gifts, rooms

DONE = rooms.RoomChanged("show", 7, 5)
VIEW = rooms.RoomView(conversation="show", epoch=7, seq=5)
OUT = rooms.RoomKicked("show", ["user/u2"])
ATTRIBUTES = rooms.RoomAttributes("show", [])
SENT = rooms.RoomSent("show", 7, 5, 1000)
BATCH = rooms.RoomBatch("show", 7, 0, 0, 0)
GIFTS = room_gifts.RoomGifts("show", 5, 2, 200, 1, [room_gifts.RoomGiver("user/u1", 2, 200)])
STATS = rooms.RoomStats("show", 1, 1, 1)
SONG = rooms.RoomAttribute("song", "One", 7, "user/u1")

_EVERYONE, _PARTIES = Audience.EVERYONE, Audience.PARTIES

ROOM_TABLE: tuple[tuple[str, type[msgspec.Struct], type[msgspec.Struct], Any, str, Audience], ...] = (
    ("room.create", rooms.RoomCreate, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.configure", rooms.RoomConfigure, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.close", rooms.RoomRef, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.get", rooms.RoomRef, rooms.RoomView, VIEW, "groups", _EVERYONE),
    ("room.stats", rooms.RoomRef, rooms.RoomStats, STATS, "groups", _PARTIES),
    (
        "room.members",
        rooms.RoomMemberList,
        rooms.RoomMembers,
        rooms.RoomMembers("show", 0, []),
        "groups",
        _EVERYONE,
    ),
    ("room.send", rooms.RoomSend, rooms.RoomSent, SENT, "messages", _EVERYONE),
    ("room.entries", rooms.RoomEntriesGet, rooms.RoomBatch, BATCH, "messages", _EVERYONE),
    ("room.gifts", room_gifts.RoomGiftsGet, room_gifts.RoomGifts, GIFTS, "messages", _EVERYONE),
    ("room.recall", rooms.RoomRecall, rooms.RoomChanged, DONE, "messages", _EVERYONE),
    ("room.kick", rooms.RoomKick, rooms.RoomKicked, OUT, "groups", _PARTIES),
    ("room.admit", rooms.RoomAdmit, rooms.RoomKicked, OUT, "groups", _PARTIES),
    ("room.named", rooms.RoomNamedList, rooms.RoomNameds, rooms.RoomNameds("show", []), "groups", _PARTIES),
    ("room.role", rooms.RoomRole, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.mute", rooms.RoomMute, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.ban", rooms.RoomBan, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.allow", rooms.RoomAllow, rooms.RoomChanged, DONE, "groups", _PARTIES),
    ("room.attributes", rooms.RoomRef, rooms.RoomAttributes, ATTRIBUTES, "groups", _EVERYONE),
    ("room.set_attribute", rooms.RoomAttributeSet, rooms.RoomAttribute, SONG, "groups", _EVERYONE),
    ("room.delete_attribute", rooms.RoomAttributeDelete, rooms.RoomAttributes, ATTRIBUTES, "groups", _EVERYONE),
)
