"""Finding candidates: which plan answers a query with a bounded amount of work.

* In one conversation or a few dozen, their markers are part of the query: FTS5 leaps between the lists.
* In many, the words are walked from the newest on, and conversations are checked row by row; in windows that grow while
  they are cheap. When that takes long because the words are common and the conversations are not, the markers
  are used after all, which costs some 25 microseconds for each of them.
* In a whole app, its marker is part of the query.

Not here: what a caller may see (``services.search``).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from trunkline.domain.search.query import Term
from trunkline.domain.search.terms import marker
from trunkline.services.search.ports import Candidate, Candidates, Scope
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.search import schema
from trunkline.store.sqlite.search.documents import type_marker
from trunkline.store.sqlite.search.numbers import app_key, conversation_key, find_numbers, party_key

FEW = 64
MANY = 3_000
"""With more conversations than this their markers are never part of a query."""
FIRST_WINDOW = 200_000
WALK_S = 0.015
LIMIT_S = 0.040
_MOST = 2**62

_MARKED = """
SELECT d.id, d.cid, d.seq FROM words w CROSS JOIN doc d ON d.id = w.rowid
WHERE w.words MATCH ?1 AND w.rowid >= ?2 AND w.rowid < ?3 ORDER BY w.rowid DESC LIMIT ?4
"""
_WALKED = """
SELECT d.id, d.cid, d.seq FROM words w CROSS JOIN doc d ON d.id = w.rowid
WHERE w.words MATCH ?1 AND w.rowid >= ?2 AND w.rowid < ?3 AND d.cid IN (SELECT value FROM json_each(?5))
ORDER BY w.rowid DESC LIMIT ?4
"""
_BLOCKS = "SELECT min(no), max(no) FROM block WHERE newest_ms >= ? AND oldest_ms <= ?"

Row = tuple[int, int, int]


class SearchReader:
    """Queries on a small pool of threads, each in one read transaction."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="search-reader")
        self._local = threading.local()
        self._connections: list[Database] = []

    def close(self) -> None:
        """Wait for running queries and close the connections."""
        self._pool.shutdown()
        for db in self._connections:
            db.close()

    async def candidates(self, terms: Sequence[Term], scope: Scope, before: int, limit: int) -> Candidates:
        """Candidates, newest first."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._query, terms, scope, before, limit)

    def _query(self, terms: Sequence[Term], scope: Scope, before: int, limit: int) -> Candidates:
        db: Database | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = schema.connect(self._path)
            schema.prepare_reader(db)
            self._connections.append(db)
        db.execute("BEGIN")
        try:
            return _candidates(db, terms, scope, before, limit)
        finally:
            db.execute("COMMIT")


def _candidates(db: Database, terms: Sequence[Term], scope: Scope, before: int, limit: int) -> Candidates:
    nothing = Candidates([], 0)
    low, high = _range(db, scope, before)
    wanted = [app_key(scope.app)]
    if scope.sender:
        wanted.append(party_key(scope.app, scope.sender))
    fixed = find_numbers(db, wanted)
    if len(fixed) < len(wanted) or low >= high:
        return nothing
    parts = [f'"{term.text}"{"*" if term.prefix else ""}' for term in terms]
    if scope.sender:
        parts.append(f'"{marker("s", fixed[wanted[1]])}"')
    if scope.types:
        parts.append(_any([type_marker(type) for type in scope.types]))
    if scope.conversations is None:
        parts.append(f'"{marker("a", fixed[wanted[0]])}"')
        rows = _run(db, _MARKED, (" AND ".join(parts), low, high, limit))
        return _result(db, scope.app, rows, rows[-1][0] if len(rows) == limit else 0)
    keys = [conversation_key(scope.app, conversation) for conversation in scope.conversations]
    cids = list(find_numbers(db, keys).values())
    if not cids:
        return nothing
    down_to = high
    rows = []
    if len(cids) > FEW:
        parts.append(f'"{marker("a", fixed[wanted[0]])}"')
        rows, down_to = _walk(db, " AND ".join(parts), cids, (low, high), limit)
        if len(rows) == limit or down_to <= low or len(cids) > MANY:
            return _result(db, scope.app, rows, down_to if down_to > low else 0)
    query = " AND ".join([*parts, _any([marker("c", cid) for cid in cids])])
    rows += _run(db, _MARKED, (query, low, down_to, limit - len(rows)))
    return _result(db, scope.app, rows, rows[-1][0] if len(rows) == limit else 0)


def _walk(db: Database, query: str, cids: list[int], bounds: tuple[int, int], limit: int) -> tuple[list[Row], int]:
    """Go from the newest to older documents until there are enough, or it takes too long."""
    low, top = bounds
    allowed = msgspec.json.encode(cids).decode()
    newest = db.execute("SELECT coalesce(max(id), 0) + 1 FROM doc").fetchone()[0]
    top = min(top, newest)
    window = FIRST_WINDOW
    rows: list[Row] = []
    limit_s = WALK_S if len(cids) <= MANY else LIMIT_S
    start_s = time.monotonic()
    while top > low:
        bottom = max(low, top - window)
        found = _run(db, _WALKED, (query, bottom, top, limit - len(rows), allowed))
        rows += found
        if len(rows) == limit:
            return rows, rows[-1][0]
        top = bottom
        spent_s = time.monotonic() - start_s
        if spent_s > limit_s:
            break
        window *= 4 if spent_s < limit_s / 4 else 1
    return rows, top


def _range(db: Database, scope: Scope, before: int) -> tuple[int, int]:
    """The ids that may lie in the scope's time and before a position."""
    if not scope.from_ms and not scope.to_ms:
        return 1, before
    first, last = db.execute(_BLOCKS, (scope.from_ms, scope.to_ms or _MOST)).fetchone()
    if first is None:
        return 0, 0
    return max(first << schema.BLOCK_BITS, 1), min((last + 1) << schema.BLOCK_BITS, before)


def _any(terms: list[str]) -> str:
    return "(" + " OR ".join(f'"{term}"' for term in terms) + ")"


def _run(db: Database, sql: str, parameters: tuple[str | int, ...]) -> list[Row]:
    return db.execute(sql, parameters).fetchall()


def _result(db: Database, app: str, rows: list[Row], down_to: int) -> Candidates:
    cids = msgspec.json.encode(list({cid for _, cid, _ in rows})).decode()
    names = dict(
        db.execute("SELECT id, text FROM name WHERE id IN (SELECT value FROM json_each(?))", (cids,)).fetchall()
    )
    skip = len(conversation_key(app, ""))
    return Candidates([Candidate(id, names[cid][skip:], seq) for id, cid, seq in rows], down_to)
