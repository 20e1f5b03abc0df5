"""The port of the full-text index: it proposes, the service decides.

An index follows the journal by itself. It may be behind, and what it proposes may be gone, changed or out of the
caller's sight: ``Searcher`` looks at the log before it shows anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trunkline.domain.search.query import Term

NEWEST = 2**53 - 1
"""``before`` of a first page."""


class Scope(NamedTuple):
    """Where to look.

    Attributes:
        app: tenant.
        conversations: only these; None = the whole app.
        sender: only messages of this party; "" = of anyone.
        types: only these message types; () = all.
        from_ms: messages of this time or later; 0 = from the beginning.
        to_ms: messages of this time or earlier; 0 = up to now.
    """

    app: str
    conversations: Sequence[str] | None
    sender: str = ""
    types: tuple[str, ...] = ()
    from_ms: int = 0
    to_ms: int = 0


class Candidate(NamedTuple):
    """A message that may match. ``position`` orders candidates by the time they were accepted; it never changes."""

    position: int
    conversation: str
    seq: int


class Candidates(NamedTuple):
    """Newest first. Every candidate in the scope with ``down_to <= position < before`` is among them."""

    found: list[Candidate]
    down_to: int


class Progress(NamedTuple):
    """How far an index is.

    Attributes:
        lsn: every commit group up to here is in the index.
        building: it goes through what existed before it, and knows only a part.
        generation: of the positions; a rebuilt index has another one.
        failure: why it stopped; "" while it works.
    """

    lsn: int
    building: bool
    generation: int
    failure: str


class SearchIndex(Protocol):
    """Full-text look-ups over the messages of all apps."""

    def progress(self) -> Progress:
        """How far the index is."""
        ...

    def hurry(self) -> None:
        """Index what is there now instead of waiting for more."""
        ...

    async def candidates(self, terms: Sequence[Term], scope: Scope, before: int, limit: int) -> Candidates:
        """About ``limit`` candidates that have all ``terms``, or fewer after a bounded amount of work."""
        ...
