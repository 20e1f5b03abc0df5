"""What a webhook is to be sent next, and how far its cursor may move.

The source (journal or index) hands in entries with ascending *positions*. Each conversation has a lane; at most one
attempt per lane is under way, so that order holds within a conversation, and a lane whose first entry fails waits
alone. Memory is bounded three ways: a lane that grows too long or too large forgets its entries and fetches them
from the log when their turn comes; and when too many lanes wait, no more entries are taken in.

The durable cursor is a position below which everything is delivered, but for the lanes that are named with it. A lane
needs to be named only when it holds the cursor back: because it fails, or because its entries were forgotten.

Not here: time, tasks, records; how long to wait after a failure (``backoff``).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trunkline.domain.log.records import Entry
from trunkline.domain.webhooks.lanes import Lane, cost_of

LONG_FAILING = 4
"""Failures after which a lane keeps only the entry that fails in memory."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Memory of one webhook.

    Attributes:
        lanes: conversations that may wait at a time.
        lane_entries: entries of one conversation kept in memory.
        buffered_bytes: entries of all conversations kept in memory.
        outage_after: failures in a row, across conversations, after which only one attempt is made at a time.
    """

    lanes: int = 10_000
    lane_entries: int = 64
    buffered_bytes: int = 4 * 1024 * 1024
    outage_after: int = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """Deliver this entry now; then say ``delivered`` or ``failed``. ``part`` of its events are delivered already."""

    conversation: str
    entry: Entry
    attempts: int
    part: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read entries from ``first`` to ``last`` (0 = the head) from the log; then say ``fetched`` or ``postponed``."""

    conversation: str
    first: int
    last: int


class Schedule:
    """The state of one webhook's deliveries.

    Args:
        position: of the durable cursor.
        behind: lanes named with it: conversation -> first undelivered seq.
        known_to: position up to which the source may still bring entries that those lanes fetch by themselves.
        bounds: of memory.
    """

    def __init__(
        self,
        position: int = 0,
        behind: Mapping[str, int] | None = None,
        known_to: int = 0,
        bounds: Bounds | None = None,
    ) -> None:
        self.bounds = bounds or Bounds()
        self.read_position = position
        self.saved_position = position
        self.buffered_bytes = 0
        self.in_flight = 0
        self.outage = False
        self.failures_in_a_row = 0
        self._quiet_until_s = 0.0
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._later: list[tuple[float, int, Lane]] = []
        self._tick = 0
        self._saved: dict[str, int] = dict(behind or {})
        self._floors: dict[str, int] = {}
        self._floors_until = known_to
        for conversation, next_seq in self._saved.items():
            self._floors[conversation] = next_seq
            self._open(Lane(conversation, next_seq, 0, base=0, covered=False))

    # --- taking in --------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether the source may be read further."""
        return len(self._lanes) < self.bounds.lanes

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not self._lanes

    def admit(self, position: int, conversation: str, entry: Entry) -> None:
        """Take in a wanted entry. Entries of a conversation come in order; known ones are ignored."""
        if self._floors and entry.seq < self._floors.get(conversation, 0):
            return
        lane = self._lanes.get(conversation)
        if lane is None:
            lane = self._open(Lane(conversation, entry.seq, entry.seq, base=0, covered=True))
        elif lane.last_seq == 0:
            lane.seen = entry.seq  # to be fetched, even if the head was looked up before
            return
        elif entry.seq <= lane.last_seq:
            return
        lane.last_seq = entry.seq
        if not lane.covered:
            return
        cost = cost_of(entry)
        if lane.buffer and (
            len(lane.buffer) >= self.bounds.lane_entries or self.buffered_bytes + cost > self.bounds.buffered_bytes
        ):
            lane.covered = False
            return
        lane.buffer.append((position, entry))
        self.buffered_bytes += cost

    def passed(self, position: int) -> None:
        """Everything up to ``position`` was taken in."""
        self.read_position = max(self.read_position, position)
        if self._floors and self.read_position >= self._floors_until:
            self._floors.clear()

    # --- what to do -------------------------------------------------------------------------

    def next_work(self, now_s: float) -> Attempt | Fetch | None:
        """The next thing to do, now; None when everything waits or is under way."""
        if self.outage and (self.in_flight or now_s < self._quiet_until_s):
            return None
        later = self._later
        while later and (later[0][0] <= now_s or (self.outage and not self._ready)):
            lane = heapq.heappop(later)[2]
            if not lane.queued and not lane.busy and self._lanes.get(lane.conversation) is lane:
                lane.due_s = min(lane.due_s, now_s)
                self._queue(lane)
        while self._ready:
            lane = self._ready.popleft()
            lane.queued = False
            if lane.busy or lane.due_s > now_s or self._lanes.get(lane.conversation) is not lane:
                continue
            lane.busy = True
            self.in_flight += 1
            if lane.buffer:
                return Attempt(lane.conversation, lane.buffer[0][1], lane.attempts, lane.part)
            return Fetch(lane.conversation, lane.next_seq, lane.last_seq)
        return None

    def wake_at_s(self) -> float | None:
        """When ``next_work`` may have something without anything happening before."""
        later = self._later
        while later and self._lanes.get(later[0][2].conversation) is not later[0][2]:
            heapq.heappop(later)
        if self.outage:
            return self._quiet_until_s if self._lanes and not self.in_flight else None
        return later[0][0] if later else None

    def fetched(self, conversation: str, entries: Iterable[Entry], up_to: int, last: int) -> None:
        """The wanted entries of a stretch that was read to ``up_to``; ``last`` is the head if that was asked for."""
        lane = self._finish(conversation)
        if lane.last_seq == 0:
            lane.last_seq = max(last, lane.seen)
        for entry in entries:
            if entry.seq >= lane.next_seq:
                lane.buffer.append((lane.base, entry))
                self.buffered_bytes += cost_of(entry)
        if not lane.buffer:
            lane.next_seq = max(lane.next_seq, up_to + 1)
        lane.covered = up_to >= lane.last_seq
        self._go_on(lane)

    def part_delivered(self, conversation: str) -> None:
        """One of several events of the first entry arrived."""
        self._lanes[conversation].part += 1

    def delivered(self, conversation: str, now_s: float) -> None:
        """The first entry of a lane arrived."""
        lane = self._finish(conversation)
        _, entry = lane.buffer.popleft()
        self.buffered_bytes -= cost_of(entry)
        lane.next_seq = entry.seq + 1
        lane.attempts = lane.part = 0
        lane.due_s = 0.0
        if conversation in self._floors:
            self._floors[conversation] = lane.next_seq
        self.failures_in_a_row = 0
        if self.outage:
            self.outage = False
            self._hurry_all(now_s)
        self._go_on(lane)

    def failed(self, conversation: str, due_s: float, quiet_until_s: float = 0.0) -> None:
        """The first entry of a lane did not arrive; it is tried again at ``due_s``.

        In an outage nothing at all is tried before ``quiet_until_s``, and then one lane.
        """
        lane = self._finish(conversation)
        lane.attempts += 1
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= self.bounds.outage_after:
            self.outage = True
            self._quiet_until_s = max(self._quiet_until_s, quiet_until_s)
        self._wait(lane, due_s)

    def postponed(self, conversation: str, due_s: float) -> None:
        """A fetch or an attempt did not come about, through no fault of the receiver."""
        self._wait(self._finish(conversation), due_s)

    def hurry(self, now_s: float) -> None:
        """Something changed for the better: try everything now."""
        self.outage = False
        self.failures_in_a_row = 0
        self._hurry_all(now_s)

    # --- the durable cursor -----------------------------------------------------------------

    def take_changes(self, *, whole: bool = False) -> tuple[int, list[tuple[str, int]]]:
        """The position to save, and the lanes that changed since the last time: (conversation, next seq or 0).

        Position and lanes belong together: they must become durable at once, or not at all. If it is not certain that
        they did, take ``whole`` the next time: all lanes, to replace what was saved.
        """
        held: dict[str, int] = {}
        position = self.read_position
        floor = self.saved_position
        for lane in self._lanes.values():
            if lane.drained:
                continue
            first = lane.first_position
            if lane.attempts or first <= floor:
                held[lane.conversation] = lane.next_seq
            else:
                position = min(position, first - 1)
        if whole:
            self._saved = {}
        changes = [(name, seq) for name, seq in held.items() if self._saved.get(name) != seq]
        changes += [(name, 0) for name in self._saved if name not in held]
        self._saved = held
        self.saved_position = max(floor, position)
        return self.saved_position, changes

    # --- views ------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Entries taken in and not delivered."""
        return sum(lane.waiting for lane in self._lanes.values())

    @property
    def blocked(self) -> int:
        """Conversations whose first entry failed."""
        return sum(1 for lane in self._lanes.values() if lane.attempts)

    @property
    def counts_exactly(self) -> bool:
        """Whether ``waiting`` is no estimate."""
        return all(lane.covered for lane in self._lanes.values())

    def oldest_at_ms(self) -> int:
        """Time of the oldest entry in memory; 0 when there is none."""
        return min((lane.buffer[0][1].at_ms for lane in self._lanes.values() if lane.buffer), default=0)

    # --- parts ------------------------------------------------------------------------------

    def _open(self, lane: Lane) -> Lane:
        self._lanes[lane.conversation] = lane
        self._queue(lane)
        return lane

    def _queue(self, lane: Lane) -> None:
        if not lane.queued:
            lane.queued = True
            self._ready.append(lane)

    def _finish(self, conversation: str) -> Lane:
        lane = self._lanes[conversation]
        lane.busy = False
        self.in_flight -= 1
        return lane

    def _go_on(self, lane: Lane) -> None:
        if lane.drained:
            del self._lanes[lane.conversation]
        else:
            self._queue(lane)

    def _wait(self, lane: Lane, due_s: float) -> None:
        lane.due_s = due_s
        self._tick += 1
        heapq.heappush(self._later, (due_s, self._tick, lane))
        if lane.attempts >= LONG_FAILING and len(lane.buffer) > 1:
            # It may be a long time: what comes after the failed entry is fetched again then.
            _, first = lane.buffer[0]
            position = lane.first_position
            self._drop_buffer(lane)
            lane.buffer.append((position, first))
            self.buffered_bytes += cost_of(first)
            lane.covered = False
            lane.base = 0

    def _drop_buffer(self, lane: Lane) -> None:
        self.buffered_bytes -= sum(cost_of(entry) for _, entry in lane.buffer)
        lane.buffer.clear()

    def _hurry_all(self, now_s: float) -> None:
        """The receiver is back: nobody waits any longer."""
        later, self._later = self._later, []
        for _, _, lane in later:
            if self._lanes.get(lane.conversation) is lane and not lane.busy:
                lane.due_s = now_s
                self._queue(lane)
