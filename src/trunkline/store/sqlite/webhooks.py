"""Records and queries of webhooks: settings, cursors, and the conversations that are behind them."""

from __future__ import annotations

import msgspec

from trunkline.domain.log.records import SendReplaced, WebhookChanged, WebhookCursorMoved, WebhookLaneMoved
from trunkline.store.sqlite.batch import outbox_key
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.reader import SqliteIndexReader

WebhookRecord = WebhookChanged | WebhookCursorMoved | WebhookLaneMoved | SendReplaced
"""Records this module projects."""

_encode = msgspec.msgpack.Encoder().encode
_decode_webhook = msgspec.msgpack.Decoder(WebhookChanged).decode
_decode_cursor = msgspec.msgpack.Decoder(WebhookCursorMoved).decode


def apply(db: Database, record: WebhookRecord) -> None:
    """Project one record."""
    if isinstance(record, WebhookCursorMoved):
        if record.fresh:
            _forget_lanes(db, record.app, record.webhook)
        db.execute("REPLACE INTO webhook_cursor VALUES (?, ?, ?)", (record.app, record.webhook, _encode(record)))
    elif isinstance(record, WebhookLaneMoved):
        key = (record.app, record.webhook, record.conversation)
        if record.next_seq:
            db.execute("REPLACE INTO webhook_lane VALUES (?, ?, ?, ?)", (*key, record.next_seq))
        else:
            db.execute("DELETE FROM webhook_lane WHERE app = ? AND webhook = ? AND conversation = ?", key)
    elif isinstance(record, WebhookChanged):
        _webhook(db, record)
    else:
        # The digest of what was sent stands for that of what was stored, as after an erasure.
        db.execute(
            "INSERT OR IGNORE INTO sent_erased VALUES (?, ?, ?)",
            (outbox_key(record.app, record.party, record.outbox), record.n, record.digest),
        )


def _webhook(db: Database, record: WebhookChanged) -> None:
    key = (record.app, record.webhook)
    if record.deleted:
        db.execute("DELETE FROM webhook WHERE app = ? AND webhook = ?", key)
        db.execute("DELETE FROM webhook_cursor WHERE app = ? AND webhook = ?", key)
        _forget_lanes(db, *key)
        return
    db.execute(
        "INSERT INTO webhook (app, webhook, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        (*key, _encode(record)),
    )


def _forget_lanes(db: Database, app: str, webhook: str) -> None:
    db.execute("DELETE FROM webhook_lane WHERE app = ? AND webhook = ?", (app, webhook))


class SqliteWebhookTables:
    """Implements ``services.webhooks.ports.WebhookTables``."""

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._reader = reader

    async def webhooks(self) -> list[WebhookChanged]:
        """All that were not deleted, oldest first."""
        return await self._reader.run(
            lambda db: [_decode_webhook(row[0]) for row in db.execute("SELECT body FROM webhook ORDER BY id")]
        )

    async def webhook_cursors(self) -> list[WebhookCursorMoved]:
        """The latest cursor of each."""
        return await self._reader.run(
            lambda db: [_decode_cursor(row[0]) for row in db.execute("SELECT body FROM webhook_cursor")]
        )

    async def webhook_lanes(self) -> list[WebhookLaneMoved]:
        """All conversations that are behind their webhook's cursor."""
        return await self._reader.run(
            lambda db: [
                WebhookLaneMoved(*row)
                for row in db.execute("SELECT app, webhook, conversation, next_seq FROM webhook_lane")
            ]
        )
