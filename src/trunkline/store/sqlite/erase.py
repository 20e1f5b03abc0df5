"""Erasing a party: the content of its messages, and what it kept about itself.

Changes to the structure of conversations stay (who was added, made admin, ...); clients need them
to understand the log. Runs inside the projector's transaction; doing it twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trunkline.domain.log.dedupe import send_digest
from trunkline.domain.log.records import Entry, PartyErased
from trunkline.protocol.cards.erasure import redacted, without_party
from trunkline.store.sqlite import chunks, files, gifts, quizzes, rooms, threads
from trunkline.store.sqlite.batch import BLOCKED_SUBJECT, PROFILE_SUBJECT, outbox_key
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.parties import touch
from trunkline.wire import entries as types
from trunkline.wire.content import decode_content, encode_content
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
        types.COMMUNITY_CHANGED,
        types.RECALLED,
        types.EXPIRED,
        types.REACTED,
        types.PINNED,
        types.ERASED,
        types.ROOM_PARTIES_CHANGED,
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
        for cid, room in rooms.of_party(db, app, party):
            _erase_entries(db, record, cid, room)
            gifts.erase(db, cid, party)
        quizzes.erase(db, app, party)
        db.execute("UPDATE inbox SET pinned = 0, position = 0, hidden = 0 WHERE owner = ?", (owner,))
        db.execute("DELETE FROM profile WHERE app = ? AND party = ?", (app, party))
        db.execute("DELETE FROM blocked WHERE owner = ?", (owner,))
        threads.erase(db, owner)
        db.execute("DELETE FROM party_tags WHERE owner = ?", (owner,))
        db.execute("DELETE FROM device WHERE owner = ?", (owner,))
        files.remove_owned(db, app, party, record.at_ms)
    finally:
        db.execute("PRAGMA secure_delete=OFF").fetchone()
    touch(db, owner, BLOCKED_SUBJECT, lsn)
    touch(db, owner, PROFILE_SUBJECT, lsn)


def _erase_entries(db: Database, record: PartyErased, cid: int, conversation: str) -> None:
    app, party = record.app, record.party
    acted_on: dict[int, str] = {}
    for chunk_id, entries in _chunks(db, cid):
        erased = [entry for entry in entries if _has_content_of(entry, party)]
        for entry in erased:
            if entry.outbox:
                db.execute(
                    "INSERT OR IGNORE INTO sent_erased VALUES (?, ?, ?)",
                    (outbox_key(app, party, entry.outbox), entry.n, send_digest(conversation, entry)),
                )
            files.detach(db, app, conversation, entry.seq, record.at_ms)
            kind = decode_content(entry.content).get("kind", "")
            entry.content = _blank(entry)
            if entry.type == types.CARD_CHANGED:
                acted_on[entry.target] = kind
            else:
                _erase_overlay(db, cid, entry.target if entry.type == types.EDITED else entry.seq)
                if entry.type == types.CARD_CREATED:
                    acted_on[entry.seq] = kind
        if erased:
            db.execute("UPDATE chunk SET body = ? WHERE id = ?", (chunks.encode(entries), chunk_id))
    for seq, kind in acted_on.items():
        _erase_from_card(db, cid, seq, kind, party)


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
        kept = redacted(entry.type, decode_content(entry.content))
        return encode_content(kept) if kept is not None else b""
    return b""


def _erase_overlay(db: Database, cid: int, seq: int) -> None:
    overlay = _overlay(db, cid, seq)
    if overlay is None:
        return
    overlay.content = None
    overlay.erased = True
    db.execute("UPDATE overlay SET body = ? WHERE cid = ? AND seq = ?", (_encode(overlay), cid, seq))


def _erase_from_card(db: Database, cid: int, seq: int, kind: str, party: str) -> None:
    """The card itself stays, also one that somebody else made; what the party did to it goes."""
    overlay = _overlay(db, cid, seq)
    if overlay is None or overlay.card is None:
        return
    without_party(overlay.card, kind, party)
    db.execute("UPDATE overlay SET body = ? WHERE cid = ? AND seq = ?", (_encode(overlay), cid, seq))


def _overlay(db: Database, cid: int, seq: int) -> Overlay | None:
    row = db.execute("SELECT body FROM overlay WHERE cid = ? AND seq = ?", (cid, seq)).fetchone()
    return _decode_overlay(row[0]) if row is not None else None
