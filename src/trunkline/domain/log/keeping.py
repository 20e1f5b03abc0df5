"""How much of the journal is kept for a reader that is behind: a webhook, the search index."""

from __future__ import annotations

from collections.abc import Sequence


def keep_from(needed_lsn: int, segments: Sequence[tuple[int, int]], max_bytes: int) -> int:
    """The oldest group to keep, given that ``needed_lsn`` is still needed.

    Whole segments are kept, newest first, as far as ``max_bytes`` go; the newest is always there. A webhook that is
    further behind skips what was trimmed and counts it; the search index is then built from the chunks.

    Args:
        needed_lsn: the first group that the reader has not seen.
        segments: (first lsn, size in bytes), oldest first.
        max_bytes: the bound.
    """
    allowed = needed_lsn
    used = 0
    for number, (first_lsn, size_bytes) in enumerate(reversed(segments)):
        used += size_bytes
        if number and used > max_bytes:
            break
        allowed = first_lsn
    return max(needed_lsn, allowed)
