"""One conversation's undelivered entries, as a webhook sees them."""

from __future__ import annotations

from collections import deque

from trunkline.domain.log.records import Entry

ENTRY_COST_BYTES = 400
"""What an entry takes in memory besides its content."""


def cost_of(entry: Entry) -> int:
    """About how much memory an entry takes."""
    return len(entry.content) + ENTRY_COST_BYTES


class Lane:
    """The entries of one conversation that wait for delivery, in order.

    Attributes:
        next_seq: everything below is delivered, or not wanted.
        last_seq: the highest entry admitted; 0 = up to the head, whatever that is.
        seen: the highest entry that was admitted before the head was known.
        buffer: (position, entry) of wanted entries in memory, ascending.
        covered: whether ``buffer`` holds everything wanted from ``next_seq`` to ``last_seq``; if not, the rest has
            to be fetched from the log.
        base: the position of what is not in the buffer; 0 = unknown.
        busy: an attempt or a fetch is under way.
        attempts: failures of the first entry so far.
        due_s: when it may be tried again.
        part: how many of the first entry's events are delivered already.
    """

    __slots__ = (
        "attempts",
        "base",
        "buffer",
        "busy",
        "conversation",
        "covered",
        "due_s",
        "last_seq",
        "next_seq",
        "part",
        "queued",
        "seen",
    )

    def __init__(self, conversation: str, next_seq: int, last_seq: int, *, base: int, covered: bool) -> None:
        self.conversation = conversation
        self.next_seq = next_seq
        self.last_seq = last_seq
        self.seen = 0
        self.buffer: deque[tuple[int, Entry]] = deque()
        self.covered = covered
        self.base = base
        self.busy = False
        self.attempts = 0
        self.due_s = 0.0
        self.part = 0
        self.queued = False

    @property
    def drained(self) -> bool:
        """Whether nothing is left to do."""
        return self.covered and not self.buffer

    @property
    def first_position(self) -> int:
        """Where the oldest undelivered entry came from; 0 = unknown."""
        return self.buffer[0][0] if self.buffer else self.base

    @property
    def waiting(self) -> int:
        """How many entries wait; an upper bound where they are not in memory."""
        if self.covered:
            return len(self.buffer)
        return max(self.last_seq - self.next_seq + 1, len(self.buffer), 1)
