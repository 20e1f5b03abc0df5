"""Operations of search."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.search.search import Searcher
from trunkline.wire.calls import search as calls

SCOPE = "messages"


def operations(searcher: Searcher) -> list[Operation]:
    """What one can search."""
    return [
        Operation(
            "message.search",
            calls.MessageSearch,
            calls.SearchPage,
            searcher.search,
            SCOPE,
            "Search messages",
            Audience.EVERYONE,
            writes=False,
        )
    ]
