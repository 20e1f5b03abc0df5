"""What a room is configured to be, read from its conversation's settings.

The settings are whatever ``room.create`` and ``room.configure`` wrote into the log; the bounds are the wire's.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from trunkline.domain.rooms.policy import Delivery, Priority, RoomMessageType, any_map
from trunkline.domain.rooms.roles import BY_LABEL

KIND = "room"
"""The conversation kind."""

JoinRule = Literal["open", "approval", "allow-list", "token"]


class DeclaredType(Struct, omit_defaults=True):
    """An app's own message type in one room, as stored."""

    delivery: Literal["reliable", "latest-wins", "coalesce", "sample"]
    priority: Literal["low", "normal", "high"] = "normal"
    least: Literal["audience", "guest", "moderator", "co-host", "host"] = "audience"
    speech: bool = False
    recent: bool = False


class RoomSettings(Struct, omit_defaults=True):
    """The configuration of one room.

    Attributes:
        capacity: members at most; 0 = as many as the server allows.
        join: ``open``; ``approval`` (someone with a role admits); ``allow-list`` (those on it); ``token`` (the
            caller's token names the room in its grant). Named roles and those on the allow-list are always let in.
        slow_mode_ms: least time between what one member of the audience says.
        muted_all: only guests and above may speak.
        close_empty_ms: a room nobody is in for so long is closed; 0 = never.
        keep_alive: not closed while empty, whatever ``close_empty_ms`` says.
        recent: messages shown on join.
        messages_per_s: the budget: messages delivered to each member per second, beyond which samples are taken.
        reliable_per_s: reliable messages accepted per second.
        notices: whether joins and leaves are told, as samples.
        attributes: the lowest role that may set attributes.
        types: the app's own message types.
    """

    name: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    capacity: int = 0
    join: JoinRule = "open"
    slow_mode_ms: int = 0
    muted_all: bool = False
    close_empty_ms: int = 0
    keep_alive: bool = False
    recent: int = 50
    messages_per_s: int = 2000
    reliable_per_s: int = 2000
    notices: bool = False
    attributes: Literal["audience", "guest", "moderator", "co-host", "host"] = "co-host"
    types: dict[str, DeclaredType] = field(default_factory=dict)


def settings_of(stored: dict[str, Any]) -> RoomSettings:
    """The configuration in a conversation's settings; what it does not know is left alone."""
    return msgspec.convert(stored, RoomSettings)


def declared(name: str, given: DeclaredType) -> RoomMessageType:
    """An app's own type as the room uses it: its content is any map."""
    return RoomMessageType(
        name,
        Delivery(given.delivery),
        Priority[given.priority.upper()],
        any_map,
        least=BY_LABEL[given.least],
        speech=given.speech,
        recent=given.recent,
    )
