"""The port of threads: queries over what the index holds of them.

Each is a consistent snapshot of projected state; whoever asks waits for the projection first. A reply is an entry that
names a thread; these queries find them, count them, and remember who follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trunkline.domain.log.records import Entry
from trunkline.wire.entries import Overlay

Span = tuple[int, int]
"""First and last seq of a stay in a conversation."""


class Place(NamedTuple):
    """One thread."""

    app: str
    conversation: str
    thread: int


class Following(NamedTuple):
    """Whether a party follows a thread, and the seq up to which it has read there."""

    on: bool
    read: int


class ThreadCounts(NamedTuple):
    """What a badge shows."""

    unread: int
    mentions: int


class Summary(NamedTuple):
    """Replies that were not taken back, the newest of them (0 = none), the newest reply of all, and recent senders."""

    replies: int
    last: int
    newest: int
    senders: list[str]


class ThreadPlace(NamedTuple):
    """A row of a list of threads, and its sort key."""

    conversation: str
    thread: int
    at_ms: int


class ThreadChange(NamedTuple):
    """A party's own mark of a thread changed at ``pts``."""

    conversation: str
    thread: int
    following: bool
    read: int
    pts: int


class ThreadIndex(Protocol):
    """Queries over projected threads."""

    async def following(self, place: Place, party: str) -> Following:
        """Whether a party follows a thread, and how far it has read there."""
        ...

    async def unread(self, place: Place, party: str, after: int, hidden: Sequence[int]) -> ThreadCounts:
        """Replies of others above ``after`` that were not taken back nor ``hidden``, and mentions among them."""
        ...

    async def summary(self, place: Place, spans: Sequence[Span]) -> Summary:
        """How many replies there are within some ranges of seqs, the newest, and who wrote them."""
        ...

    async def replies(
        self, place: Place, spans: Sequence[Span], first: int, last: int, limit: int, newest_first: bool
    ) -> list[tuple[Entry, Overlay | None]]:
        """Replies with ``first <= seq <= last`` within some ranges, ascending: the lowest ``limit``, or the highest."""
        ...

    async def followed(self, app: str, party: str, after: ThreadPlace | None, limit: int) -> list[ThreadPlace]:
        """Threads a party follows, the most recently active first."""
        ...

    async def of_conversation(
        self, app: str, conversation: str, after: ThreadPlace | None, limit: int
    ) -> list[ThreadPlace]:
        """All threads of a conversation, the most recently active first."""
        ...

    async def changes(self, app: str, party: str, after_pts: int, limit: int) -> list[ThreadChange]:
        """What a party did with threads after a pts: ``limit`` of them and all that share the last one's pts."""
        ...
