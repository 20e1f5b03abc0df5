"""What piles up in a room between two batches, and what of it goes into the next one.

Reliable entries all go, and need not wait for the end of a tick. The rest shares what the budget leaves, by priority;
of equal priority, merged items come before samples, because each stands for many messages and is waited for. A merged
item that does not fit waits and goes on merging; a sample that does not fit is dropped and counted.

Not here: the budget's arithmetic (``budget``), encoding, and to whom the batch goes (services).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from trunkline.domain.rooms import counters
from trunkline.domain.rooms.counters import RoomCounters
from trunkline.domain.rooms.policy import Delivery, Priority, RoomMessageType
from trunkline.domain.rooms.sampler import Sampler

ITEM_OVERHEAD_BYTES = 24
"""What an item costs on the wire besides its type, sender and content, about."""

_encode = msgspec.msgpack.Encoder().encode


class Item:
    """One message on its way to the members.

    Attributes:
        content: stored form, MessagePack.
        seq: in the room's log; 0 for what is not stored.
        count: how many messages it stands for.
        target: of a change to an earlier message.
        order: of arrival.
        sampled: whether a member who reads slowly goes without.
        recent: whether joining members are shown it.
    """

    __slots__ = (
        "at_ms",
        "content",
        "count",
        "decoded",
        "order",
        "recent",
        "sampled",
        "sender",
        "seq",
        "target",
        "type",
    )

    def __init__(
        self,
        type: str,
        sender: str,
        at_ms: int,
        content: bytes,
        *,
        seq: int = 0,
        target: int = 0,
        sampled: bool = False,
        recent: bool = True,
    ) -> None:
        self.type = type
        self.sender = sender
        self.at_ms = at_ms
        self.content = content
        self.seq = seq
        self.count = 1
        self.target = target
        self.order = 0
        self.sampled = sampled
        self.recent = recent
        self.decoded: Any = None

    @property
    def size_bytes(self) -> int:
        """About what it takes on the wire."""
        return ITEM_OVERHEAD_BYTES + len(self.type) + len(self.sender) + len(self.content)


class Closed(NamedTuple):
    """A tick's outcome: what goes out, in order of arrival."""

    items: list[Item]
    size_bytes: int


class Tick:
    """Collects messages between two batches.

    Args:
        counts: where drops are counted.
        samples: most samples kept.
        keys: most merged items kept.
    """

    def __init__(self, counts: RoomCounters, samples: int, keys: int) -> None:
        self._counts = counts
        self._reliable: list[Item] = []
        self._merged: dict[tuple[str, str], Item] = {}
        self._types: dict[str, RoomMessageType] = {}
        self._sampler: Sampler[Item] = Sampler(samples)
        self._keys = keys
        self._orders = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self._reliable or self._merged or len(self._sampler))

    @property
    def has_entries(self) -> bool:
        """Whether there is something that ``close_entries`` takes."""
        return bool(self._reliable)

    def entry(self, item: Item) -> None:
        """An entry of the room's log became durable."""
        self._place(item)
        self._reliable.append(item)

    def offer(self, type: RoomMessageType, sender: str, content: bytes, decoded: Any, at_ms: int, draw: float) -> None:
        """An accepted message that is not stored; ``draw`` is uniform in [0, 1)."""
        if type.delivery is Delivery.SAMPLE:
            item = Item(type.name, sender, at_ms, content, sampled=True, recent=type.recent)
            self._place(item)
            gone = self._sampler.offer(item, sender, type.priority, draw)
            if gone is not None:
                self._counts.dropped(gone.type, counters.OVER_BUDGET)
            return
        key = (type.name, type.key(sender, decoded))
        before = self._merged.get(key)
        if before is None:
            if len(self._merged) >= self._keys:
                self._counts.dropped(type.name, counters.TOO_MANY_KEYS)
                return
            item = self._merged[key] = Item(type.name, sender, at_ms, content, recent=type.recent)
            item.decoded = decoded
            self._types[type.name] = type
            self._place(item)
        elif type.delivery is Delivery.LATEST:
            self._counts.dropped(type.name, counters.SUPERSEDED)
            before.sender, before.at_ms, before.content, before.decoded = sender, at_ms, content, decoded
            self._place(before)
        else:
            before.decoded = type.merge(before.decoded, decoded)
            before.content = b""
            before.count += 1
            before.at_ms = at_ms
            if before.sender != sender:
                before.sender = ""

    def close_entries(self) -> Closed:
        """Take what is reliable only: the rest goes on merging, and being sampled, until the tick ends."""
        items, self._reliable = self._reliable, []
        return Closed(items, sum(item.size_bytes for item in items))

    def close(self, messages: int, size_bytes: int) -> Closed:
        """End the tick: take what fits into so many messages and bytes besides what is reliable."""
        self._encode_merged()
        items, taken_bytes = self.close_entries()
        messages -= len(items)
        left_bytes = size_bytes - taken_bytes

        def fits(item: Item) -> bool:
            nonlocal messages, left_bytes, taken_bytes
            size = item.size_bytes
            if messages < 1 or left_bytes < size:
                return False
            messages -= 1
            left_bytes -= size
            taken_bytes += size
            return True

        for priority in sorted(Priority, reverse=True):
            for key, item in [(k, i) for k, i in self._merged.items() if self._types[k[0]].priority is priority]:
                if not fits(item):
                    break
                del self._merged[key]
                items.append(item)
            kept, dropped = self._sampler.take(fits, priority)
            items += kept
            for item in dropped:
                self._counts.dropped(item.type, counters.OVER_BUDGET)
        self._sampler.clear()
        items.sort(key=lambda item: item.order)
        return Closed(items, taken_bytes)

    def _encode_merged(self) -> None:
        """Encode what was merged; what a type's ``merge`` made of it may turn out to be no content at all."""
        for key, item in list(self._merged.items()):
            if not item.content:
                try:
                    item.content = _encode(item.decoded)
                except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
                    del self._merged[key]
                    self._counts.dropped(item.type, counters.UNMERGEABLE, item.count)

    def abandon(self, reason: str) -> None:
        """Drop everything that is not stored; entries stay."""
        for item in self._sampler.clear():
            self._counts.dropped(item.type, reason)
        for item in self._merged.values():
            self._counts.dropped(item.type, reason, item.count)
        self._merged.clear()

    def _place(self, item: Item) -> None:
        self._orders += 1
        item.order = self._orders
