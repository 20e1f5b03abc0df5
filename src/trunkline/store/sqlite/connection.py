"""Opening ``index.db``: what a connection is here, and how it is set up.

Not here: tables (``schema``), nor which thread uses which connection (``projector``, ``reader``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

CACHE_KIB = 32 * 1024
"""Page cache of the writer; readers take a quarter each."""
MMAP_BYTES = 256 * 1024 * 1024
_BUSY_TIMEOUT_MS = 5_000
_RETRYABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_RETRYABLE_IO = frozenset({sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP})
"""A full disk met while the shared memory of the write-ahead log grows."""


class Cursor(Protocol):
    """The part of a cursor this package uses."""

    def fetchone(self) -> Any:
        """Next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """The part of a connection this package uses; transactions are explicit statements."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """Run one statement."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


Connect = Callable[[Path], Database]
"""Opens a database file with autocommit; tests pass their own to put a faulty disk under it."""


def connect_sqlite3(path: Path) -> Database:
    """Open a file with the standard library's SQLite."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)


def prepare(db: Database, *, writer: bool) -> None:
    """Set up a fresh connection.

    ``synchronous=NORMAL``: a power cut may take the last transactions with it, never the file's
    consistency; the journal replays them. ``wal_autocheckpoint=0``: the projector checkpoints itself,
    because only then it knows what is durable.
    """
    db.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    if writer:
        db.execute("PRAGMA page_size=4096")
        db.execute("PRAGMA journal_mode=WAL").fetchone()
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA wal_autocheckpoint=0").fetchone()
        db.execute("PRAGMA secure_delete=OFF").fetchone()
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    else:
        db.execute("PRAGMA query_only=ON")
        db.execute(f"PRAGMA cache_size=-{CACHE_KIB // 4}")
        db.execute(f"PRAGMA mmap_size={MMAP_BYTES}").fetchone()


def may_be_retried(error: BaseException) -> bool:
    """Whether a failed write can succeed later: the disk is full or the file is locked."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        code = getattr(error, "extendedresult", None)
    return isinstance(code, int) and ((code & 0xFF) in _RETRYABLE or code in _RETRYABLE_IO)
