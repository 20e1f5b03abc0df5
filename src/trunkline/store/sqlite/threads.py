"""Threads in the index: replies, mentions in them, followers and their cursors; and the queries over them.

Unread is counted over the rows above a cursor, so there is no counter that could drift. Not here: who follows by a
reply (``protocol.link.threads``), what the first message shows (its overlay), who may ask (services).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import SYSTEM_PARTY
from trunkline.domain.log.records import Entry, ThreadMarked
from trunkline.protocol.link.threads import REMOVALS, new_followers
from trunkline.services.threads.ports import Following, Place, Span, Summary, ThreadChange, ThreadCounts, ThreadPlace
from trunkline.store.sqlite import chunks
from trunkline.store.sqlite.batch import THREADS_SUBJECT
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.parties import touch
from trunkline.store.sqlite.reader import SqliteIndexReader
from trunkline.wire.entries import Overlay

_PARTICIPANTS = 20
_FOLLOW = """
INSERT INTO thread_follower (owner, cid, root, following, read, pts) VALUES (?1, ?2, ?3, 1, ?4, ?5)
ON CONFLICT DO UPDATE SET following = 1, read = max(read, excluded.read), pts = excluded.pts WHERE following = 0
RETURNING 1
"""
_MARK = """
INSERT INTO thread_follower (owner, cid, root, following, read, pts) VALUES (?1, ?2, ?3, coalesce(?4, 0), ?5, ?6)
ON CONFLICT DO UPDATE SET following = coalesce(?4, following), read = max(read, excluded.read), pts = excluded.pts
"""
_LEAVE = "UPDATE thread_follower SET following = 0, pts = ? WHERE owner = ? AND cid = ? AND following = 1 RETURNING 1"
# Spans are JSON [[first, last], ...]; hidden is a JSON list of seqs.
# ruff: noqa: S608 - statements are put together from the fragments here only.
_IN_SPANS = "EXISTS (SELECT 1 FROM json_each(?3) s WHERE r.seq BETWEEN s.value ->> 0 AND s.value ->> 1)"
_SUMMARY = f"""
SELECT coalesce(sum(removed = 0), 0), coalesce(max(iif(removed = 0, seq, 0)), 0), coalesce(max(seq), 0)
FROM thread_reply r WHERE cid = ?1 AND root = ?2 AND {_IN_SPANS}
"""
_SENDERS = f"""
SELECT sender FROM thread_reply r WHERE cid = ?1 AND root = ?2 AND removed = 0 AND {_IN_SPANS}
GROUP BY sender ORDER BY max(seq) DESC LIMIT {_PARTICIPANTS}
"""
_UNREAD = """
SELECT count(*), coalesce(sum(EXISTS (
    SELECT 1 FROM thread_mention m WHERE m.cid = r.cid AND m.root = r.root AND m.seq = r.seq AND m.party IN (?4, '*')
)), 0)
FROM thread_reply r WHERE cid = ?1 AND root = ?2 AND seq > ?3 AND removed = 0 AND sender <> ?4
AND seq NOT IN (SELECT value FROM json_each(?5))
"""
_SEQS = f"""
SELECT seq FROM thread_reply r WHERE cid = ?1 AND root = ?2 AND {_IN_SPANS} AND seq BETWEEN ?4 AND ?5
"""
_FOLLOWED = """
SELECT * FROM (
    SELECT c.name AS name, f.root AS root, t.last_at_ms AS at_ms
    FROM thread_follower f CROSS JOIN thread t ON t.cid = f.cid AND t.root = f.root
    CROSS JOIN conversation c ON c.cid = f.cid
    WHERE f.owner = ?1 AND f.following = 1
) WHERE ?2 = 0 OR (-at_ms, name, root) > (-?2, ?3, ?4)
ORDER BY at_ms DESC, name, root LIMIT ?5
"""
_OF_CONVERSATION = """
SELECT root, last_at_ms FROM thread WHERE cid = ?1 AND (?2 = 0 OR (-last_at_ms, root) > (-?2, ?3))
ORDER BY last_at_ms DESC, root LIMIT ?4
"""
_CHANGES = """
SELECT c.name, f.root, f.following, f.read, f.pts FROM thread_follower f CROSS JOIN conversation c ON c.cid = f.cid
WHERE f.owner = ?1 AND f.pts > ?2 AND f.pts <= coalesce((
    SELECT pts FROM thread_follower WHERE owner = ?1 AND pts > ?2 ORDER BY pts LIMIT 1 OFFSET ?3), 9007199254740991)
ORDER BY f.pts
"""

_json = msgspec.json.Encoder().encode
_decode_overlay = msgspec.msgpack.Decoder(Overlay).decode


# --- projecting -------------------------------------------------------------------------------


def apply_entry(db: Database, lsn: int, cid: int, state: Conversation, entry: Entry, root_sender: str) -> None:
    """Project a reply, or the removal of one; ``state`` is that after the entry."""
    root = entry.thread
    if entry.type in REMOVALS:
        removed = "UPDATE thread_reply SET removed = 1 WHERE cid = ? AND root = ? AND seq = ?"
        db.execute(removed, (cid, root, entry.target))
        return
    first = db.execute("SELECT 1 FROM thread WHERE cid = ? AND root = ?", (cid, root)).fetchone() is None
    db.execute(
        "REPLACE INTO thread (cid, root, last_seq, last_at_ms) VALUES (?, ?, ?, ?)", (cid, root, entry.seq, entry.at_ms)
    )
    db.execute(
        "REPLACE INTO thread_reply (cid, root, seq, sender) VALUES (?, ?, ?, ?)", (cid, root, entry.seq, entry.sender)
    )
    for party in dict.fromkeys(entry.mentions):
        db.execute("REPLACE INTO thread_mention VALUES (?, ?, ?, ?)", (cid, root, entry.seq, party))
    for party, read in new_followers(entry.seq, entry.sender, entry.mentions, root_sender, first=first):
        if state.member(party) is not None or (state.virtual and party not in ("", SYSTEM_PARTY)):
            owner = f"{state.app}/{party}"
            if db.execute(_FOLLOW, (owner, cid, root, read, lsn)).fetchall():
                touch(db, owner, THREADS_SUBJECT, lsn)


def apply_mark(db: Database, lsn: int, cid: int, record: ThreadMarked) -> None:
    """Project what a party did with a thread itself."""
    owner = f"{record.app}/{record.party}"
    db.execute(_MARK, (owner, cid, record.thread, record.following, record.read, lsn))
    touch(db, owner, THREADS_SUBJECT, lsn)


def apply_leaving(db: Database, lsn: int, cid: int, app: str, parties: Sequence[str]) -> None:
    """Who leaves a conversation follows none of its threads any more."""
    for party in parties:
        owner = f"{app}/{party}"
        if db.execute(_LEAVE, (lsn, owner, cid)).fetchall():
            touch(db, owner, THREADS_SUBJECT, lsn)


def erase(db: Database, owner: str) -> None:
    """An erased party kept nothing about threads."""
    db.execute("DELETE FROM thread_follower WHERE owner = ?", (owner,))


# --- queries ----------------------------------------------------------------------------------


class SqliteThreads:
    """Implements ``services.threads.ports.ThreadIndex``.

    Args:
        reader: runs the queries.
    """

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._run = reader.run

    async def following(self, place: Place, party: str) -> Following:
        """Whether a party follows a thread, and how far it has read there."""

        def query(db: Database) -> Following:
            row = db.execute(
                "SELECT following, read FROM thread_follower WHERE owner = ? AND cid = ? AND root = ?",
                (f"{place.app}/{party}", _cid(db, place.app, place.conversation), place.thread),
            ).fetchone()
            return Following(bool(row[0]), row[1]) if row is not None else Following(False, 0)

        return await self._run(query)

    async def unread(self, place: Place, party: str, after: int, hidden: Sequence[int]) -> ThreadCounts:
        """Replies of others above ``after`` that were not taken back, and mentions among them."""

        def query(db: Database) -> ThreadCounts:
            cid = _cid(db, place.app, place.conversation)
            return ThreadCounts(*db.execute(_UNREAD, (cid, place.thread, after, party, _text(hidden))).fetchone())

        return await self._run(query)

    async def summary(self, place: Place, spans: Sequence[Span]) -> Summary:
        """How many replies there are within some ranges of seqs, the newest, and who wrote them."""

        def query(db: Database) -> Summary:
            key = (_cid(db, place.app, place.conversation), place.thread, _text(spans))
            replies, last, newest = db.execute(_SUMMARY, key).fetchone()
            return Summary(replies, last, newest, [row[0] for row in db.execute(_SENDERS, key)])

        return await self._run(query)

    async def replies(
        self, place: Place, spans: Sequence[Span], first: int, last: int, limit: int, newest_first: bool
    ) -> list[tuple[Entry, Overlay | None]]:
        """Replies with ``first <= seq <= last`` within some ranges, ascending: the lowest ``limit``, or the highest."""

        def query(db: Database) -> list[tuple[Entry, Overlay | None]]:
            cid = _cid(db, place.app, place.conversation)
            order = f"{_SEQS} ORDER BY seq {'DESC' if newest_first else 'ASC'} LIMIT ?6"
            key = (cid, place.thread, _text(spans), first, last, limit)
            seqs = sorted(row[0] for row in db.execute(order, key).fetchall())
            return [(chunks.read_range(db, cid, seq, seq)[0], _overlay(db, cid, seq)) for seq in seqs]

        return await self._run(query)

    async def followed(self, app: str, party: str, after: ThreadPlace | None, limit: int) -> list[ThreadPlace]:
        """Threads a party follows, the most recently active first."""
        key = (0, "", 0) if after is None else (after.at_ms, after.conversation, after.thread)

        def query(db: Database) -> list[ThreadPlace]:
            found = db.execute(_FOLLOWED, (f"{app}/{party}", *key, limit)).fetchall()
            return [ThreadPlace(name, root, at_ms) for name, root, at_ms in found]

        return await self._run(query)

    async def of_conversation(
        self, app: str, conversation: str, after: ThreadPlace | None, limit: int
    ) -> list[ThreadPlace]:
        """All threads of a conversation, the most recently active first."""
        key = (0, 0) if after is None else (after.at_ms, after.thread)

        def query(db: Database) -> list[ThreadPlace]:
            found = db.execute(_OF_CONVERSATION, (_cid(db, app, conversation), *key, limit)).fetchall()
            return [ThreadPlace(conversation, root, at_ms) for root, at_ms in found]

        return await self._run(query)

    async def changes(self, app: str, party: str, after_pts: int, limit: int) -> list[ThreadChange]:
        """What a party did with threads after a pts: ``limit`` of them and all that share the last one's pts."""

        def query(db: Database) -> list[ThreadChange]:
            found = db.execute(_CHANGES, (f"{app}/{party}", after_pts, limit - 1)).fetchall()
            return [ThreadChange(name, root, bool(on), read, pts) for name, root, on, read, pts in found]

        return await self._run(query)


def _text(values: Sequence[object]) -> str:
    return _json(values).decode()


def _cid(db: Database, app: str, conversation: str) -> int:
    row = db.execute("SELECT cid FROM conversation_id WHERE app = ? AND name = ?", (app, conversation)).fetchone()
    return row[0] if row is not None else 0


def _overlay(db: Database, cid: int, seq: int) -> Overlay | None:
    row = db.execute("SELECT body FROM overlay WHERE cid = ? AND seq = ?", (cid, seq)).fetchone()
    return _decode_overlay(row[0]) if row is not None else None
