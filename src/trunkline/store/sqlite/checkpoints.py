"""Checkpoints: as SQLite makes them, and little by little.

SQLite syncs at a checkpoint. Seconds of work are then written at once, and whatever else waits for the same device, the
journal foremost, waits for all of that. Here it is written in pieces, with a moment for the others between them.

Not here: when there is one (``projector``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from trunkline.store.sqlite.connection import Database

PIECE_BYTES = 256 * 1024
PAUSE_S = 0.002
_WRITTEN_S = 0.000_2
"""A piece that took less had nothing to write."""
_ALL = 1 | 2 | 4
"""Begin writing, and wait for what was under way before and for what was begun."""
# Linux alone has it; elsewhere the sync that follows has more to do.
_write_range = getattr(ctypes.CDLL(None), "sync_file_range", None)


def checkpoint(db: Database) -> bool:
    """Move the write-ahead log into the file; whether all of it was moved, and is durable therefore."""
    busy, in_log, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return not busy and in_log == moved


def write_out(descriptor: int, go_on: Callable[[], bool]) -> None:
    """Have the system write a file's changes in pieces, asking ``go_on`` after each. Nothing is durable by this."""
    if _write_range is None:
        return
    for at in range(0, os.fstat(descriptor).st_size, PIECE_BYTES):
        begun_s = time.monotonic()
        if _write_range(descriptor, ctypes.c_int64(at), ctypes.c_int64(PIECE_BYTES), _ALL):
            return
        if time.monotonic() - begun_s > _WRITTEN_S and not go_on():
            return


def sync_gently(descriptor: int) -> None:
    """Make a file durable, in pieces.

    Raises:
        OSError: the disk does not take it.
    """
    write_out(descriptor, _pause)
    os.fdatasync(descriptor)


@contextlib.contextmanager
def opened_log(database: Path) -> Iterator[int]:
    """A descriptor of a database's write-ahead log.

    Raises:
        FileNotFoundError: there is none yet.
    """
    descriptor = os.open(database.with_name(database.name + "-wal"), os.O_RDWR | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_for_good(database: Path) -> int:
    """A descriptor of a database's file, durable as it is now, which must never be closed while SQLite has it open.

    Closing one would drop the locks that SQLite holds on the file in this process; the log has none.

    A process may have died between copying pages and syncing them (``checkpoint_gently``): so this comes before the
    first write.

    Raises:
        OSError: the disk does not take it.
    """
    descriptor = os.open(database, os.O_RDWR | os.O_CLOEXEC)
    os.fdatasync(descriptor)
    return descriptor


def checkpoint_gently(db: Database, database: Path, descriptor: int) -> bool:
    """Move the write-ahead log into the file; whether all of it was moved, and is durable therefore.

    In SQLite's own order: first the log is made durable, then its pages are copied, then the file is made durable.
    Until that is done nobody may write, for a log that was copied may be begun anew: the caller is the only one who
    writes.

    Args:
        db: the writing connection.
        database: its file.
        descriptor: of that, from ``open_for_good``.

    Raises:
        OSError: the disk does not take it.
        sqlite3.Error: the pages were not copied.
    """
    with contextlib.suppress(FileNotFoundError), opened_log(database) as log:
        sync_gently(log)
    db.execute("PRAGMA synchronous=OFF")
    try:
        moved = checkpoint(db)
        sync_gently(descriptor)
    finally:
        db.execute("PRAGMA synchronous=NORMAL")
    return moved


def _pause() -> bool:
    time.sleep(PAUSE_S)
    return True
