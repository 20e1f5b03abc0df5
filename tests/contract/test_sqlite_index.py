"""The SQLite index keeps the contract of the index port."""

from __future__ import annotations

from pathlib import Path

from tests.contract.index_suite import Index, IndexSuite
from tests.contract.record_maker import EPOCH
from trunkline.store.sqlite import SqliteIndex


class TestSqliteIndex(IndexSuite):
    """All of the suite."""

    async def open_index(self, directory: Path) -> Index:
        return SqliteIndex.open(directory / "index.db", EPOCH, batch_s=600.0)
