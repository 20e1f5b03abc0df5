"""Opening the embedded store: journal, index, epoch; and bringing the index up to the journal.

Start-up cost follows what the index is behind, not what exists: the journal is replayed only
from the index's last durable position.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from trunkline.domain.log.records import decode_group
from trunkline.server.config import Config
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.spare import SpareMaker
from trunkline.store.journal.thread import JournalThread
from trunkline.store.sqlite.index import SqliteIndex
from trunkline.store.sqlite.schema import SchemaTooNew, check_version, read_meta
from trunkline.store.sqlite.search import SqliteSearchIndex

REPLAY_BATCH = 2_000
FORMAT = 1
"""Of the data directory as a whole, in store.json."""


class StoreUnusable(Exception):
    """The data directory cannot be used as it is; the message says what to do. Nothing was changed."""


@dataclass(slots=True)
class Store:
    """An open data directory."""

    directory: Path
    epoch: int
    journal: FileJournal
    index: SqliteIndex
    writer: JournalThread
    search: SqliteSearchIndex | None = None

    async def close(self) -> None:
        """Finish writing, project everything, close the files."""
        if self.search is not None:
            await self.search.close()
        await asyncio.get_running_loop().run_in_executor(None, self.writer.stop)
        await self.index.close()
        self.journal.close()


def read_epoch(directory: Path) -> int:
    """The store's epoch, made when the directory is first used.

    Raises:
        OSError: the directory cannot be written.
        StoreUnusable: the file is damaged, or of a newer version.
    """
    path = directory / "store.json"
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise StoreUnusable(f"{path} has format {found['format']}, this program knows {FORMAT}: use the newer one")
        return int(found["epoch"])
    except FileNotFoundError:
        epoch = time.time_ns() // 1_000_000
        write_epoch(directory, epoch)
        return epoch
    except (ValueError, KeyError, TypeError) as error:
        raise StoreUnusable(f"{path} is damaged ({error}); restore a backup") from error


def write_epoch(directory: Path, epoch: int) -> None:
    """Set the epoch (creation and restore), durably."""
    path = directory / "store.json"
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump({"format": FORMAT, "epoch": epoch}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def open_store(config: Config) -> Store:
    """Open or create the data directory and replay what the index lacks.

    Raises:
        DataDirectoryLocked: another server has it.
        JournalError: the journal is damaged (nothing was changed) or belongs to another store.
        StoreUnusable: the index or store.json is damaged, or of a newer version.
        OSError: the directory cannot be used.
    """
    directory = config.directory
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = config.store
    if (directory / "store.json").exists():
        read_epoch(directory)  # refuse a damaged or newer store before anything is touched
    journal = FileJournal.open(
        directory / "journal",
        segment_size_bytes=settings.segment_bytes,
        fsync=settings.fsync,
        verify_after_lsn=_projected_lsn(directory / "index.db"),
    )
    try:
        epoch = read_epoch(directory)
        index = _open_index(directory / "index.db", epoch, settings.project_every_s, journal)
        try:
            await _replay(journal, index)
        except sqlite3.Error as error:
            await index.close()
            raise _explained(error, directory / "index.db") from error
        except BaseException:
            await index.close()
            raise
        try:
            search = _open_search(config, journal, epoch)
        except BaseException:
            await index.close()
            raise
    except BaseException:
        journal.close()
        raise
    writer = JournalThread(journal, asyncio.get_running_loop(), SpareMaker(journal).check)
    return Store(directory, epoch, journal, index, writer, search)


def _open_search(config: Config, journal: FileJournal, epoch: int) -> SqliteSearchIndex | None:
    if not config.search.enabled:
        return None
    try:
        settings = config.search
        return SqliteSearchIndex(config.directory, journal, epoch, settings.index_every_s, settings.keep_journal_bytes)
    except sqlite3.Error as error:
        raise OSError(0, f"SQLite: {error}", str(config.directory / "search.db")) from error


def _open_index(path: Path, epoch: int, batch_s: float, journal: FileJournal) -> SqliteIndex:
    try:
        return SqliteIndex.open(path, epoch, batch_s=batch_s, journal=journal)
    except SchemaTooNew as error:
        raise StoreUnusable(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise _explained(error, path) from error


def _explained(error: sqlite3.Error, path: Path) -> OSError | StoreUnusable:
    """What SQLite complains about: the system it runs on, or the file itself."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, f"SQLite: {error}", str(path))
    if code in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    ):
        return OSError(0, f"SQLite: {error}", str(path))
    return StoreUnusable(f"{path} cannot be used ({error}); keep a copy of the data directory and restore a backup")


def _projected_lsn(path: Path) -> int:
    """How far the index is, so that kept journal below it need not be read through; 0 when that is unknown.

    Only looks: the journal's lock is not held yet, and nothing may be changed before the journal is accepted.
    """
    if not path.exists():
        return 0
    # Without a write-ahead log the file is all there is, and looking must not leave one behind.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as db:
            check_version(db)
            return read_meta(db, "projected_lsn")
    except SchemaTooNew as error:
        raise StoreUnusable(str(error)) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise StoreUnusable(
                f"{path} is damaged ({error}); keep a copy of the data directory and restore a backup"
            ) from error
        return 0  # opening the index will say what is wrong


async def _replay(journal: FileJournal, index: SqliteIndex) -> None:
    projector = index.projector
    progressed = asyncio.Event()
    failed: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failed.append(error)
        progressed.set()

    projector.on_progress(lambda _lsn: progressed.set())
    projector.on_failure(fail)
    projector.on_delay(fail)  # waiting for room here would be a start that neither succeeds nor fails
    if projector.reads_journal:
        for lsn in range(projector.projected_lsn + 1, journal.last_lsn + 1):
            projector.submit(lsn, ())
    else:
        for count, (lsn, payload) in enumerate(journal.read(projector.projected_lsn), 1):
            projector.submit(lsn, decode_group(payload))
            if count % REPLAY_BATCH == 0:
                await asyncio.sleep(0)
    while projector.projected_lsn < journal.last_lsn:
        projector.hurry()
        await progressed.wait()
        progressed.clear()
        if failed:
            raise failed[0]
