"""Which sends were accepted, and what is forgotten.

A row of ``sent`` holds what one outbox sent in one batch: n, cid and seq of each. The digest that
tells a retry from a reuse of the id is computed from the entry itself, or kept from before its erasure.
"""

from __future__ import annotations

import msgspec

from trunkline.domain.log.dedupe import send_digest
from trunkline.services.log.index_port import OutboxState, SentBefore
from trunkline.store.sqlite import chunks
from trunkline.store.sqlite.batch import outbox_key
from trunkline.store.sqlite.connection import Database

_decode = msgspec.msgpack.Decoder(list[int]).decode


def outbox_state(db: Database, app: str, party: str, outbox: str) -> OutboxState:
    """Highest n and floor of an outbox."""
    key = outbox_key(app, party, outbox)
    floor = _floor(db, key)
    row = db.execute("SELECT max(last_n) FROM sent WHERE outbox = ?", (key,)).fetchone()
    return OutboxState(max(row[0] or 0, floor), floor)


def sent_before(db: Database, app: str, party: str, outbox: str, n: int) -> SentBefore | None:
    """Where a send went; ``seq`` 0 when it is at or below the floor."""
    key = outbox_key(app, party, outbox)
    if n <= _floor(db, key):
        return SentBefore("", 0, 0, b"")
    found = db.execute(
        "SELECT body FROM sent WHERE outbox = ? AND last_n >= ? AND first_n <= ? ORDER BY last_n", (key, n, n)
    )
    for (body,) in found:
        flat = _decode(body)
        for position in range(0, len(flat), 3):
            if flat[position] == n:
                return _describe(db, key, n, flat[position + 1], flat[position + 2])
    return None


def _describe(db: Database, key: bytes, n: int, cid: int, seq: int) -> SentBefore:
    (conversation,) = db.execute("SELECT name FROM conversation WHERE cid = ?", (cid,)).fetchone()
    entry = chunks.read_range(db, cid, seq, seq)[0]
    erased = db.execute("SELECT digest FROM sent_erased WHERE outbox = ? AND n = ?", (key, n)).fetchone()
    digest = erased[0] if erased is not None else send_digest(conversation, entry)
    return SentBefore(conversation, seq, entry.at_ms, digest)


def _floor(db: Database, key: bytes) -> int:
    row = db.execute("SELECT n FROM sent_floor WHERE outbox = ?", (key,)).fetchone()
    return row[0] if row is not None else 0


def raise_floor(db: Database, key: bytes, n: int) -> None:
    """Forget the sends of an outbox up to ``n``; a row that also holds later ones stays."""
    db.execute(
        "INSERT INTO sent_floor VALUES (?, ?) ON CONFLICT DO UPDATE SET n = max(n, excluded.n)",
        (key, n),
    )
    db.execute("DELETE FROM sent WHERE outbox = ? AND last_n <= ?", (key, n))
    db.execute("DELETE FROM sent_erased WHERE outbox = ? AND n <= ?", (key, n))
