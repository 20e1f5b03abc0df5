"""``SqliteSearchIndex``: the file ``search.db`` with its indexer and its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from trunkline.domain.search.query import Term
from trunkline.services.search.ports import Candidates, Progress, Scope
from trunkline.store.sqlite.search.indexer import Frames, Indexer
from trunkline.store.sqlite.search.reader import SearchReader


class SqliteSearchIndex:
    """Implements ``services.search.ports.SearchIndex``.

    Args:
        directory: the data directory, with ``index.db``.
        frames: the journal.
        epoch: of the store.
        every_s: how often to look for new messages.
        keep_bytes: journal kept for what is not indexed yet.
    """

    def __init__(self, directory: Path, frames: Frames, epoch: int, every_s: float, keep_bytes: int) -> None:
        path = directory / "search.db"
        self._indexer = Indexer(path, directory / "index.db", frames, epoch, every_s, keep_bytes)
        self._reader = SearchReader(path)
        self._indexer.start()

    def progress(self) -> Progress:
        """How far the index is."""
        indexer = self._indexer
        return Progress(indexer.lsn, indexer.building, indexer.generation, indexer.failure)

    def hurry(self) -> None:
        """Index what is there now."""
        self._indexer.hurry()

    async def candidates(self, terms: Sequence[Term], scope: Scope, before: int, limit: int) -> Candidates:
        """Candidates, newest first."""
        return await self._reader.candidates(terms, scope, before, limit)

    async def close(self) -> None:
        """End the threads and close the file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._indexer.stop)
        await loop.run_in_executor(None, self._reader.close)
