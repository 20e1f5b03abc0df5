"""Where a client stands in one conversation: the gap rule of ``spec/link.md`` section 4.

A ``Position`` takes pushed entries, results of ``history.get`` and heads learnt from sync, in any order and any
number of times, and says what to do: apply entries (each once, in order), ask for a range, or start over.
What is not here: the applying, the asking, and what an entry contains; only its epoch and seq matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

HOLD_MS = 300
MAX_HELD = 256
_MAX_STALL_MS = 30_000


class Positioned(Protocol):
    """Anything with a place in a conversation's log."""

    @property
    def epoch(self) -> int:
        """Life of the log."""
        ...

    @property
    def seq(self) -> int:
        """Number in that life, dense from 1."""
        ...


E = TypeVar("E", bound=Positioned)


@dataclass(slots=True, frozen=True)
class Apply(Generic[E]):
    """Apply these entries in this order and advance ``last`` in the same transaction."""

    entries: tuple[E, ...]


@dataclass(slots=True, frozen=True)
class Ignore:
    """A repeat, or one too many to hold; nothing to do."""

    seq: int


@dataclass(slots=True, frozen=True)
class Hold:
    """Kept until the gap before it closes; call ``tick`` at ``until_ms``."""

    seq: int
    until_ms: int


@dataclass(slots=True, frozen=True)
class Pull:
    """Request ``history.get {from_seq}`` and hand the result to ``history`` (or call ``pull_failed``)."""

    from_seq: int


@dataclass(slots=True, frozen=True)
class Locate:
    """Nothing is known of this conversation: ask for its view and call ``locate`` with its first visible seq."""

    seq: int


@dataclass(slots=True, frozen=True)
class Resync:
    """Another epoch: drop all positions of all conversations and sync from the start."""

    epoch: int


Action = Apply[E] | Ignore | Hold | Pull | Locate | Resync


class Position(Generic[E]):
    """The state of one conversation.

    Args:
        epoch: the life of the log that ``last`` counts in.
        last: highest seq applied; None while it is not known where the conversation begins for this reader.
        hold_ms: how long an entry waits for the ones before it.
        max_held: most entries kept while waiting; those beyond it are dropped and pulled later.
    """

    __slots__ = (
        "_ended",
        "_expected_at_ms",
        "_floor",
        "_held",
        "_hold_ms",
        "_max_held",
        "_pulling",
        "_retry_at_ms",
        "_stalls",
        "_target",
        "epoch",
        "last",
    )

    def __init__(self, epoch: int, last: int | None, *, hold_ms: int = HOLD_MS, max_held: int = MAX_HELD) -> None:
        self.epoch = epoch
        self.last = last
        self._hold_ms = hold_ms
        self._max_held = max_held
        self._held: dict[int, tuple[E, int]] = {}
        self._target = last or 0
        self._floor = 1
        self._pulling = False
        self._expected_at_ms: int | None = None
        self._retry_at_ms: int | None = None
        self._stalls = 0
        self._ended = False

    @property
    def held(self) -> list[int]:
        """Seqs that wait for an earlier one, ascending."""
        return sorted(self._held)

    @property
    def complete(self) -> bool:
        """Whether everything known to exist is applied."""
        return self.last is not None and self._target <= self.last

    @property
    def pulling(self) -> bool:
        """Whether a ``Pull`` is unanswered."""
        return self._pulling

    def push(self, entry: E, now_ms: int) -> list[Action[E]]:
        """An entry arrived by push."""
        if self._ended:
            return []
        if entry.epoch != self.epoch:
            return self._end(entry.epoch)
        seq = entry.seq
        if self.last is None and seq == 1:
            self.last = 0
        if self.last is None:
            asked = bool(self._held)
            self._keep(entry, now_ms)
            return [] if asked else [Locate(seq)]
        if seq <= self.last or seq in self._held:
            return [Ignore(seq)]
        if seq == self.last + 1:
            return [self._advance([entry])]
        self._keep(entry, now_ms)
        return [Hold(seq, now_ms + self._hold_ms)] if seq in self._held else [Ignore(seq)]

    def locate(self, first_visible_seq: int, now_ms: int) -> list[Action[E]]:
        """The conversation begins at this seq for this reader; needed once, before anything can be applied.

        A later call with a higher seq says that the range below it is not visible (left and joined again).
        """
        if self._ended:
            return []
        self._floor = max(self._floor, first_visible_seq)
        if self.last is not None:
            return []
        self.last = first_visible_seq - 1
        for seq in [seq for seq in self._held if seq <= self.last]:
            del self._held[seq]
        actions: list[Action[E]] = []
        applied = self._advance([])
        if applied.entries:
            actions.append(applied)
        return actions + self._pull_now()

    def head(self, seq: int, now_ms: int, *, pushed: bool = False) -> list[Action[E]]:
        """The log reaches at least to ``seq``.

        Args:
            seq: from sync, or the position a send was given.
            now_ms: the present time.
            pushed: the entry is on its way as a push, so wait for it as for any gap before pulling.
        """
        if self._ended:
            return []
        self._target = max(self._target, seq)
        if self.complete:
            return []
        if pushed:
            if self._expected_at_ms is None:
                self._expected_at_ms = now_ms
            return []
        return self._pull_now()

    def history(
        self, epoch: int, entries: Iterable[E], now_ms: int, *, head: int, more: bool = False
    ) -> list[Action[E]]:
        """The answer to a ``Pull``: ascending entries, the newest visible seq, and whether more follow."""
        self._pulling = False
        if self._ended:
            return []
        if epoch != self.epoch:
            return self._end(epoch)
        if self.last is None:
            return []
        before = self.last
        fresh = self._continuing(entries)
        if fresh is None:
            return self._end(0)
        actions: list[Action[E]] = []
        applied = self._advance(fresh)
        if applied.entries:
            actions.append(applied)
        self._target = max(self._target, head)
        if not more and head <= self.last and not self._held:
            self._target = self.last
        if self.complete:
            self._settle()
            return actions
        if self.last > before:
            self._stalls = 0
            if head > self.last or more:
                return actions + self._pull_now()
        self._wait(now_ms)
        return actions

    def pull_failed(self, now_ms: int) -> None:
        """A ``Pull`` was refused or lost; it is repeated after a growing wait."""
        self._pulling = False
        self._wait(now_ms)

    def reconnected(self, now_ms: int) -> list[Action[E]]:
        """A new connection: what was asked on the old one will not be answered."""
        self._pulling = False
        self._stalls = 0
        self._retry_at_ms = None
        if self._ended:
            return []
        if self.last is None:
            return [Locate(min(self._held))] if self._held else []
        return [] if self.complete else self._pull_now()

    def next_timeout_ms(self) -> int | None:
        """When ``tick`` has something to do; None when nothing waits."""
        if self._ended or self._pulling or self.complete or self.last is None:
            return None
        if self._retry_at_ms is not None:
            return self._retry_at_ms
        waits = [at_ms for _, at_ms in self._held.values()]
        if self._expected_at_ms is not None:
            waits.append(self._expected_at_ms)
        return min(waits) + self._hold_ms if waits else None

    def tick(self, now_ms: int) -> list[Action[E]]:
        """Time has passed."""
        due_ms = self.next_timeout_ms()
        return self._pull_now() if due_ms is not None and now_ms >= due_ms else []

    # ------------------------------------------------------------------ inside

    def _continuing(self, entries: Iterable[E]) -> list[E] | None:
        """The entries that follow ``last`` without a hole; None when one is of another epoch."""
        assert self.last is not None
        fresh: list[E] = []
        expected = self.last + 1
        for entry in entries:
            if entry.epoch != self.epoch:
                return None
            if entry.seq < expected:
                continue
            if entry.seq > expected:
                if fresh or entry.seq != self._floor:
                    break  # a hole is never an answer; what lies beyond it is asked for again
                self.last = entry.seq - 1
            fresh.append(entry)
            expected = entry.seq + 1
        return fresh

    def _advance(self, entries: list[E]) -> Apply[E]:
        """Move ``last`` over the given entries and the held ones that follow them directly."""
        assert self.last is not None
        if entries:
            self.last = entries[-1].seq
        while self.last + 1 in self._held:
            self.last += 1
            entries.append(self._held.pop(self.last)[0])
        for seq in [seq for seq in self._held if seq <= self.last]:
            del self._held[seq]
        self._target = max(self._target, self.last)
        if self.complete:
            self._settle()
        return Apply(tuple(entries))

    def _keep(self, entry: E, now_ms: int) -> None:
        self._target = max(self._target, entry.seq)
        self._held.setdefault(entry.seq, (entry, now_ms))
        if len(self._held) > self._max_held:
            # The lowest close the gap soonest; the highest are asked for again like any lost push.
            del self._held[max(self._held)]
            if self._expected_at_ms is None:
                self._expected_at_ms = now_ms

    def _pull_now(self) -> list[Action[E]]:
        if self._pulling or self.last is None or self.complete:
            return []
        self._pulling = True
        self._retry_at_ms = None
        self._expected_at_ms = None
        return [Pull(self.last + 1)]

    def _wait(self, now_ms: int) -> None:
        self._retry_at_ms = now_ms + min(self._hold_ms << min(self._stalls, 10), _MAX_STALL_MS)
        self._stalls += 1

    def _settle(self) -> None:
        self._stalls = 0
        self._retry_at_ms = None
        self._expected_at_ms = None

    def _end(self, epoch: int) -> list[Action[E]]:
        self._ended = True
        self._held.clear()
        return [Resync(epoch)]
