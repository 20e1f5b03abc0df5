"""Pages: the Link header (RFC 8288) that leads to the next one, so that no client has to build it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from trunkline.wire.calls.messages import History, HistoryGet


def next_link(path: str, query: Sequence[tuple[str, str]], request: msgspec.Struct, result: Any) -> str:
    """The Link header of a page; empty on the last one.

    Args:
        path: of this request, percent-encoded.
        query: of this request.
        request: as bound.
        result: the page.
    """
    changed = _next_history(request, result) if isinstance(result, History) else _next_list(result)
    if not changed:
        return ""
    kept = [(name, value) for name, value in query if name not in changed]
    return f'<{path}?{urlencode([*kept, *changed.items()])}>; rel="next"'


def _next_list(result: Any) -> dict[str, str]:
    cursor = getattr(result, "next", "")
    return {"after": cursor} if cursor else {}


def _next_history(request: msgspec.Struct, page: History) -> dict[str, str]:
    if not isinstance(request, HistoryGet) or not page.more or not page.entries:
        return {}
    if request.newest_first:
        return {"to_seq": str(page.entries[0].seq - 1)}
    return {"from_seq": str(page.entries[-1].seq + 1)}
