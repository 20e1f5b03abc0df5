"""Who has come how far in what a room sends: its stream of items, and its connections in cohorts.

A room of thousands cannot be written to at once. Its connections stand in a ring of cohorts; whoever drives the room
takes the cohort that has waited longest, gives it everything since its last turn, and puts it back. A message so waits
for one round at most, wherever in the round it comes in; a batch for everybody would have to wait for the round under
way and then go round itself. A room that fits into one cohort is the same as one batch for everybody.

Positions count the items of the stream since the room was opened. Items that every cohort has are forgotten.

Not here: what of it is written to whom (services), which items there are (``tick``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from trunkline.domain.rooms.tick import Item

S = TypeVar("S")


class Cohort(Generic[S]):
    """Connections that have come equally far.

    Attributes:
        at: position of the first item that they do not have.
        seq: of the last entry that they have.
        due_s: earliest time of their next turn.
        gone: for each connection that left since the last turn, the position that the stream had then.
    """

    __slots__ = ("at", "due_s", "gone", "seq", "sessions")

    def __init__(self, at: int, seq: int, due_s: float) -> None:
        self.sessions: dict[S, None] = {}
        self.at = at
        self.seq = seq
        self.due_s = due_s
        self.gone: list[int] = []


class Audience(Generic[S]):
    """The stream, and who is where in it.

    Args:
        seq: of the last entry before the stream begins.
        size: connections of a cohort, and of a turn, at most.
    """

    def __init__(self, seq: int, size: int) -> None:
        self.seq = seq
        self.end = 0
        """Position after the last item."""
        self._size = size
        self._items: list[Item] = []
        self._ring: deque[Cohort[S]] = deque()
        """Ascending by position."""
        self._cohort_of: dict[S, Cohort[S]] = {}

    # --- how far ----------------------------------------------------------------------------

    @property
    def reached(self) -> int:
        """Position that everybody has reached."""
        return self._ring[0].at if self._ring else self.end

    @property
    def next_turn_s(self) -> float:
        """Earliest time of the next turn; 0 when nobody is here."""
        return self._ring[0].due_s if self._ring else 0.0

    def seq_of(self, session: S) -> int:
        """Last entry that a connection has, or was passed over with."""
        cohort = self._cohort_of.get(session)
        return self.seq if cohort is None else cohort.seq

    # --- coming and going -------------------------------------------------------------------

    def enter(self, session: S, now_s: float) -> None:
        """A connection comes in and has everything so far; again is harmless."""
        if session in self._cohort_of:
            return
        last = self._ring[-1] if self._ring else None
        if last is None or last.at < self.end or len(last.sessions) >= self._size:
            last = Cohort(self.end, self.seq, now_s)
            self._ring.append(last)
        last.sessions[session] = None
        self._cohort_of[session] = last

    def leave(self, session: S) -> None:
        """A connection goes; what it had not got until now counts as missed."""
        cohort = self._cohort_of.pop(session, None)
        if cohort is not None:
            del cohort.sessions[session]
            if cohort.at < self.end:
                cohort.gone.append(self.end)

    # --- what is sent -----------------------------------------------------------------------

    def publish(self, items: Iterable[Item]) -> None:
        """Items that everybody is to have, in order."""
        before = len(self._items)
        self._items += items
        self.end += len(self._items) - before
        for item in self._items[before:]:
            self.seq = max(self.seq, item.seq)
        self._forget()

    def items(self, start: int, end: int) -> list[Item]:
        """Items from one position to before another; they are kept from ``reached`` on."""
        first = self.end - len(self._items)
        return self._items[start - first : end - first]

    def take(self, now_s: float) -> list[Cohort[S]]:
        """Cohorts whose turn it is: those who wait longest, as many as make one turn."""
        taken: list[Cohort[S]] = []
        count = 0
        while self._ring:
            cohort = self._ring[0]
            count += len(cohort.sessions)
            if cohort.at == self.end or cohort.due_s > now_s or (taken and count > self._size):
                break
            taken.append(self._ring.popleft())
        return taken

    def put_back(self, taken: list[Cohort[S]], due_s: float) -> None:
        """They have everything now; small ones become one."""
        last: Cohort[S] | None = None
        for cohort in taken:
            if not cohort.sessions:
                continue
            if last is not None and len(last.sessions) + len(cohort.sessions) <= self._size:
                last.sessions.update(cohort.sessions)
                for session in cohort.sessions:
                    self._cohort_of[session] = last
                continue
            last = cohort
            last.at, last.seq, last.due_s, last.gone = self.end, self.seq, due_s, []
            self._ring.append(last)
        self._forget()

    def _forget(self) -> None:
        done = len(self._items) - (self.end - self.reached)
        if done > 0:
            del self._items[:done]
