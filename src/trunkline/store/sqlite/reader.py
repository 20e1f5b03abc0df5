"""The queries of the index, each in one read transaction on a thread of a small pool.

Not here: how rows are found (``chunks``, ``rows``, ``inbox``, ``sent``, ``parties``).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import AppChanged, DeviceChanged, Entry, KeyChanged, ProfileChanged
from trunkline.domain.parties.state import Party
from trunkline.services.log.index_port import ConversationListItem, InboxChange, OutboxState, Remembered, SentBefore
from trunkline.store.sqlite import chunks, inbox, parties, rooms, rows, sent
from trunkline.store.sqlite.connection import Database
from trunkline.wire.entries import Overlay

Result = TypeVar("Result")

_OVERLAYS = """
SELECT json_group_array(json_array(seq, hex(body))) FROM overlay WHERE cid = ? AND seq >= ? AND seq <= ?
"""
_EXPIRING = """
SELECT c.app, c.name, e.seq, e.expires_at_ms
FROM (SELECT cid, seq, expires_at_ms FROM expiry WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?) e
CROSS JOIN conversation c ON c.cid = e.cid ORDER BY e.expires_at_ms, c.app, c.name, e.seq
"""
_CARDS = "SELECT seq, open FROM card WHERE cid = ? AND seq < ? AND open >= ? ORDER BY seq DESC LIMIT ?"

_decode_rows = msgspec.json.Decoder(list[tuple[int, str]]).decode
_decode_overlay = msgspec.msgpack.Decoder(Overlay).decode


class SqliteIndexReader:
    """Implements ``services.log.index_port.IndexReader``.

    Args:
        open_db: opens a reading connection; called once on each thread.
        epoch: of the store, for the conversations it loads.
        threads: how many queries may run at a time.
    """

    def __init__(self, open_db: Callable[[], Database], epoch: int, *, threads: int) -> None:
        self._open_db = open_db
        self._epoch = epoch
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="index-reader")
        self._local = threading.local()
        self._connections: list[Database] = []

    def close(self) -> None:
        """Wait for running queries and close the connections."""
        self._pool.shutdown()
        for db in self._connections:
            db.close()
        self._connections.clear()

    async def run(self, query: Callable[[Database], Result]) -> Result:
        """Run a query on a thread of the pool, in one read transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._query, query)

    def _query(self, query: Callable[[Database], Result]) -> Result:
        db: Database | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = self._open_db()
            self._connections.append(db)
        db.execute("BEGIN")
        try:
            return query(db)
        finally:
            db.execute("COMMIT")

    async def conversation(self, app: str, conversation: str) -> Conversation | None:
        """The whole decision state, members included; None when the log does not exist."""

        def query(db: Database) -> Conversation | None:
            row = _row(db, app, conversation)
            return rows.load(db, row, self._epoch) if row is not None else None

        return await self.run(query)

    async def party(self, app: str, party: str) -> Party:
        """A party's state; an empty one when nothing is known."""
        return await self.run(lambda db: parties.party(db, app, party))

    async def entries(
        self, app: str, conversation: str, first: int, last: int, limit: int, newest_first: bool
    ) -> list[Entry]:
        """Entries with ``first <= seq <= last``, ascending; the lowest ``limit`` of them, or the highest."""

        def query(db: Database) -> list[Entry]:
            cid, head = _cid_and_head(db, app, conversation)
            low, high = max(first, 1), min(last, head)
            if newest_first:
                low = max(low, high - limit + 1)
            else:
                high = min(high, low + limit - 1)
            return chunks.read_range(db, cid, low, high)

        return await self.run(query)

    async def seq_at(self, app: str, conversation: str, at_ms: int) -> int:
        """The lowest projected seq whose time is at or after ``at_ms``; 0 when there is none."""
        return await self.run(lambda db: chunks.seq_at(db, *_cid_and_head(db, app, conversation), at_ms))

    async def overlays(self, app: str, conversation: str, first: int, last: int) -> dict[int, Overlay]:
        """Present state of the changed messages in a range, by seq."""

        def query(db: Database) -> dict[int, Overlay]:
            cid, _ = _cid_and_head(db, app, conversation)
            found = _decode_rows(db.execute(_OVERLAYS, (cid, first, last)).fetchone()[0])
            return {seq: _decode_overlay(bytes.fromhex(body)) for seq, body in found}

        return await self.run(query)

    async def outbox(self, app: str, party: str, outbox: str) -> OutboxState:
        """What is known of an outbox."""
        return await self.run(lambda db: sent.outbox_state(db, app, party, outbox))

    async def sent(self, app: str, party: str, outbox: str, n: int) -> SentBefore | None:
        """Where send ``n`` of an outbox went; ``seq`` 0 when it is forgotten."""
        return await self.run(lambda db: sent.sent_before(db, app, party, outbox, n))

    async def inbox(self, app: str, party: str, after_pts: int, limit: int) -> list[InboxChange]:
        """Changes after ``after_pts``, oldest first."""
        return await self.run(lambda db: inbox.changes(db, f"{app}/{party}", after_pts, limit))

    async def inbox_floor(self, app: str, party: str) -> int:
        """The lowest pts from which ``inbox`` is complete (older tombstones were dropped)."""
        return await self.run(lambda db: inbox.floor(db, f"{app}/{party}"))

    async def large_conversations(self, app: str, party: str) -> list[str]:
        """Large conversations the party is a present member of."""
        return await self.run(lambda db: inbox.large(db, f"{app}/{party}"))

    async def conversation_list(
        self, app: str, party: str, after: ConversationListItem | None, limit: int
    ) -> list[ConversationListItem]:
        """A page of the conversations the party is in and did not hide: pinned by order, then newest activity."""
        return await self.run(lambda db: inbox.conversation_list(db, f"{app}/{party}", after, limit))

    async def memberships(self, app: str, party: str) -> list[str]:
        """Every conversation the party is or was a member of."""
        return await self.run(lambda db: inbox.memberships(db, f"{app}/{party}"))

    async def rooms_of(self, app: str, party: str) -> list[str]:
        """Live rooms in which the party said something or is remembered by name."""
        return await self.run(lambda db: [name for _, name in rooms.of_party(db, app, party)])

    async def profiles(self, app: str, parties_: Sequence[str]) -> list[ProfileChanged]:
        """Profiles of the parties that have one."""
        return await self.run(lambda db: parties.profiles(db, app, parties_))

    async def search_profiles(
        self, app: str, text: str, field: str, value: str, after: str, limit: int
    ) -> list[tuple[str, ProfileChanged]]:
        """(party, profile) whose name contains ``text`` (case-folded) and whose custom ``field`` equals ``value``."""
        return await self.run(lambda db: parties.search_profiles(db, app, text, field, value, after, limit))

    async def remembered(self, app: str, key: str) -> Remembered | None:
        """The stored answer to an Idempotency-Key."""
        return await self.run(lambda db: parties.remembered(db, app, key))

    async def expiring(self, up_to_ms: int, limit: int) -> list[tuple[str, str, int, int]]:
        """(app, conversation, seq, expires_at_ms) of messages due by ``up_to_ms``, not yet expired, oldest first."""

        def query(db: Database) -> list[tuple[str, str, int, int]]:
            return [tuple(row) for row in db.execute(_EXPIRING, (up_to_ms, limit)).fetchall()]

        return await self.run(query)

    async def cards(
        self, app: str, conversation: str, before_seq: int, limit: int, open_only: bool
    ) -> list[tuple[int, bool]]:
        """(seq, open) of the newest cards of a conversation below a seq, newest first."""

        def query(db: Database) -> list[tuple[int, bool]]:
            cid, _ = _cid_and_head(db, app, conversation)
            rows = db.execute(_CARDS, (cid, before_seq, int(open_only), limit)).fetchall()
            return [(seq, bool(is_open)) for seq, is_open in rows]

        return await self.run(query)

    async def apps(self) -> list[AppChanged]:
        """All tenants, oldest first."""
        return await self.run(parties.apps)

    async def keys(self) -> list[KeyChanged]:
        """All API keys, oldest first."""
        return await self.run(parties.keys)

    async def devices(self, app: str, party: str) -> list[DeviceChanged]:
        """Devices of a party, for export."""
        return await self.run(lambda db: parties.devices(db, app, party))


def _row(db: Database, app: str, conversation: str) -> rows.ConversationRow | None:
    return next(rows.fetch_conversations(db, [(app, conversation)]), None)


def _cid_and_head(db: Database, app: str, conversation: str) -> tuple[int, int]:
    """(0, 0) when there is no such log."""
    row = db.execute(
        """SELECT c.cid, c.head FROM conversation_id i CROSS JOIN conversation c ON c.cid = i.cid
        WHERE i.app = ? AND i.name = ?""",
        (app, conversation),
    ).fetchone()
    return (row[0], row[1]) if row is not None else (0, 0)
