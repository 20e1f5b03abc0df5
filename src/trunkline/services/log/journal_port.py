"""The ``Journal`` port: the durable truth, one numbered frame per commit group.

Lives here: the contract that every journal adapter keeps, and its error types by name.
Does not live here: the file format (``protocol/journal``), files (``store/journal``), and what a
commit group contains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from trunkline.protocol.journal.errors import (
    JournalClosed,
    JournalCorrupt,
    JournalError,
    JournalFailed,
    JournalNotApplied,
    JournalPayloadTooLarge,
    JournalTooShort,
    JournalTrimmed,
)

__all__ = [
    "Journal",
    "JournalClosed",
    "JournalCorrupt",
    "JournalError",
    "JournalFailed",
    "JournalNotApplied",
    "JournalPayloadTooLarge",
    "JournalTooShort",
    "JournalTrimmed",
    "SegmentInfo",
]


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """One segment: its name, the frames it holds (``last_lsn < first_lsn`` when empty), its used bytes."""

    name: str
    first_lsn: int
    last_lsn: int
    size_bytes: int


class Journal(Protocol):
    """An append-only sequence of commit groups, numbered densely by ``lsn``.

    One thread appends; any number of threads may read, trim and pin meanwhile. Nothing is readable
    before it is durable.
    """

    @property
    def first_lsn(self) -> int:
        """The oldest frame that can be read, or the first to come when there is none."""
        ...

    @property
    def last_lsn(self) -> int:
        """The newest durable frame; ``first_lsn - 1`` when there is none."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes in use, over all segments, without preallocated space."""
        ...

    def append(self, payload: bytes) -> int:
        """Write one commit group and return its lsn once it is durable. Blocks.

        Raises:
            JournalNotApplied: it was definitely not written; the same journal may be used on.
            JournalFailed: it is unknown whether it was; every later append raises this as well.
            JournalClosed: the journal was closed.
        """
        ...

    def read(self, after_lsn: int) -> Iterator[tuple[int, bytes]]:
        """Yield ``(lsn, payload)`` of every durable frame behind ``after_lsn``, in order.

        Ends at the newest frame that is durable when it gets there.

        Raises:
            JournalTrimmed: the frame behind ``after_lsn`` is gone.
            JournalTooShort: ``after_lsn`` is behind the end, so frames the caller knew are missing.
            JournalCorrupt: stored bytes are damaged.
        """
        ...

    def trim(self, before_lsn: int) -> int:
        """Remove whole segments that hold only frames below ``before_lsn`` and below every pin.

        Returns:
            How many segments were removed. The segment being written is never removed.
        """
        ...

    def pin(self, name: str, lsn: int) -> None:
        """Keep frame ``lsn`` and all later ones; the same name moves its pin. Pins are not durable.

        Raises:
            JournalTrimmed: that frame is gone already.
        """
        ...

    def unpin(self, name: str) -> None:
        """Remove a pin; unknown names are ignored."""
        ...

    def segments(self) -> Sequence[SegmentInfo]:
        """The segments, oldest first."""
        ...

    def close(self) -> None:
        """Release files and lock; may be called twice."""
        ...
