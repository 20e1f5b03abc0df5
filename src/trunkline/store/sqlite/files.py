"""Files in the index: which exist, whose they are, and which messages refer to them.

Not here: the bytes (``store.blobs``), and who may see a message (``services.files``).
"""

from __future__ import annotations

import msgspec

from trunkline.domain.log.records import FileAttached, FilePurged, FileRemoved, FileStored
from trunkline.services.files.ports import FileRow
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.reader import SqliteIndexReader

FileRecord = FileStored | FileAttached | FileRemoved | FilePurged

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FileStored).decode


def apply(db: Database, record: FileRecord) -> None:
    """Project one record."""
    if isinstance(record, FileStored):
        made = db.execute(
            "INSERT OR IGNORE INTO file VALUES (?, ?, ?, ?, ?, 0, 0, ?, 0, ?) RETURNING 1",
            (
                record.app,
                record.file,
                record.owner,
                record.at_ms,
                record.size_bytes,
                record.at_ms,
                _encode(record),
            ),
        ).fetchall()
        if made:
            _count_bytes(db, record.app, record.owner, record.size_bytes)
    elif isinstance(record, FileAttached):
        db.execute(
            "INSERT OR IGNORE INTO file_use VALUES (?, ?, ?, ?)",
            (record.app, record.conversation, record.seq, record.file),
        )
        _count_uses(db, record.app, record.file, "used = 1")
    elif isinstance(record, FileRemoved):
        for owner, size_bytes in db.execute(
            "UPDATE file SET removed_at_ms = max(?, 1) WHERE app = ? AND file = ? AND removed_at_ms = 0"
            " RETURNING owner, size_bytes",
            (record.at_ms, record.app, record.file),
        ).fetchall():
            _count_bytes(db, record.app, owner, -size_bytes)
        db.execute("DELETE FROM file_use WHERE app = ? AND file = ?", (record.app, record.file))
    else:
        db.execute("DELETE FROM file WHERE app = ? AND file = ? AND removed_at_ms > 0", (record.app, record.file))


def detach(db: Database, app: str, conversation: str, seq: int, at_ms: int) -> None:
    """A message was taken back: it refers to nothing any more."""
    key = (app, conversation, seq)
    found = db.execute("SELECT file FROM file_use WHERE app = ? AND conversation = ? AND seq = ?", key).fetchall()
    if not found:
        return
    db.execute("DELETE FROM file_use WHERE app = ? AND conversation = ? AND seq = ?", key)
    for (file,) in found:
        db.execute("UPDATE file SET idle_at_ms = max(idle_at_ms, ?) WHERE app = ? AND file = ?", (at_ms, app, file))
        _count_uses(db, app, file, "used = 1")


def remove_owned(db: Database, app: str, owner: str, at_ms: int) -> None:
    """A party was erased: what it uploaded is gone for everyone."""
    for (file,) in db.execute("SELECT file FROM file WHERE app = ? AND owner = ?", (app, owner)).fetchall():
        apply(db, FileRemoved(app, file, at_ms, "erased"))


def _count_bytes(db: Database, app: str, owner: str, size_bytes: int) -> None:
    for whose in (owner, ""):
        db.execute(
            "INSERT INTO file_usage VALUES (?, ?, ?)"
            " ON CONFLICT (app, owner) DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes",
            (app, whose, size_bytes),
        )


def _count_uses(db: Database, app: str, file: str, also: str) -> None:
    db.execute(
        f"UPDATE file SET {also}, uses = (SELECT count(*) FROM file_use u WHERE u.app = ?1 AND u.file = ?2)"  # noqa: S608
        " WHERE app = ?1 AND file = ?2",
        (app, file),
    )


class SqliteFileIndex:
    """Implements ``services.files.ports.FileIndex`` over the index's readers."""

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._run = reader.run

    async def file(self, app: str, file: str) -> FileRow | None:
        """A file, also while its bytes are being removed."""

        def query(db: Database) -> FileRow | None:
            row = db.execute(
                "SELECT body, uses, removed_at_ms FROM file WHERE app = ? AND file = ?", (app, file)
            ).fetchone()
            return FileRow(_decode(row[0]), row[1], row[2] > 0) if row is not None else None

        return await self._run(query)

    async def uses(self, app: str, file: str, party: str, limit: int) -> list[tuple[str, int]]:
        """Messages (conversation, seq) that refer to a file, newest first, in conversations the party is or was in."""

        def query(db: Database) -> list[tuple[str, int]]:
            rows = db.execute(
                """SELECT u.conversation, u.seq FROM file_use u
                CROSS JOIN conversation_id i ON i.app = u.app AND i.name = u.conversation
                CROSS JOIN member m ON m.cid = i.cid AND m.party = ?
                WHERE u.app = ? AND u.file = ? ORDER BY u.seq DESC LIMIT ?""",
                (party, app, file, limit),
            ).fetchall()
            return [(row[0], row[1]) for row in rows]

        return await self._run(query)

    async def owned(self, app: str, owner: str, after: str, limit: int) -> list[FileStored]:
        """A page of a party's files by id."""

        def query(db: Database) -> list[FileStored]:
            rows = db.execute(
                """SELECT body FROM file WHERE app = ? AND owner = ? AND file > ? AND removed_at_ms = 0
                ORDER BY file LIMIT ?""",
                (app, owner, after, limit),
            ).fetchall()
            return [_decode(row[0]) for row in rows]

        return await self._run(query)

    async def usage(self, app: str, owner: str) -> int:
        """Bytes of the files of a party that are not removed; with "" those of the whole app."""

        def query(db: Database) -> int:
            row = db.execute("SELECT size_bytes FROM file_usage WHERE app = ? AND owner = ?", (app, owner)).fetchone()
            return int(row[0]) if row is not None else 0

        return await self._run(query)

    async def idle(self, never_used_before_ms: int, detached_before_ms: int, limit: int) -> list[tuple[str, str]]:
        """(app, file) of files that no message refers to, since before these times."""

        def query(db: Database) -> list[tuple[str, str]]:
            rows = db.execute(
                """SELECT app, file FROM file WHERE uses = 0 AND removed_at_ms = 0 AND idle_at_ms < ?
                AND ((used = 0 AND idle_at_ms < ?) OR (used = 1 AND idle_at_ms < ?)) ORDER BY idle_at_ms LIMIT ?""",
                (max(never_used_before_ms, detached_before_ms), never_used_before_ms, detached_before_ms, limit),
            ).fetchall()
            return [(row[0], row[1]) for row in rows]

        return await self._run(query)

    async def aged(self, before_ms: int, limit: int) -> list[tuple[str, str]]:
        """(app, file) of files uploaded before a time."""

        def query(db: Database) -> list[tuple[str, str]]:
            rows = db.execute(
                "SELECT app, file FROM file WHERE removed_at_ms = 0 AND at_ms < ? ORDER BY at_ms LIMIT ?",
                (before_ms, limit),
            ).fetchall()
            return [(row[0], row[1]) for row in rows]

        return await self._run(query)

    async def removed(self, limit: int) -> list[FileStored]:
        """Removed files whose bytes may still be there."""

        def query(db: Database) -> list[FileStored]:
            rows = db.execute("SELECT body FROM file WHERE removed_at_ms > 0 LIMIT ?", (limit,)).fetchall()
            return [_decode(row[0]) for row in rows]

        return await self._run(query)
