"""The types of messages that a room carries: each says how it is delivered and what happens to it under load.

This is the one place where a feature (gifts, likes, a quiz) meets the room. A type is a ``RoomMessageType``; adding
one is adding a value to ``catalogue.BUILT_IN``. The room itself never asks for a type by name.

What becomes of an accepted message, by ``Delivery``:

=============  ========================================================================================
``RELIABLE``   Appended to the room's log: it has a ``seq``, is acknowledged after fsync, and every member
               gets it (a member that missed it pulls it by the gap rule). Never dropped; when there are
               more of them than the room's budget allows, the *sender* is refused with ``room_overloaded``.
``LATEST``     Not stored. Of those with the same ``key``, the last of a tick is delivered; the ones before
               are counted as ``superseded``.
``COALESCE``   Not stored. Those with the same ``key`` become one item per tick: ``merge`` joins their
               contents, and the item's ``count`` says how many messages it stands for.
``SAMPLE``     Not stored. All are delivered while the room's budget lasts. Beyond it a fair sample is kept:
               first one of each sender, then a second of each..., drawn at random among equals; the rest is
               counted as dropped. A higher ``priority`` is served first.
=============  ========================================================================================

Not here: who is in the room (``membership``), how much a tick may carry (``budget``), the tick itself (``tick``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.rooms.roles import Role


class Delivery(enum.StrEnum):
    """What a room owes a message once it is accepted; see the module."""

    RELIABLE = "reliable"
    LATEST = "latest-wins"
    COALESCE = "coalesce"
    SAMPLE = "sample"


class Priority(enum.IntEnum):
    """Who goes first when a tick cannot carry everything."""

    LOW = 0
    NORMAL = 1
    HIGH = 2


Check = Callable[[bytes], Any]
"""Decodes a stored content (a MessagePack map) strictly; raises ``msgspec.DecodeError`` when it does not fit.

What it returns is what ``key``, ``merge`` and ``order_id`` get: a Struct, or a plain dict."""

Key = Callable[[str, Any], str]
"""``(sender, decoded content) -> key``: which messages replace one another or are merged."""

Merge = Callable[[Any, Any], Any]
"""``(earlier, later) -> merged``, of decoded contents; must be associative. Encoded again with MessagePack."""


def by_sender(sender: str, _content: Any) -> str:
    """One key per sender."""
    return sender


def for_all(_sender: str, _content: Any) -> str:
    """One key for the whole room."""
    return ""


def newest(_earlier: Any, later: Any) -> Any:
    """The default merge: the later content stands, the count goes up."""
    return later


any_map: Check = msgspec.msgpack.Decoder(dict[str, Any]).decode
"""A content without a schema."""


@dataclass(frozen=True, slots=True)
class RoomMessageType:
    """One type of message in rooms.

    Attributes:
        name: on the wire, 1-64 of ``a-z 0-9 . _ -``; names that begin with ``x.`` are an app's own.
        delivery: see the module.
        priority: served first under load; of equal priority, senders share fairly.
        check: the content's schema.
        least: the lowest role that may send it.
        sendable: members may send it; otherwise only the server makes it (``Rooms.publish``).
        speech: subject to mutes and slow mode, as what a person says is; a like or a quiz answer is not.
        recent: kept among the recent messages that a joining member is shown.
        key: for ``LATEST`` and ``COALESCE``.
        merge: for ``COALESCE``.
        order_id: for ``RELIABLE``, the app's own idempotency key inside the content ("" for none): a second message
            of this sender with the same key and content is answered with the first one's position and delivered to
            nobody; with other content it is refused as ``id_conflict``. At most 120 characters.
    """

    name: str
    delivery: Delivery
    priority: Priority = Priority.NORMAL
    check: Check = any_map
    least: Role = Role.AUDIENCE
    sendable: bool = True
    speech: bool = True
    recent: bool = True
    key: Key = by_sender
    merge: Merge = newest
    order_id: Callable[[Any], str] | None = None

    def decoded(self, content: bytes) -> Any:
        """The checked content.

        Raises:
            TrunklineError: ``INVALID_CONTENT``.
        """
        try:
            return self.check(content)
        except (msgspec.DecodeError, RecursionError) as error:
            raise TrunklineError(
                Code.INVALID_CONTENT, f"content of a {self.name} message: {error}", field="content"
            ) from error


class RoomTypes:
    """The types a server knows, by name.

    Raises:
        ValueError: two of them have one name, or one is not what its delivery allows.
    """

    def __init__(self, types: Iterable[RoomMessageType]) -> None:
        self._types: dict[str, RoomMessageType] = {}
        for type in types:
            if type.name in self._types:
                raise ValueError(f"two room message types are called {type.name}")
            if type.order_id is not None and type.delivery is not Delivery.RELIABLE:
                raise ValueError(f"{type.name}: only a reliable type has order ids")
            self._types[type.name] = type

    def get(self, name: str) -> RoomMessageType | None:
        """The type of this name, or None."""
        return self._types.get(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._types)
