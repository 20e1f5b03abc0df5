"""Opening the embedded store: journal, index, epoch; and bringing the index up to the journal.

Start-up cost follows what the index is behind, not what exists: the journal is replayed only
from the index's last durable position.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from trunkline.domain.log.records import decode_group
from trunkline.server.config import Config
from trunkline.store.journal.file_journal import FileJournal
from trunkline.store.journal.thread import JournalThread
from trunkline.store.sqlite.index import SqliteIndex

REPLAY_BATCH = 2_000


@dataclass(slots=True)
class Store:
    """An open data directory."""

    directory: Path
    epoch: int
    journal: FileJournal
    index: SqliteIndex
    writer: JournalThread

    async def close(self) -> None:
        """Finish writing, project everything, close the files."""
        await asyncio.get_running_loop().run_in_executor(None, self.writer.stop)
        await self.index.close()
        self.journal.close()


def read_epoch(directory: Path) -> int:
    """The store's epoch, made when the directory is first used.

    Raises:
        OSError: the directory cannot be written.
    """
    path = directory / "store.json"
    try:
        return int(json.loads(path.read_text("ascii"))["epoch"])
    except FileNotFoundError:
        epoch = time.time_ns() // 1_000_000
        write_epoch(directory, epoch)
        return epoch


def write_epoch(directory: Path, epoch: int) -> None:
    """Set the epoch (creation and restore), durably."""
    path = directory / "store.json"
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump({"format": 1, "epoch": epoch}, file)
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
        OSError: the directory cannot be used.
    """
    directory = config.directory
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = config.store
    journal = FileJournal.open(directory / "journal", segment_size_bytes=settings.segment_bytes, fsync=settings.fsync)
    try:
        epoch = read_epoch(directory)
        index = SqliteIndex.open(directory / "index.db", epoch, batch_s=settings.project_every_s)
        try:
            await _replay(journal, index)
        except BaseException:
            await index.close()
            raise
    except BaseException:
        journal.close()
        raise
    return Store(directory, epoch, journal, index, JournalThread(journal, asyncio.get_running_loop()))


async def _replay(journal: FileJournal, index: SqliteIndex) -> None:
    projector = index.projector
    progressed = asyncio.Event()
    failed: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failed.append(error)
        progressed.set()

    projector.on_progress(lambda _lsn: progressed.set())
    projector.on_failure(fail)
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
