"""``SqliteIndex``: the file ``index.db`` with its reader and its projector.

Not here: queries (``reader``), projection (``projector``), what is pruned (``retention``).
"""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.sqlite import gifts, retention
from trunkline.store.sqlite.appliers import InProcess
from trunkline.store.sqlite.connection import Connect, Database, connect_sqlite3, prepare
from trunkline.store.sqlite.projector import SqliteProjector
from trunkline.store.sqlite.reader import SqliteIndexReader
from trunkline.store.sqlite.schema import migrate, read_meta

_BACKUP_PAGES = 2_000
"""Copied in one step; the GIL is free meanwhile."""


class SqliteIndex:
    """An open index.

    Attributes:
        reader: the queries (``IndexReader``).
        projector: takes committed groups (``Projector``); also ``durable_lsn`` and ``queued_records``.
    """

    def __init__(self, path: Path, reader: SqliteIndexReader, projector: SqliteProjector) -> None:
        self._path = path
        self.reader = reader
        self.projector = projector

    @classmethod
    def open(
        cls,
        path: Path,
        epoch: int,
        *,
        batch_s: float = 1.0,
        batch_records: int = 50_000,
        readers: int = 2,
        niceness: int = 10,
        connect: Connect = connect_sqlite3,
        journal: FileJournal | None = None,
    ) -> SqliteIndex:
        """Open or create the file, bring its schema forward and start the projector's thread.

        The cost does not depend on how much the index holds.

        Args:
            path: of ``index.db``.
            epoch: of the store.
            batch_s: how long the projector collects groups before it writes them.
            batch_records: how many records it writes at most in one transaction.
            readers: threads for queries.
            niceness: lowers the priority of the projector, which shortens the event loop's waits.
            connect: opens a file; replaced in tests only.
            journal: where the groups are. With it, a process of its own applies them; without, the projector's
                thread, which costs the event loop more.

        Raises:
            SchemaTooNew: a newer program wrote the file.
        """

        def open_writer() -> Database:
            db = connect(path)
            try:
                prepare(db, writer=True)
                migrate(db)
                gifts.fill(db)
            except BaseException:
                db.close()
                raise
            return db

        def open_reader() -> Database:
            db = connect(path)
            prepare(db, writer=False)
            return db

        elsewhere = None
        if journal is not None:
            directory = Path(journal.directory).absolute()
            elsewhere = partial(InProcess, path.absolute(), journal, directory, epoch, niceness)
        projector = SqliteProjector(
            open_writer,
            epoch,
            batch_s=batch_s,
            batch_records=batch_records,
            niceness=niceness,
            apply_elsewhere=elsewhere,
        )
        return cls(path, SqliteIndexReader(open_reader, epoch, threads=readers), projector)

    async def close(self) -> None:
        """Project what is queued and close the file."""
        await self.projector.stop()
        await asyncio.get_running_loop().run_in_executor(None, self.reader.close)

    async def prune(self, now_ms: int) -> None:
        """Forget old sends, answers and tombstones (``retention``)."""

        def step(db: Database) -> bool:
            db.execute("BEGIN IMMEDIATE")
            try:
                more = retention.prune(db, now_ms)
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
            return more

        while await self.projector.run(step):
            pass

    async def backup(self, target: Path) -> int:
        """Write a consistent copy of the index to ``target`` while it is in use.

        Returns:
            The lsn up to which the copy is projected.
        """
        return await asyncio.get_running_loop().run_in_executor(None, _backup, self._path, target)


def _backup(path: Path, target: Path) -> int:
    source = sqlite3.connect(path, isolation_level=None)
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        # The read transaction keeps its snapshot, so the copy never starts over while the writer goes on.
        source.execute("BEGIN")
        lsn = read_meta(source, "projected_lsn")
        source.backup(copy, pages=_BACKUP_PAGES)
        source.execute("COMMIT")
        return lsn
    finally:
        copy.close()
        source.close()
