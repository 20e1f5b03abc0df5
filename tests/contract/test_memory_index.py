"""The index in memory keeps the contract of the index port."""

from __future__ import annotations

from pathlib import Path

from tests.contract.index_suite import Index, IndexSuite
from tests.contract.record_maker import EPOCH
from tests.support.memory_index import MemoryIndex


class TestMemoryIndex(IndexSuite):
    """All of the suite."""

    async def open_index(self, directory: Path) -> Index:
        return MemoryIndex.open(directory / "index.db", EPOCH)
