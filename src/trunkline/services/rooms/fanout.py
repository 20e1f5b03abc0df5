"""Batches: what a room has for its members since their last turn, encoded once and written once per connection.

A room is written to in turns, so that a room of thousands does not keep the event loop from reading. Each turn belongs
to the connections that have waited longest (``domain.rooms.audience``), and brings them everything up to now: when
connections are more than the machine can write to in a tick, turns come round less often and batches become larger,
which is the cheapest way to send the same messages. What is merged or sampled goes on being so until everybody has
what was sent of it last.

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
from trunkline.domain.rooms.audience import Cohort
from trunkline.domain.rooms.tick import Item
from trunkline.services.log.ports import Timer
from trunkline.services.rooms.live import LiveRoom, batch_of
from trunkline.services.sessions.hub import Session
from trunkline.services.sessions.outgoing import Outgoing, binary_message
from trunkline.wire.calls.rooms import RoomBatch, RoomItem
from trunkline.wire.entries import DISMISSED
from trunkline.wire.frames import MSGPACK_ENCODE

log = logging.getLogger("trunkline.rooms")
FULL, LEAN, NOTHING = range(3)
"""What a connection got of a batch: everything, all but samples, nothing."""
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
    """A part of the stream as frames, for those who read along and for those who are slow; and what each counts."""

    __slots__ = ("at", "full", "full_counts", "lean", "lean_counts")

    def __init__(self, live: LiveRoom, cohort: Cohort[Session]) -> None:
        self.at = cohort.at
        items = live.audience.items(self.at, live.audience.end)
        size_bytes = live.limits.batch_bytes
        self.full = frames(live, items, cohort.seq, size_bytes)
        lean = [item for item in items if not item.sampled]
        self.lean = self.full if len(lean) == len(items) else frames(live, lean, cohort.seq, size_bytes)
        self.full_counts = Counter(item.type for item in items)
        self.lean_counts = Counter(item.type for item in lean)


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
    """Drives the turns of all rooms."""

    def __init__(self, timer: Timer, clock: Clock) -> None:
        self._timer = timer
        self._clock = clock
        self.batches = 0
        self.writes = 0
        self.on_closed: Callable[[LiveRoom], None] = lambda live: None
        """Called when the members of a room have heard that it is closed."""

    def enter(self, live: LiveRoom, session: Session) -> None:
        """A connection came in: it gets what is said from now on."""
        live.audience.enter(session, self._timer.time())

    def touch(self, live: LiveRoom) -> None:
        """There is something to send: a turn is due as soon as the last one of its cohort is long enough ago."""
        if live.scheduled:
            return
        audience, tick = live.audience, live.tick
        if audience.reached < audience.end or tick.has_entries:
            due_s = audience.next_turn_s
        elif not tick.empty:
            due_s = max(audience.next_turn_s, live.next_tick_s)
        else:
            return
        live.scheduled = True
        delay_s = due_s - self._timer.time()
        if delay_s > 0:
            self._timer.call_later(delay_s, partial(self._turn, live))
        else:
            self._timer.call_soon(partial(self._turn, live))

    def _turn(self, live: LiveRoom) -> None:
        """Give some connections what there is, then let the event loop run."""
        live.scheduled = False
        now_s = self._timer.time()
        audience = live.audience
        self._publish(live, now_s)
        taken = audience.take(now_s)
        batch = None
        try:
            for cohort in taken:
                if batch is None or batch.at != cohort.at:
                    batch = Batch(live, cohort)
                    self.batches += 1
                self._write(live, cohort, batch)
        finally:  # whatever is wrong with a batch, whoever should have had it is still in the room
            audience.put_back(taken, now_s + live.limits.tick_ms / 1000)
        if live.closing_at and audience.reached >= live.closing_at:
            live.closing_at = 0
            self.on_closed(live)
            live.tick.abandon(counters.ROOM_CLOSED)
            live.closed = True
        self.touch(live)

    def _publish(self, live: LiveRoom, now_s: float) -> None:
        """Add what there is to the stream: entries at once, the rest once a tick and once a round."""
        tick, audience = live.tick, live.audience
        if not live.members.connections:
            tick.abandon(counters.NOBODY_THERE)
        left = live.budget.left(self._clock.now_ms())
        if now_s >= live.next_tick_s and audience.reached >= live.ticked_at:
            closed = tick.close(*left)
            live.next_tick_s = now_s + live.limits.tick_ms / 1000
            live.ticked_at = audience.end + len(closed.items)
        else:
            closed = tick.close_entries()
        items = closed.items
        if not items:
            return
        for item in items:
            counts = live.counters.of(item.type)
            counts.sent += item.count
            counts.items += 1
        live.budget.spend(len(items), closed.size_bytes)
        live.remember(items)
        audience.publish(items)
        if any(item.type == DISMISSED and item.seq for item in items):
            live.closing_at = audience.end

    def _write(self, live: LiveRoom, cohort: Cohort[Session], batch: Batch) -> None:
        """One write for each connection of a cohort, and what it counts."""
        limits = live.limits
        slow_bytes, skip_bytes, modes = limits.slow_bytes, limits.skip_bytes, [0, 0, 0]
        for session in tuple(cohort.sessions):
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
            self.writes += 1
        full, lean, none = modes
        for type, items in batch.full_counts.items():
            counts = live.counters.of(type)
            in_lean = batch.lean_counts[type]
            counts.delivered += items * full + in_lean * lean
            missed = (items - in_lean) * lean + items * none
            if missed:
                counts.missed[counters.SLOW_READER] += missed
        for end, connections in Counter(cohort.gone).items():
            for item in live.audience.items(cohort.at, end):
                live.counters.of(item.type).missed[counters.LEFT] += connections

    def tell_behind(self, live: LiveRoom) -> None:
        """Show those who missed something and read again how far they should be."""
        for session in list(live.behind):
            if session not in live.members.connections:
                del live.behind[session]
            elif session.unsent_bytes() <= live.limits.slow_bytes:
                del live.behind[session]
                seq = live.audience.seq_of(session)
                session.push(BatchOutgoing(live, [], seq, seq))
