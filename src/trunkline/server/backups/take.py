"""Taking a backup of an open store, while it is in use or not.

The index is copied first, at some commit group; then the journal from there on. So the backup holds everything that was
acknowledged before it began. The durable mark is left out: it moves on while the segments are copied. What may be
trimmed from the journal is held back by a pin. The backup appears under its name when it is complete, not before.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from trunkline.protocol.journal.errors import JournalTrimmed
from trunkline.server.backups.manifest import (
    INDEX_NAME,
    JOURNAL_NAME,
    MANIFEST_NAME,
    BackupError,
    BackupFile,
    Manifest,
    copy_start,
    describe_file,
    sync_directory,
    write_durably,
)
from trunkline.server.store import Store
from trunkline.store.journal.file_journal import FileJournal

_PIN = "backup"


def check_target(target: Path, store_directory: Path) -> None:
    """Refuse a place a backup must not be written to.

    Raises:
        BackupError: it exists, its parent does not, or it lies inside the data directory.
    """
    if target.exists() or target.is_symlink():
        raise BackupError(f"{target} exists already; choose another name")
    if not target.parent.is_dir():
        raise BackupError(f"{target.parent} is no directory; make it first")
    if target.resolve().is_relative_to(store_directory.resolve()):
        raise BackupError(f"{target} lies inside the data directory; choose another disk")


async def take_backup(store: Store, target: Path, version: str, go_on: Callable[[], bool] = lambda: True) -> Manifest:
    """Write a backup of ``store`` to ``target``, which must not exist.

    Raises:
        BackupError: the target cannot be used, or ``go_on`` said no.
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    check_target(target, store.directory)
    loop = asyncio.get_running_loop()
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    _pin_oldest(store.journal)
    try:
        created_at_ms = time.time_ns() // 1_000_000
        index_lsn = await store.index.backup(partial / INDEX_NAME)
        if not go_on():
            raise BackupError("the backup was stopped")
        store.journal.pin(_PIN, max(index_lsn + 1, store.journal.first_lsn))
        manifest = await loop.run_in_executor(None, _complete, store, partial, index_lsn, created_at_ms, version, go_on)
        await loop.run_in_executor(None, _reveal, partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        store.journal.unpin(_PIN)
    return manifest


def _pin_oldest(journal: FileJournal) -> None:
    while True:
        try:
            journal.pin(_PIN, journal.first_lsn)
        except JournalTrimmed:
            continue  # trimmed between the two; there is a new oldest frame
        return


def _complete(
    store: Store, partial: Path, index_lsn: int, created_at_ms: int, version: str, go_on: Callable[[], bool]
) -> Manifest:
    """Copy the journal behind the index, then write the manifest."""
    files = [describe_file(partial, INDEX_NAME)]
    (partial / JOURNAL_NAME).mkdir(mode=0o700)
    segments = store.journal.segments()
    needed = [segment for segment in segments[:-1] if segment.last_lsn > index_lsn] + [segments[-1]]
    for segment in needed:
        path = f"{JOURNAL_NAME}/{segment.name}"
        digest = copy_start(store.directory / path, partial / path, segment.size_bytes, go_on)
        files.append(BackupFile(path, segment.size_bytes, digest))
    sync_directory(partial / JOURNAL_NAME)
    manifest = Manifest(
        version=version,
        created_at_ms=created_at_ms,
        epoch=store.epoch,
        store_id=store.journal.store_id.hex(),
        index_lsn=index_lsn,
        last_lsn=needed[-1].last_lsn,
        files=files,
    )
    write_durably(partial / MANIFEST_NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    sync_directory(partial)
    return manifest


def _reveal(partial: Path, target: Path) -> None:
    partial.rename(target)
    sync_directory(target.parent)
