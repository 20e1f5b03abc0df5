"""Reading what existed before the index did: the chunks of ``index.db``, in nearly the order of acceptance.

Chunks are stored as they were projected, those of one batch by conversation. Entries of a few seconds are therefore
held back and sorted by time before they are handed on.

Not here: following the journal (``indexer``).
"""

from __future__ import annotations

import sqlite3
from operator import itemgetter
from pathlib import Path

from trunkline.store.sqlite import chunks
from trunkline.store.sqlite.schema import read_meta
from trunkline.store.sqlite.search.documents import Item

CHUNKS_AT_ONCE = 100
HOLD_MS = 5_000
MAX_HELD = 100_000

_CHUNKS = """
SELECT k.id, k.body, c.app, c.name FROM chunk k CROSS JOIN conversation c ON c.cid = k.cid
WHERE k.id > ? ORDER BY k.id LIMIT ?
"""


class Crawl:
    """Walks through the chunks once.

    Args:
        path: of ``index.db``.
        after_chunk: go on behind this chunk.

    Attributes:
        resume_at: chunk behind which everything has to be read again if the crawl breaks off here.
        done: nothing is left.
    """

    def __init__(self, path: Path, after_chunk: int) -> None:
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA busy_timeout=5000")
        self._chunk = self.resume_at = after_chunk
        self._held: list[tuple[int, int, Item]] = []
        self._held_from = after_chunk
        self.done = False

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def projected_lsn(self) -> int:
        """How far ``index.db`` is."""
        return read_meta(self._db, "projected_lsn")

    def next(self) -> list[Item]:
        """The next entries, oldest first; may be empty before the crawl is done."""
        rows = self._db.execute(_CHUNKS, (self._chunk, CHUNKS_AT_ONCE)).fetchall()
        before = self._chunk
        held = self._held
        for chunk, body, app, name in rows:
            self._chunk = chunk
            held += [(entry.at_ms, entry.seq, (app, name, entry)) for entry in chunks.decode(body)]
        held.sort(key=itemgetter(0, 1))
        if not rows:
            self.done = True
        limit = len(held)
        if rows and limit <= MAX_HELD:
            newest = held[-1][0]
            while limit and held[limit - 1][0] > newest - HOLD_MS:
                limit -= 1
        ready = [item for _, _, item in held[:limit]]
        self._held = held[limit:]
        if limit and self._held:
            self._held_from = before
        elif not self._held:
            self._held_from = self._chunk
        self.resume_at = self._held_from
        return ready
