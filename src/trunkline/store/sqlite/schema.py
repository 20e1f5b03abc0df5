"""The schema version of ``index.db`` and the numbered migrations that bring an older file forward.

A migration is a file ``migrations/NNNN_name.sql``; each runs in one transaction that also records
its number. Not here: what the tables mean (the comments in the migrations say so).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from trunkline.store.sqlite.connection import Database


class SchemaTooNew(Exception):
    """The file was written by a newer version of the program."""


def migrate(db: Database) -> None:
    """Create the tables, or bring them to the present version.

    Raises:
        SchemaTooNew: the file has a schema this program does not know.
    """
    db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID")
    scripts = migrations()
    present = check_version(db)
    # Numbers are given out to features before they are done, so one may arrive later than a higher one.
    if present and not read_meta(db, _applied(1)):
        for number in range(1, present + 1):  # written before each was recorded; then there were no gaps
            write_meta(db, _applied(number), 1)
    for number in sorted(scripts):
        if not read_meta(db, _applied(number)):
            _apply(db, number, scripts[number])


def check_version(db: Database) -> int:
    """The schema version of a file that has the table ``meta``.

    Raises:
        SchemaTooNew: the file has a schema this program does not know.
    """
    present, newest = read_meta(db, "schema_version"), max(migrations())
    if present > newest:
        raise SchemaTooNew(
            f"index.db has schema version {present}, this program knows up to {newest}: "
            "start the newer program, or restore a backup made by this one"
        )
    return present


def migrations() -> dict[int, str]:
    """SQL scripts by number.

    Raises:
        ValueError: two scripts have one number; which of them applied would depend on the file system.
    """
    folder = resources.files("trunkline.store.sqlite") / "migrations"
    return numbered({file.name: file.read_text() for file in folder.iterdir() if file.name.endswith(".sql")})


def numbered(scripts: Mapping[str, str]) -> dict[int, str]:
    """Scripts by the number their names begin with.

    Raises:
        ValueError: two have one number.
    """
    found: dict[int, str] = {}
    for name in sorted(scripts):
        number = int(name[:4])
        if number in found:
            raise ValueError(f"two migrations have the number {number:04}; the second is {name}")
        found[number] = scripts[name]
    return found


def _applied(number: int) -> str:
    return f"migration_{number:04}"


def _apply(db: Database, number: int, script: str) -> None:
    lines = (line for line in script.splitlines() if not line.lstrip().startswith("--"))
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in "\n".join(lines).split(";"):
            if statement.strip():
                db.execute(statement)
        write_meta(db, "schema_version", max(number, read_meta(db, "schema_version")))
        write_meta(db, _applied(number), 1)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def read_meta(db: Database, key: str) -> int:
    """A number from ``meta``; 0 when it was never written."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row is not None else 0


def write_meta(db: Database, key: str, value: int) -> None:
    """Store a number in ``meta``."""
    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
