"""What a room counts, exactly, by message type.

Two sums hold at any time and are tested as properties::

    received  = refused + sent + dropped + pending
    sent * members at that moment = delivered + missed

``sent`` counts messages: a merged item of 40 likes is 40 sent messages, one item and one delivery per member.
"""

from __future__ import annotations

from collections import Counter

OTHER = "other"
"""Messages of types the room does not know are counted together: their names are whatever somebody sent."""

SUPERSEDED = "superseded"
"""Dropped: a later message with the same key stands for it (``latest-wins``)."""
OVER_BUDGET = "over_budget"
"""Dropped: the sample of its tick was full (``sample``)."""
NOBODY_THERE = "nobody_there"
"""Dropped: nobody was in the room."""
TOO_MANY_KEYS = "too_many_keys"
"""Dropped: more different keys were waiting than a room keeps (``latest-wins``, ``coalesce``)."""
UNMERGEABLE = "unmergeable"
"""Dropped: the type's merge made something of it that cannot be encoded (``coalesce``)."""
REPEATED = "repeated"
"""Dropped: the same send again; its sender got the first answer."""
ROOM_CLOSED = "room_closed"
"""Dropped: the room was closed while the message waited for its tick."""

SLOW_READER = "slow_reader"
"""Missed: this member's connection had too much unread."""
LEFT = "left"
"""Missed: this connection left while the batch was on its way."""


class TypeCounts:
    """The counts of one type."""

    __slots__ = ("delivered", "dropped", "items", "missed", "received", "refused", "sent")

    def __init__(self) -> None:
        self.received = 0
        self.refused: Counter[str] = Counter()
        """By the error's name: the sender was told."""
        self.sent = 0
        self.items = 0
        self.dropped: Counter[str] = Counter()
        """By reason: accepted, and by policy not delivered."""
        self.delivered = 0
        self.missed: Counter[str] = Counter()
        """By reason: items that did not go to some member."""

    @property
    def pending(self) -> int:
        """Accepted and waiting for the disk or the next tick."""
        return self.received - self.refused.total() - self.sent - self.dropped.total()


class RoomCounters:
    """The counts of one room, or of all rooms together."""

    __slots__ = ("by_type",)

    def __init__(self) -> None:
        self.by_type: dict[str, TypeCounts] = {}

    def of(self, type: str) -> TypeCounts:
        """The counts of a type."""
        found = self.by_type.get(type)
        if found is None:
            found = self.by_type[type] = TypeCounts()
        return found

    def dropped(self, type: str, reason: str, count: int = 1) -> None:
        """Count messages that go nowhere."""
        self.of(type).dropped[reason] += count

    def refused(self, type: str, code: str) -> None:
        """Count a message that was received and refused."""
        counts = self.of(type)
        counts.received += 1
        counts.refused[code] += 1

    def add(self, other: RoomCounters) -> None:
        """Add another room's counts to these."""
        for type, counts in other.by_type.items():
            mine = self.of(type)
            mine.received += counts.received
            mine.refused += counts.refused
            mine.sent += counts.sent
            mine.items += counts.items
            mine.dropped += counts.dropped
            mine.delivered += counts.delivered
            mine.missed += counts.missed
