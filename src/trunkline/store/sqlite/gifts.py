"""Totals of gifts in live rooms: counted as entries are projected, so each counts exactly once, whatever happens.

Not here: combos (``protocol.rooms.gifts``), and that an order is one entry (the room's log).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trunkline.domain.log.records import Entry
from trunkline.services.rooms.ports import GiftTotals, Given
from trunkline.store.sqlite import chunks
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.reader import SqliteIndexReader
from trunkline.store.sqlite.schema import read_meta, write_meta
from trunkline.wire.room_items import MAX_AMOUNT, Gift

GIFT = "gift"
EVERYBODY = ""
FILLED = "gifts_counted"

_ADD = f"""
INSERT INTO gift_total (cid, party, count, amount) VALUES (?, ?, ?, ?) ON CONFLICT (cid, party) DO UPDATE SET
count = min(count + excluded.count, {MAX_AMOUNT}), amount = min(amount + excluded.amount, {MAX_AMOUNT})
"""  # noqa: S608 - a number
_TOP = """
SELECT party, count, amount FROM gift_total WHERE cid = ? AND party != ''
ORDER BY amount DESC, count DESC, party LIMIT ?
"""
_OF_ROOMS = """
SELECT k.cid, k.body FROM conversation c CROSS JOIN chunk k ON k.cid = c.cid WHERE c.kind = 'room'
"""

_decode = msgspec.msgpack.Decoder(Gift).decode


def add(db: Database, cid: int, entries: Iterable[Entry]) -> None:
    """Count the gifts among new entries of a room."""
    totals: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if entry.type != GIFT or not entry.content:
            continue
        gift = _decode(entry.content)
        for party in (entry.sender, EVERYBODY):
            count, amount = totals.get(party, (0, 0))
            totals[party] = (count + gift.quantity, amount + gift.quantity * gift.amount)
    for party, (count, amount) in totals.items():
        db.execute(_ADD, (cid, party, min(count, MAX_AMOUNT), min(amount, MAX_AMOUNT)))


def erase(db: Database, cid: int, party: str) -> None:
    """An erased party is named no longer; what it gave stays in the sum."""
    db.execute("DELETE FROM gift_total WHERE cid = ? AND party = ?", (cid, party))


def fill(db: Database) -> None:
    """Count what was given before there were totals, once."""
    if read_meta(db, FILLED):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for cid, body in db.execute(_OF_ROOMS).fetchall():
            add(db, cid, chunks.decode(body))
        write_meta(db, FILLED, 1)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


class SqliteGifts:
    """Implements ``services.rooms.ports.GiftIndex``.

    Args:
        reader: runs the queries.
    """

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._run = reader.run

    async def totals(self, app: str, room: str, party: str, limit: int) -> GiftTotals:
        """The sums of a room, who gave most, and what one party gave."""

        def query(db: Database) -> GiftTotals:
            found = db.execute("SELECT cid FROM conversation_id WHERE app = ? AND name = ?", (app, room)).fetchone()
            if found is None:
                return GiftTotals(0, Given(EVERYBODY, 0, 0), 0, [], None)
            (cid,) = found
            (head,) = db.execute("SELECT head FROM conversation WHERE cid = ?", (cid,)).fetchone()
            (givers,) = db.execute("SELECT count(*) FROM gift_total WHERE cid = ? AND party != ''", (cid,)).fetchone()
            top = [Given(*row) for row in db.execute(_TOP, (cid, limit)).fetchall()]
            everybody = _given(db, cid, EVERYBODY) or Given(EVERYBODY, 0, 0)
            return GiftTotals(head, everybody, givers, top, _given(db, cid, party))

        return await self._run(query)


def _given(db: Database, cid: int, party: str) -> Given | None:
    row = db.execute("SELECT party, count, amount FROM gift_total WHERE cid = ? AND party = ?", (cid, party)).fetchone()
    return Given(*row) if row is not None else None
