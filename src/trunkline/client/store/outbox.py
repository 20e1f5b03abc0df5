"""The durable outbox: every message is here before it is sent and leaves when its entry is applied.

What is not here: when and how messages are sent (``client.sending``).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from trunkline.client.store.database import Database

_REFUSED_KEPT = 200
_COLUMNS = (
    "id, outbox, n, conversation, recipient, type, content, reply_to, mentions, expires_in_ms, created_at_ms, "
    "status, seq, error_code, error, thread"
)


class SendStatus(enum.StrEnum):
    """How far a message has got."""

    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"


class OutboxRow(msgspec.Struct, kw_only=True):
    """One message on its way.

    ``(outbox, n)`` is its id at the server. Exactly one of ``conversation`` and ``recipient`` was given by the sender;
    ``content`` is MessagePack, fixed when the message was written so that every retry is the same. ``upload`` is the
    upload that the row takes the place of when it is added.
    """

    id: int = 0
    outbox: str
    n: int
    conversation: str
    recipient: str
    type: str
    content: bytes
    reply_to: int = 0
    mentions: list[str] = msgspec.field(default_factory=list)
    expires_in_ms: int = 0
    thread: int = 0
    created_at_ms: int
    status: SendStatus = SendStatus.PENDING
    seq: int = 0
    error_code: int = 0
    error: str = ""
    upload: int = 0

    def content_value(self) -> Any:
        """The content as Python values."""
        return msgspec.msgpack.decode(self.content)


class OutboxTable:
    """Rows of the outbox; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def add(self, rows: Iterable[OutboxRow]) -> None:
        """Insert new rows and set their ids."""
        for row in rows:
            cursor = self._db.execute(
                "INSERT INTO outbox (outbox, n, conversation, recipient, type, content, reply_to, mentions, "
                "expires_in_ms, created_at_ms, status, thread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row.outbox,
                    row.n,
                    row.conversation,
                    row.recipient,
                    row.type,
                    row.content,
                    row.reply_to,
                    json.dumps(row.mentions),
                    row.expires_in_ms,
                    row.created_at_ms,
                    row.status.value,
                    row.thread,
                ),
            )
            row.id = cursor.lastrowid or 0
            if row.upload:
                self._db.execute("DELETE FROM upload WHERE id = ?", (row.upload,))

    def with_status(self, status: SendStatus, limit: int = -1) -> list[OutboxRow]:
        """Rows in the order they were written."""
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE status = ? ORDER BY id LIMIT ?",  # noqa: S608
            (status.value, limit),
        )
        return [_row(values) for values in found]

    def unsettled(self, conversation: str) -> list[OutboxRow]:
        """What a conversation's view shows after its history: pending, accepted but not applied, and refused."""
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE conversation = ? ORDER BY id",  # noqa: S608
            (conversation,),
        )
        return [_row(values) for values in found]

    def count_pending(self) -> int:
        """How many messages wait to be accepted."""
        (count,) = self._db.execute("SELECT COUNT(*) FROM outbox WHERE status = 'pending'").fetchone()
        return int(count)

    def mark_sent(self, row_id: int, conversation: str, seq: int) -> None:
        """Accepted at ``seq``: kept until its entry is applied, so that a view never loses it in between."""
        self._db.execute(
            "UPDATE outbox SET status = 'sent', conversation = ?, seq = ? WHERE id = ?", (conversation, seq, row_id)
        )
        self._db.execute(
            "DELETE FROM outbox WHERE id = ? AND EXISTS "
            "(SELECT 1 FROM conversation c WHERE c.conversation = ? AND c.last >= ?)",
            (row_id, conversation, seq),
        )

    def mark_refused(self, row_id: int, code: int, message: str) -> None:
        """Will never be accepted; the oldest such rows are forgotten beyond a number."""
        self._db.execute(
            "UPDATE outbox SET status = 'refused', error_code = ?, error = ? WHERE id = ?", (code, message, row_id)
        )
        self._db.execute(
            "DELETE FROM outbox WHERE status = 'refused' AND id NOT IN "
            "(SELECT id FROM outbox WHERE status = 'refused' ORDER BY id DESC LIMIT ?)",
            (_REFUSED_KEPT,),
        )

    def settle(self, outbox: str, n: int) -> bool:
        """The entry made by this send is being applied; True if the row was here."""
        return self._db.execute("DELETE FROM outbox WHERE outbox = ? AND n = ?", (outbox, n)).rowcount > 0

    def settle_up_to(self, conversation: str, last: int) -> None:
        """Forget accepted rows whose entries were applied."""
        self._db.execute(
            "DELETE FROM outbox WHERE status = 'sent' AND conversation = ? AND seq <= ?", (conversation, last)
        )

    def drop_sent(self) -> None:
        """Forget accepted rows: after a new epoch their positions mean nothing."""
        self._db.execute("DELETE FROM outbox WHERE status = 'sent'")

    def discard(self, row_id: int) -> bool:
        """Remove a refused row; True if there was one."""
        return self._db.execute("DELETE FROM outbox WHERE id = ? AND status = 'refused'", (row_id,)).rowcount > 0

    def rename(self, row_id: int, outbox: str, n: int, conversation: str | None = None) -> None:
        """Give a row that the server has certainly not accepted another id."""
        self._db.execute("UPDATE outbox SET outbox = ?, n = ? WHERE id = ?", (outbox, n, row_id))
        if conversation is not None:
            self._db.execute("UPDATE outbox SET conversation = ? WHERE id = ?", (conversation, row_id))

    def locate(self, recipient: str, conversation: str) -> None:
        """Fill in the conversation of direct messages written before it could be computed."""
        self._db.execute(
            "UPDATE outbox SET conversation = ? WHERE recipient = ? AND conversation = ''", (conversation, recipient)
        )


def _row(values: Sequence[Any]) -> OutboxRow:
    return OutboxRow(
        id=values[0],
        outbox=values[1],
        n=values[2],
        conversation=values[3],
        recipient=values[4],
        type=values[5],
        content=values[6],
        reply_to=values[7],
        mentions=json.loads(values[8]),
        expires_in_ms=values[9],
        created_at_ms=values[10],
        status=SendStatus(values[11]),
        seq=values[12],
        error_code=values[13],
        error=values[14],
        thread=values[15],
    )
