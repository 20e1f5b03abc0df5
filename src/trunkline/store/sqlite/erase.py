"""Erasing a party: the content of its messages, and what it kept about itself.

Changes to the structure of conversations stay (who was added, made admin, ...); clients need them
to understand the log. Runs inside the projector's transaction; doing it twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trunkline.domain.cards.erasure import redacted
from trunkline.domain.log.dedupe import send_digest
from trunkline.domain.log.records import Entry, PartyErased
from trunkline.protocol.cards.merges import without_party
from trunkline.store.sqlite import chunks, files, threads
from trunkline.store.sqlite.batch import BLOCKED_SUBJECT, PROFILE_SUBJECT, outbox_key
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.parties import touch
from trunkline.wire import entries as types
from trunkline.wire.entries import Overlay

_KEPT = frozenset(
    {
        types.CREATED,
        types.UPDATED,
        types.DISMISSED,
        types.MEMBERS_ADDED,
        types.MEMBERS_REMOVED,
        types.MEMBER_CHANGED,
        types.TRANSFERRED,
        types.RECALLED,
        types.EXPIRED,
        types.REACTED,
        types.PINNED,
        types.ERASED,
    }
)
_EDITED_TO_NOTHING = msgspec.msgpack.encode({"content": None})

_encode = msgspec.msgpack.Encoder().encode
_decode_overlay = msgspec.msgpack.Decoder(Overlay).decode


def erase_party(db: Database, lsn: int, record: PartyErased) -> None:
    """Project one erasure."""
    app, party = record.app, record.party
    owner = f"{app}/{party}"
    db.execute("PRAGMA secure_delete=ON").fetchone()
    try:
        for cid, conversation in db.execute(
            """SELECT c.cid, c.name FROM inbox i CROSS JOIN conversation c ON c.cid = i.cid
            WHERE i.owner = ? AND i.cid > 0""",
            (owner,),
        ).fetchall():
            _erase_entries(db, record, cid, conversation)
            db.execute(
                "UPDATE member SET settings = '', hidden = '', hidden_up_to = 0 WHERE cid = ? AND party = ?",
                (cid, party),
            )
        db.execute("UPDATE inbox SET pinned = 0, position = 0, hidden = 0 WHERE owner = ?", (owner,))
        db.execute("DELETE FROM profile WHERE app = ? AND party = ?", (app, party))
        db.execute("DELETE FROM blocked WHERE owner = ?", (owner,))
        threads.erase(db, owner)
        db.execute("DELETE FROM device WHERE owner = ?", (owner,))
        files.remove_owned(db, app, party, record.at_ms)
    finally:
        db.execute("PRAGMA secure_delete=OFF").fetchone()
    touch(db, owner, BLOCKED_SUBJECT, lsn)
    touch(db, owner, PROFILE_SUBJECT, lsn)


def _erase_entries(db: Database, record: PartyErased, cid: int, conversation: str) -> None:
    app, party = record.app, record.party
    for chunk_id, entries in _chunks(db, cid):
        erased = [entry for entry in entries if _has_content_of(entry, party)]
        for entry in erased:
            if entry.outbox:
                db.execute(
                    "INSERT OR IGNORE INTO sent_erased VALUES (?, ?, ?)",
                    (outbox_key(app, party, entry.outbox), entry.n, send_digest(conversation, entry)),
                )
            files.detach(db, app, conversation, entry.seq, record.at_ms)
            entry.content = _blank(entry)
            changes = entry.type in (types.EDITED, types.CARD_CHANGED)
            _erase_overlay(db, cid, entry.target if changes else entry.seq, party)
        if erased:
            db.execute("UPDATE chunk SET body = ? WHERE id = ?", (chunks.encode(entries), chunk_id))


def _chunks(db: Database, cid: int) -> Iterator[tuple[int, list[Entry]]]:
    ids = db.execute("SELECT id FROM chunk WHERE cid = ? ORDER BY first_seq", (cid,)).fetchall()
    for (chunk_id,) in ids:
        (body,) = db.execute("SELECT body FROM chunk WHERE id = ?", (chunk_id,)).fetchone()
        yield chunk_id, chunks.decode(body)


def _has_content_of(entry: Entry, party: str) -> bool:
    if entry.sender != party or not entry.content or entry.type in _KEPT:
        return False
    return entry.content != _blank(entry)


def _blank(entry: Entry) -> bytes:
    """What stays of an entry's content."""
    if entry.type == types.EDITED:
        return _EDITED_TO_NOTHING
    if entry.type in (types.CARD_CREATED, types.CARD_CHANGED):
        return redacted(entry.type, entry.content)
    return b""


def _erase_overlay(db: Database, cid: int, seq: int, party: str) -> None:
    row = db.execute("SELECT body FROM overlay WHERE cid = ? AND seq = ?", (cid, seq)).fetchone()
    if row is None:
        return
    overlay = _decode_overlay(row[0])
    if overlay.card is not None:
        without_party(overlay.card, party)
    overlay.content = None
    overlay.erased = True
    db.execute("UPDATE overlay SET body = ? WHERE cid = ? AND seq = ?", (_encode(overlay), cid, seq))
