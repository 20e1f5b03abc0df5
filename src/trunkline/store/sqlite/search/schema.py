"""Tables of ``search.db`` and opening it. The file holds nothing of its own: when in doubt it is made anew.

Not here: who writes (``documents``) and reads (``reader``).
"""

from __future__ import annotations

import sqlite3
import unicodedata
from pathlib import Path

from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.schema import read_meta, write_meta

VERSION = 1
"""Another version of the tables or of how text becomes terms: the index is built anew."""
BLOCK_BITS = 12
_CACHE_KIB = 16 * 1024
_MMAP_BYTES = 512 * 1024 * 1024

# `name`: numbers for what markers and rows refer to: "app", "app/party" and "app:conversation".
# `doc`: one row per message with text; its id is its place in the order in which messages were accepted. `body` is the
#   text as sent, `edited` as it is now (a former member may still see the first one). Both are needed to take the terms
#   out of `words` again, which keeps no text.
# `words`: the terms of each doc. `detail=none` keeps no positions, which halves it; a match is decided on the text.
# `block`: oldest and newest time of each 4,096 docs, so that a time range is a range of ids.
_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    """CREATE TABLE doc (
        id INTEGER PRIMARY KEY,
        cid INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        app INTEGER NOT NULL,
        sender INTEGER NOT NULL,
        editor INTEGER NOT NULL,
        type TEXT NOT NULL,
        body TEXT NOT NULL,
        edited TEXT NOT NULL
    )""",
    "CREATE UNIQUE INDEX doc_at ON doc (cid, seq)",
    "CREATE TABLE block (no INTEGER PRIMARY KEY, oldest_ms INTEGER NOT NULL, newest_ms INTEGER NOT NULL)",
    "CREATE VIRTUAL TABLE words USING fts5(terms, content='', columnsize=0, detail=none, tokenize='ascii')",
)


class Unusable(Exception):
    """This file cannot be used; it is deleted and made anew."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file with autocommit; threads take turns."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)


def prepare_writer(db: Database) -> None:
    """Set up the writing connection. Nothing here has to survive a power cut, but the file must stay consistent."""
    db.execute("PRAGMA busy_timeout=5000")
    db.execute("PRAGMA journal_mode=WAL").fetchone()
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA wal_autocheckpoint=4000").fetchone()
    db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def prepare_reader(db: Database) -> None:
    """Set up a reading connection."""
    db.execute("PRAGMA busy_timeout=5000")
    db.execute("PRAGMA query_only=ON")
    db.execute(f"PRAGMA cache_size=-{_CACHE_KIB // 2}")
    db.execute(f"PRAGMA mmap_size={_MMAP_BYTES}").fetchone()


def create_or_check(db: Database, epoch: int, generation: int) -> None:
    """Make the tables, or see that they are those of this program and this store.

    Raises:
        Unusable: they are not.
    """
    unicode = _number(unicodedata.unidata_version)
    present = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not present:
        db.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            db.execute(statement)
        for key, value in (("version", VERSION), ("unicode", unicode), ("epoch", epoch), ("generation", generation)):
            write_meta(db, key, value)
        db.execute("COMMIT")
        return
    expected = {"version": VERSION, "unicode": unicode, "epoch": epoch}
    for key, value in expected.items():
        if read_meta(db, key) != value:
            raise Unusable(f"its {key} is {read_meta(db, key)} instead of {value}")


def delete(path: Path) -> None:
    """Remove the file and what belongs to it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _number(version: str) -> int:
    """Unicode tables decide what is a word: 14.0.0 -> 140000."""
    number = 0
    for part in version.split("."):
        number = number * 100 + int(part)
    return number
