"""Ports of the engine besides the index: the journal's writer and the loop's timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from trunkline.domain.log.records import Record

CommitDone = Callable[[int, BaseException | None], None]
"""Called on the event loop with the group's lsn, or 0 and what went wrong."""


class JournalNotWritten(Exception):
    """The group is certainly not in the journal, and the journal is as it was before."""


class JournalWriter(Protocol):
    """Writes one group at a time durably, off the event loop.

    Attributes:
        encode: makes the journal's payload of a group; may be replaced by something that does the same, faster.
    """

    encode: Callable[[list[Record]], bytes]

    @property
    def last_lsn(self) -> int:
        """Lsn of the last durable group."""
        ...

    def submit(self, records: list[Record], done: CommitDone) -> None:
        """Write a group and fsync; then ``done`` on the event loop.

        Errors passed on: ``JournalNotWritten`` (definite; space may come back) or anything else
        (unknown: the journal is to be considered failed).
        """
        ...


class Timer(Protocol):
    """The part of the event loop the engine uses."""

    def call_soon(self, callback: Callable[[], None]) -> object:
        """Run ``callback`` at the end of this tick."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> object:
        """Run ``callback`` after ``delay`` seconds."""
        ...

    def time(self) -> float:
        """Monotonic seconds."""
        ...
