"""What is forgotten with time: old sends, old answers to requests, old tombstones of inboxes.

Runs on the projector's thread, each call in one transaction of bounded size.
"""

from __future__ import annotations

from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.sent import raise_floor

DAY_MS = 24 * 3600 * 1000
KEEP_SENDS_MS = 7 * DAY_MS
KEEP_ANSWERS_MS = DAY_MS
KEEP_TOMBSTONES_MS = 90 * DAY_MS
_AT_ONCE = 5_000


def prune(db: Database, now_ms: int) -> bool:
    """Forget up to some thousand rows of each kind; True when there is more to forget."""
    more = [_answers(db, now_ms), _sends(db, now_ms), _tombstones(db, now_ms)]
    return any(more)


def _answers(db: Database, now_ms: int) -> bool:
    old = _front(db, "SELECT id, at_ms FROM remembered ORDER BY id LIMIT ?", now_ms - KEEP_ANSWERS_MS)
    if old:
        db.execute("DELETE FROM remembered WHERE id <= ?", (old[-1],))
    return len(old) == _AT_ONCE


def _sends(db: Database, now_ms: int) -> bool:
    """Rows are in order of projection; those of an outbox that newer rows overlap wait for these."""
    old = _front(db, "SELECT id, last_at_ms FROM sent ORDER BY id LIMIT ?", now_ms - KEEP_SENDS_MS)
    if not old:
        return False
    floors = db.execute("SELECT outbox, max(last_n) FROM sent WHERE id <= ? GROUP BY outbox", (old[-1],)).fetchall()
    forgotten = 0
    for outbox, n in floors:
        younger = db.execute("SELECT min(first_n) FROM sent WHERE outbox = ? AND id > ?", (outbox, old[-1])).fetchone()
        if younger[0] is None or younger[0] > n:
            raise_floor(db, outbox, n)
            forgotten += 1
    return len(old) == _AT_ONCE and forgotten > 0


def _tombstones(db: Database, now_ms: int) -> bool:
    old = db.execute(
        "SELECT owner, cid, pts FROM inbox WHERE left_at_ms > 0 AND left_at_ms < ? AND pts > 0 LIMIT ?",
        (now_ms - KEEP_TOMBSTONES_MS, _AT_ONCE),
    ).fetchall()
    for owner, cid, pts in old:
        db.execute("UPDATE inbox SET pts = 0 WHERE owner = ? AND cid = ?", (owner, cid))
        db.execute(
            "INSERT INTO inbox_floor VALUES (?, ?) ON CONFLICT DO UPDATE SET pts = max(pts, excluded.pts)", (owner, pts)
        )
    return len(old) == _AT_ONCE


def _front(db: Database, query: str, before_ms: int) -> list[int]:
    """Ids from the front of a table in time order whose time is before ``before_ms``."""
    old: list[int] = []
    for row_id, at_ms in db.execute(query, (_AT_ONCE,)).fetchall():
        if at_ms >= before_ms:
            break
        old.append(row_id)
    return old
