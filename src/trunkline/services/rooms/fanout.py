"""Batches: what a tick of a room has, encoded once and written once per connection.

A batch goes out in slices, so that a room of thousands does not keep the event loop from reading. The next tick of a
room waits until the batch before is on its way: when connections are more than the machine can write to in a tick,
ticks become fewer and batches larger, which is the cheapest way to send the same messages.

A connection that reads slowly gets batches without samples; one that reads very slowly gets none, and once it has
caught up the next batch (or an empty one) shows it by ``prev`` what it missed.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from msgspec import Raw

from trunkline.base.clock import Clock
from trunkline.domain.rooms import counters
from trunkline.domain.rooms.tick import Item
from trunkline.services.log.ports import Timer
from trunkline.services.rooms.live import LiveRoom, batch_of
from trunkline.services.sessions.hub import Session
from trunkline.services.sessions.outgoing import Outgoing, binary_message
from trunkline.wire.calls.rooms import RoomBatch, RoomItem
from trunkline.wire.entries import DISMISSED
from trunkline.wire.frames import MSGPACK_ENCODE

log = logging.getLogger("trunkline.rooms")
SLICE = 200
"""Connections written to before the event loop gets its turn."""
FULL, LEAN, NOTHING, LEFT = range(4)
"""What a connection got of a batch: everything, all but samples, nothing; or it left meanwhile."""
EMPTY_MAP = Raw(b"\x80")


class BatchOutgoing(Outgoing):
    """A batch as a push. In MessagePack the contents are copied as stored."""

    __slots__ = ("_items", "_live", "_prev", "_seq")

    def __init__(self, live: LiveRoom, items: list[Item], prev: int, seq: int) -> None:
        super().__init__("room", None)
        self._live = live
        self._items = items
        self._prev = prev
        self._seq = seq

    def msgpack(self) -> bytes:
        """The frame as a WebSocket binary message, header included."""
        found = self._msgpack
        if found is None:
            items = self._items
            at_ms = items[0].at_ms if items else 0
            state = self._live.state
            assert state is not None
            rows = [
                RoomItem(
                    i.type,
                    i.sender,
                    i.at_ms - at_ms,
                    Raw(i.content) if i.content else EMPTY_MAP,
                    i.seq,
                    i.count,
                    i.target,
                )
                for i in items
            ]
            batch = RoomBatch(self._live.id, state.epoch, self._prev, self._seq, at_ms, rows)
            found = self._msgpack = binary_message(MSGPACK_ENCODE((4, "room", batch)))
        return found

    def json(self) -> bytes:
        """The frame as a WebSocket text message, header included."""
        if self._json is None:
            self._data = batch_of(self._live, self._items, self._prev, self._seq)
        return super().json()


class Batch:
    """One tick's frames: for those who read along, and for those who are slow; and what each of them counts."""

    __slots__ = ("at", "closes", "connections", "full", "full_counts", "lean", "lean_counts", "modes")

    def __init__(self, live: LiveRoom, items: list[Item], batch_bytes: int) -> None:
        self.connections: list[Session] = list(live.members.connections)
        self.at = 0
        self.full = frames(live, items, live.fanned, batch_bytes)
        lean = [item for item in items if not item.sampled]
        self.lean = self.full if len(lean) == len(items) else frames(live, lean, live.fanned, batch_bytes)
        self.full_counts = Counter(item.type for item in items)
        self.lean_counts = Counter(item.type for item in lean)
        self.modes = [0, 0, 0, 0]
        """Connections by what they got."""
        self.closes = any(item.type == DISMISSED and item.seq for item in items)


def frames(live: LiveRoom, items: list[Item], prev: int, batch_bytes: int) -> list[BatchOutgoing]:
    """Items as pushes, each of about ``batch_bytes`` at most."""
    found: list[BatchOutgoing] = []
    part: list[Item] = []
    size = 0
    seq = prev
    for item in items:
        if part and size + item.size_bytes > batch_bytes:
            found.append(BatchOutgoing(live, part, prev, seq))
            part, size, prev = [], 0, seq
        part.append(item)
        size += item.size_bytes
        seq = item.seq or seq
    if part:
        found.append(BatchOutgoing(live, part, prev, seq))
    return found


class Fanout:
    """Drives the ticks of all rooms."""

    def __init__(self, timer: Timer, clock: Clock) -> None:
        self._timer = timer
        self._clock = clock
        self.batches = 0
        self.writes = 0
        self.on_closed: Callable[[LiveRoom], None] = lambda live: None
        """Called when the members of a room have heard that it is closed."""

    def touch(self, live: LiveRoom) -> None:
        """There is something to send: a tick is due as soon as the last one is long enough ago."""
        if live.scheduled or live.sending or live.tick.empty:
            return
        live.scheduled = True
        delay_s = live.next_tick_s - self._timer.time()
        if delay_s > 0:
            self._timer.call_later(delay_s, partial(self._tick, live))
        else:
            self._timer.call_soon(partial(self._tick, live))

    def _tick(self, live: LiveRoom) -> None:
        live.scheduled = False
        live.next_tick_s = self._timer.time() + live.limits.tick_ms / 1000
        now_ms = self._clock.now_ms()
        if not live.members.connections:
            live.tick.abandon(counters.NOBODY_THERE)
        closed = live.tick.close(*live.budget.left(now_ms))
        items = closed.items
        for item in items:
            counts = live.counters.of(item.type)
            counts.sent += item.count
            counts.items += 1
        if not items:
            self.touch(live)
            return
        live.budget.spend(len(items), closed.size_bytes)
        batch = Batch(live, items, live.limits.batch_bytes)
        live.fanned = max(live.fanned, max(item.seq for item in items))
        live.remember(items)
        live.sending = True
        self.batches += 1
        self._slice(live, batch)

    def _slice(self, live: LiveRoom, batch: Batch) -> None:
        """Push to some connections, then let the event loop run."""
        limits = live.limits
        here = live.members.connections
        slow_bytes, skip_bytes, modes = limits.slow_bytes, limits.skip_bytes, batch.modes
        end = min(batch.at + SLICE, len(batch.connections))
        for session in batch.connections[batch.at : end]:
            if session not in here:
                modes[LEFT] += 1
                continue
            try:
                unsent = session.unsent_bytes()
                if unsent <= slow_bytes:
                    mode, frames = FULL, batch.full
                elif unsent <= skip_bytes:
                    mode, frames = LEAN, batch.lean
                else:
                    mode, frames = NOTHING, []
                    live.behind[session] = None
                for frame in frames:
                    session.push(frame)
            except Exception:
                # What is reliable is found again by its seq; the room must go on for everybody else.
                log.exception("a batch could not be passed on")
                mode = NOTHING
            modes[mode] += 1
        self.writes += end - batch.at
        batch.at = end
        if end < len(batch.connections):
            self._timer.call_soon(partial(self._slice, live, batch))
        else:
            self._done(live, batch)

    def _done(self, live: LiveRoom, batch: Batch) -> None:
        full, lean, none, left = batch.modes
        for type, items in batch.full_counts.items():
            counts = live.counters.of(type)
            in_lean = batch.lean_counts[type]
            counts.delivered += items * full + in_lean * lean
            missed = (items - in_lean) * lean + items * none
            if missed:
                counts.missed[counters.SLOW_READER] += missed
            if left:
                counts.missed[counters.LEFT] += items * left
        live.sending = False
        if batch.closes:
            self.on_closed(live)
            live.tick.abandon(counters.ROOM_CLOSED)
            live.closed = True
        self.touch(live)

    def tell_behind(self, live: LiveRoom) -> None:
        """Show those who missed something and read again where the room is."""
        for session in list(live.behind):
            if session not in live.members.connections:
                del live.behind[session]
            elif session.unsent_bytes() <= live.limits.slow_bytes:
                del live.behind[session]
                session.push(BatchOutgoing(live, [], live.fanned, live.fanned))
