"""Broadcasts and tags in the index: which tags a party had at which moment, and what became of each broadcast.

Not here: what an audience means (``domain.broadcasts``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trunkline.domain.broadcasts.recipient import Sent
from trunkline.domain.log.records import BroadcastMarked, TagsChanged
from trunkline.services.broadcasts.ports import Place
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.reader import SqliteIndexReader

_FIELDS = """app, id, conversation, status, at_ms, audience, sender, type, content, send_at_ms, expires_in_ms, seq,
moment, reached"""
_PUT = f"REPLACE INTO broadcast ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST_TAGS = "SELECT moment, tags FROM party_tags WHERE owner = ? ORDER BY moment DESC LIMIT 1"
_TAGS_AT = "SELECT tags FROM party_tags WHERE owner = ? AND moment <= ? ORDER BY moment DESC LIMIT 1"
_SENT = """
SELECT seq, audience, moment FROM broadcast WHERE app = ? AND conversation = ? AND status = 'sent'
ORDER BY seq DESC LIMIT ?
"""
_PAGE = f"""
SELECT {_FIELDS} FROM broadcast WHERE app = ?1 AND conversation = ?2 AND (?3 = '' OR (at_ms, id) < (?4, ?3))
ORDER BY at_ms DESC, id DESC LIMIT ?5
"""
# ruff: noqa: S608 - statements are put together from the column names above only.

_json = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, ...]).decode
_NONE: frozenset[str] = frozenset()


def apply(db: Database, record: TagsChanged | BroadcastMarked) -> None:
    """Project one record."""
    if isinstance(record, TagsChanged):
        _apply_tags(db, record)
    elif record.status in ("scheduled", "sent"):
        db.execute(_PUT, msgspec.structs.astuple(record))
    elif record.status == "cancelled":
        db.execute(
            """UPDATE broadcast SET status = 'cancelled', content = x''
            WHERE app = ? AND id = ? AND status = 'scheduled'""",
            (record.app, record.broadcast),
        )
    else:
        db.execute(
            "UPDATE broadcast SET reached = ? WHERE app = ? AND id = ?", (record.reached, record.app, record.broadcast)
        )


def _apply_tags(db: Database, record: TagsChanged) -> None:
    owner, tags = f"{record.app}/{record.party}", _json(record.tags).decode()
    last = db.execute(_LAST_TAGS, (owner,)).fetchone()
    if last is not None:
        (sent,) = db.execute("SELECT coalesce(max(moment), 0) FROM broadcast WHERE app = ?", (record.app,)).fetchone()
        if last[0] > sent:  # no broadcast saw what the row says
            db.execute("DELETE FROM party_tags WHERE owner = ? AND moment = ?", (owner, last[0]))
    db.execute("REPLACE INTO party_tags (owner, moment, tags) VALUES (?, ?, ?)", (owner, record.moment, tags))


class SqliteBroadcasts:
    """Implements ``services.broadcasts.ports.BroadcastIndex``.

    Args:
        reader: runs the queries.
    """

    def __init__(self, reader: SqliteIndexReader) -> None:
        self._run = reader.run

    async def last_moment(self) -> int:
        """The highest moment given out."""

        def query(db: Database) -> int:
            (tags,) = db.execute("SELECT coalesce(max(moment), 0) FROM party_tags").fetchone()
            (sent,) = db.execute("SELECT coalesce(max(moment), 0) FROM broadcast").fetchone()
            return int(max(tags, sent))

        return await self._run(query)

    async def conversations(self) -> list[Place]:
        """All broadcast conversations."""
        select = "SELECT app, name FROM conversation WHERE kind = 'broadcast'"
        return await self._run(lambda db: [Place(app, name) for app, name in db.execute(select).fetchall()])

    async def scheduled(self) -> list[BroadcastMarked]:
        """Broadcasts that wait for their time."""
        return await self._run(_all(f"SELECT {_FIELDS} FROM broadcast WHERE status = 'scheduled'", ()))

    async def tags(self, app: str, party: str) -> tuple[str, ...]:
        """The tags a party has now."""

        def query(db: Database) -> tuple[str, ...]:
            row = db.execute(_LAST_TAGS, (f"{app}/{party}",)).fetchone()
            return _decode(row[1]) if row is not None else ()

        return await self._run(query)

    async def sent_to(self, app: str, conversation: str, party: str, limit: int) -> list[Sent]:
        """The newest ``limit`` broadcasts, each with the tags the party had when it was sent; in no order."""
        owner = f"{app}/{party}"

        def query(db: Database) -> list[Sent]:
            rows = db.execute(_SENT, (app, conversation, limit)).fetchall()
            if not rows:
                return []
            since = min(row[2] for row in rows)
            had = db.execute(
                """SELECT moment, tags FROM party_tags WHERE owner = ?1 AND moment >= coalesce((
                SELECT max(moment) FROM party_tags WHERE owner = ?1 AND moment <= ?2), 0) ORDER BY moment""",
                (owner, since),
            ).fetchall()
            history = [(moment, frozenset(_decode(tags))) for moment, tags in had]
            return [Sent(seq, audience, _then(history, moment)) for seq, audience, moment in rows]

        return await self._run(query)

    async def tags_at(self, app: str, parties: Sequence[str], moment: int) -> list[frozenset[str]]:
        """The tags that parties had at a moment, in the order asked."""

        def query(db: Database) -> list[frozenset[str]]:
            rows = (db.execute(_TAGS_AT, (f"{app}/{party}", moment)).fetchone() for party in parties)
            return [frozenset(_decode(row[0])) if row is not None else _NONE for row in rows]

        return await self._run(query)

    async def get(self, app: str, broadcast: str) -> BroadcastMarked | None:
        """A broadcast."""
        found = await self._run(_all(f"SELECT {_FIELDS} FROM broadcast WHERE app = ? AND id = ?", (app, broadcast)))
        return found[0] if found else None

    async def at_seq(self, app: str, conversation: str, seq: int) -> BroadcastMarked | None:
        """The broadcast whose entry is at ``seq``."""
        select = f"SELECT {_FIELDS} FROM broadcast WHERE app = ? AND conversation = ? AND seq = ? AND status = 'sent'"
        found = await self._run(_all(select, (app, conversation, seq)))
        return found[0] if found else None

    async def page(
        self, app: str, conversation: str, after: tuple[int, str] | None, limit: int
    ) -> list[BroadcastMarked]:
        """Broadcasts of a conversation, the newest (by ``at_ms``, then id) first."""
        at_ms, last = after or (0, "")
        return await self._run(_all(_PAGE, (app, conversation, last, at_ms, limit)))


def _all(select: str, values: tuple[Any, ...]) -> Callable[[Database], list[BroadcastMarked]]:
    return lambda db: [BroadcastMarked(*row) for row in db.execute(select, values).fetchall()]


def _then(history: list[tuple[int, frozenset[str]]], moment: int) -> frozenset[str]:
    """The tags at a moment; none before the first change."""
    found = _NONE
    for since, tags in history:
        if since > moment:
            break
        found = tags
    return found
