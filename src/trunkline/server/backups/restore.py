"""Making a data directory out of a backup.

Everything is checked before the directory appears: checksums, the index, the journal's chain. The restored store begins
a new epoch, so that every client notices and synchronises again (decision 0005).
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from trunkline.protocol.journal.errors import JournalError
from trunkline.server.backups.manifest import (
    INDEX_NAME,
    JOURNAL_NAME,
    BackupError,
    Manifest,
    copy_start,
    read_manifest,
    sync_directory,
)
from trunkline.server.store import write_epoch
from trunkline.store.journal.file_journal import FileJournal


def restore(source: Path, directory: Path) -> tuple[Manifest, int]:
    """Restore a backup to ``directory``, which must not exist or be empty.

    Returns:
        The backup's manifest, and the new epoch.

    Raises:
        BackupError: the backup is incomplete or damaged, or the directory is in use. Nothing was changed.
        OSError: the disk cannot be read or written; nothing is left behind.
    """
    manifest = read_manifest(source)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupError(f"{directory} is not empty; move it away first, or restore to another directory")
    directory.absolute().parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".partial", dir=directory.absolute().parent))
    try:
        _copy(manifest, source, partial)
        _check_index(partial / INDEX_NAME, manifest)
        _check_journal(partial / JOURNAL_NAME, manifest)
        # Greater than before even when this machine's clock is behind that of the old one.
        epoch = max(time.time_ns() // 1_000_000, manifest.epoch + 1)
        write_epoch(partial, epoch)
        partial.rename(directory)
        sync_directory(directory.absolute().parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest, epoch


def _copy(manifest: Manifest, source: Path, partial: Path) -> None:
    (partial / JOURNAL_NAME).mkdir(mode=0o700)
    for file in manifest.files:
        place = Path(file.path)
        if place.is_absolute() or ".." in place.parts:
            raise BackupError(f"the manifest names {file.path}, which is not inside the backup")
        try:
            digest = copy_start(source / place, partial / place, file.size_bytes)
            longer = (source / place).stat().st_size != file.size_bytes
        except FileNotFoundError as error:
            raise BackupError(f"{source / place} is missing; use another backup") from error
        if digest != file.sha256 or longer:
            raise BackupError(f"{source / place} is damaged: its checksum is not that of the manifest")
    sync_directory(partial / JOURNAL_NAME)


def _check_index(path: Path, manifest: Manifest) -> None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            found = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
            row = db.execute("SELECT value FROM meta WHERE key = 'projected_lsn'").fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupError(f"the index in the backup cannot be used: {error}") from error
    if found != ["ok"]:
        raise BackupError(f"the index in the backup is damaged: {found[0]}")
    if (row[0] if row else 0) != manifest.index_lsn:
        raise BackupError("the index in the backup is not the one the manifest describes")


def _check_journal(path: Path, manifest: Manifest) -> None:
    try:
        with FileJournal.open(path, store_id=bytes.fromhex(manifest.store_id)) as journal:
            if journal.last_lsn != manifest.last_lsn:
                raise BackupError(
                    f"the journal in the backup ends at {journal.last_lsn}, the manifest says {manifest.last_lsn}"
                )
            for _ in journal.read(manifest.index_lsn):
                pass
    except (JournalError, ValueError) as error:
        raise BackupError(f"the journal in the backup cannot be used: {error}") from error
