"""The rows one batch writes, collected in memory and written by few statements.

Not here: how records become rows (``fold``, ``parties``).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import msgspec

from trunkline.store.sqlite import rows
from trunkline.store.sqlite.bulk import Bulk
from trunkline.store.sqlite.connection import Database
from trunkline.wire.entries import Overlay

BLOCKED_SUBJECT = 0
PROFILE_SUBJECT = -1
THREADS_SUBJECT = -2
"""Inbox subjects that are no conversation, in the place of a cid."""

_encode = msgspec.msgpack.Encoder().encode
_decode_overlay = msgspec.msgpack.Decoder(Overlay).decode


def outbox_key(app: str, party: str, outbox: str) -> bytes:
    """The key of an outbox in ``sent``: a hash, so that no id needs to be looked up or given out."""
    return hashlib.blake2b(f"{app}/{party}/{outbox}".encode(), digest_size=16).digest()


class Batch:
    """Rows to write, by table.

    Attributes:
        sends: per (app, party, outbox) a flat list n, cid, seq, ...
        sent_at_ms: time of the newest send in the batch; the age of all of them.
        overlays: changed messages by (cid, seq).
        expiry: expiry time by (cid, seq); 0 = no longer.
        cards: whether a card is open, by (cid, seq).
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        self.chunks = Bulk("INSERT INTO chunk (cid, first_seq, last_seq, first_at_ms, last_at_ms, body) VALUES", 6)
        self.ids = Bulk("INSERT INTO conversation_id (app, name, cid) VALUES", 3)
        self.conversations = Bulk(rows.INSERT_CONVERSATION, rows.CONVERSATION_COLUMNS)
        self.members = Bulk(rows.INSERT_MEMBER, rows.MEMBER_COLUMNS)
        self.inbox = Bulk(
            "INSERT INTO inbox (owner, cid, pts) VALUES", 3, "ON CONFLICT (owner, cid) DO UPDATE SET pts = excluded.pts"
        )
        self.memberships = Bulk(
            "INSERT INTO inbox (owner, cid, pts, left_at_ms, large) VALUES",
            5,
            """ON CONFLICT (owner, cid) DO UPDATE SET
            pts = excluded.pts, left_at_ms = excluded.left_at_ms, large = excluded.large""",
        )
        self.settings = Bulk(
            "INSERT INTO inbox (owner, cid, pts, pinned, position, hidden) VALUES",
            6,
            """ON CONFLICT (owner, cid) DO UPDATE SET
            pts = excluded.pts, pinned = excluded.pinned, position = excluded.position, hidden = excluded.hidden""",
        )
        self._sent = Bulk("INSERT INTO sent (outbox, first_n, last_n, last_at_ms, body) VALUES", 5)
        self.sends: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        self.sent_at_ms = 0
        self.overlays: dict[tuple[int, int], Overlay] = {}
        self.expiry: dict[tuple[int, int], int] = {}
        self.cards: dict[tuple[int, int], int] = {}
        self.removed: list[tuple[int, int, str | None]] = []
        self.mentions_all: list[tuple[int, int, str | None]] = []

    def forget(self) -> None:
        """Drop what was collected."""
        self.__init__(self.db)  # type: ignore[misc]

    def overlay(self, cid: int, seq: int) -> Overlay:
        """The overlay of a message, to be changed in place."""
        found = self.overlays.get((cid, seq))
        if found is None:
            row = self.db.execute("SELECT body FROM overlay WHERE cid = ? AND seq = ?", (cid, seq)).fetchone()
            found = self.overlays[cid, seq] = _decode_overlay(row[0]) if row is not None else Overlay()
        return found

    def write(self) -> None:
        """Write everything collected and forget it."""
        db = self.db
        for bulk in (self.ids, self.conversations, self.chunks, self.members):
            bulk.write(db)
        for bulk in (self.inbox, self.memberships, self.settings):
            bulk.write(db, sort=True)
        self.write_sent()
        for (cid, seq), overlay in self.overlays.items():
            db.execute("REPLACE INTO overlay (cid, seq, body) VALUES (?, ?, ?)", (cid, seq, _encode(overlay)))
        self.overlays.clear()
        for (cid, seq), expires_at_ms in self.expiry.items():
            if expires_at_ms:
                db.execute("REPLACE INTO expiry (cid, seq, expires_at_ms) VALUES (?, ?, ?)", (cid, seq, expires_at_ms))
            else:
                db.execute("DELETE FROM expiry WHERE cid = ? AND seq = ?", (cid, seq))
        self.expiry.clear()
        for (cid, seq), is_open in self.cards.items():
            db.execute("REPLACE INTO card (cid, seq, open) VALUES (?, ?, ?)", (cid, seq, is_open))
        self.cards.clear()
        self._write_seqs("removed", self.removed)
        self._write_seqs("mention_all", self.mentions_all)

    def write_sent(self) -> None:
        """Write the sends collected so far."""
        values: list[Any] = self._sent.values
        for key, flat in self.sends.items():
            numbers = flat[::3]
            values += (outbox_key(*key), min(numbers), max(numbers), self.sent_at_ms, _encode(flat))
        self.sends.clear()
        self._sent.write(self.db, sort=True)

    def _write_seqs(self, table: str, changes: list[tuple[int, int, str | None]]) -> None:
        for cid, seq, sender in changes:
            if sender is None:
                self.db.execute(f"DELETE FROM {table} WHERE cid = ? AND seq = ?", (cid, seq))  # noqa: S608
            else:
                self.db.execute(
                    f"REPLACE INTO {table} (cid, seq, sender) VALUES (?, ?, ?)",  # noqa: S608
                    (cid, seq, sender),
                )
        changes.clear()
