"""The port of broadcasts: queries over tags through time, and over broadcasts.

Each is a consistent snapshot of projected state; whoever asks waits for the projection first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trunkline.domain.broadcasts.recipient import Sent
from trunkline.domain.log.records import BroadcastMarked


class Place(NamedTuple):
    """A broadcast conversation."""

    app: str
    conversation: str


class BroadcastIndex(Protocol):
    """Queries over projected broadcasts and tags."""

    async def last_moment(self) -> int:
        """The highest moment given out."""
        ...

    async def conversations(self) -> list[Place]:
        """All broadcast conversations."""
        ...

    async def scheduled(self) -> list[BroadcastMarked]:
        """Broadcasts that wait for their time."""
        ...

    async def tags(self, app: str, party: str) -> tuple[str, ...]:
        """The tags a party has now."""
        ...

    async def sent_to(self, app: str, conversation: str, party: str, limit: int) -> list[Sent]:
        """The newest ``limit`` broadcasts, each with the tags the party had when it was sent; in no order."""
        ...

    async def tags_at(self, app: str, parties: Sequence[str], moment: int) -> list[frozenset[str]]:
        """The tags that parties had at a moment, in the order asked."""
        ...

    async def get(self, app: str, broadcast: str) -> BroadcastMarked | None:
        """A broadcast."""
        ...

    async def at_seq(self, app: str, conversation: str, seq: int) -> BroadcastMarked | None:
        """The broadcast whose entry is at ``seq``."""
        ...

    async def page(
        self, app: str, conversation: str, after: tuple[int, str] | None, limit: int
    ) -> list[BroadcastMarked]:
        """Broadcasts of a conversation, the newest (by ``at_ms``, then id) first."""
        ...
