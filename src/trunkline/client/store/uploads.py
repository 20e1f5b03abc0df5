"""Uploads that are not finished, with the message that each is for: kept until it is in the outbox.

What is not here: sending bytes (``client.uploading``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from trunkline.client.store.database import Database

_COLUMNS = (
    "id, path, size_bytes, mtime_ns, sha256, file, name, mime, conversation, recipient, type, content, reply_to, "
    "mentions, expires_in_ms, thread, created_at_ms"
)


class UploadRow(msgspec.Struct, kw_only=True):
    """A file on its way.

    Attributes:
        path: of the file, absolute; ``size_bytes``, ``mtime_ns`` and ``sha256`` (hex) as it was when it was read.
        file: its id at the server; "" before the server knows of it.
        conversation: where its message goes, or ``recipient``; both empty when it is for no message.
        type: of the message; "" for the one that fits the file.
        content: MessagePack; what the message says besides.
    """

    id: int = 0
    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str = ""
    file: str = ""
    name: str
    mime: str = ""
    conversation: str = ""
    recipient: str = ""
    type: str = ""
    content: bytes = b"\x80"
    reply_to: int = 0
    mentions: list[str] = msgspec.field(default_factory=list)
    expires_in_ms: int = 0
    thread: int = 0
    created_at_ms: int

    @property
    def has_message(self) -> bool:
        """Whether a message follows."""
        return bool(self.conversation or self.recipient)


class UploadTable:
    """Rows of uploads; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def add(self, row: UploadRow) -> None:
        """Insert a row and set its id."""
        values = msgspec.structs.astuple(row)[1:]
        cursor = self._db.execute(
            f"INSERT INTO upload ({_COLUMNS.removeprefix('id, ')}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
            [json.dumps(value) if isinstance(value, list) else value for value in values],
        )
        row.id = cursor.lastrowid or 0

    def all(self) -> list[UploadRow]:
        """Rows in the order they were written."""
        return [_row(values) for values in self._db.execute(f"SELECT {_COLUMNS} FROM upload ORDER BY id")]  # noqa: S608

    def note(self, row: UploadRow) -> None:
        """What is known of the file, and its id at the server."""
        self._db.execute(
            "UPDATE upload SET size_bytes = ?, mtime_ns = ?, sha256 = ?, file = ? WHERE id = ?",
            (row.size_bytes, row.mtime_ns, row.sha256, row.file, row.id),
        )

    def remove(self, row_id: int) -> bool:
        """Forget an upload; True if it was here."""
        return self._db.execute("DELETE FROM upload WHERE id = ?", (row_id,)).rowcount > 0


def _row(values: Sequence[Any]) -> UploadRow:
    names = _COLUMNS.split(", ")
    found = dict(zip(names, values, strict=True))
    return UploadRow(**found | {"mentions": json.loads(found["mentions"])})
