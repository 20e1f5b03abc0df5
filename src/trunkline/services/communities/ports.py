"""The port of communities: which a party is in."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Belonging(NamedTuple):
    """A community a party is in or left, and the position of the last change of that for the party."""

    community: str
    pts: int
    left: bool


class CommunityIndex(Protocol):
    """Queries over projected communities."""

    async def any_in(self) -> set[str]:
        """Apps that have communities."""
        ...

    async def of_party(self, app: str, party: str) -> list[Belonging]:
        """Communities a party is in or left."""
        ...
