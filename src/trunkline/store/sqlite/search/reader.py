"""Finding candidates: which plan answers a query with a bounded amount of work.

* In one conversation or a few dozen, their markers are part of the query: FTS5 leaps between the lists.
* In many, and in a whole app, the words are walked from the newest on, and conversations or the app are checked row by
  row; in windows that grow while they are cheap. Words alone are quick to intersect: a million messages with two words
  that a thousand of them have take a tenth of a millisecond, the same with the app's marker 30 times as long. Only
  when a window has to look at many rows does the app's marker join: most of the rows may be other apps'.
* When walking takes long because the words are common and the conversations are not, the markers of these are used
  after all, if that is quicker than the rest of the way.

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
SLOW_WINDOW_S = 0.004
"""A window that takes longer is slower than it would be with the app's marker, whatever the words."""
WALK_S = 0.015
LIMIT_S = 0.040
MARKER_S = 30e-6
"""What a conversation's marker costs."""
MAX_CACHED = 200_000
"""Numbers of conversations kept in memory; a number never changes."""
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
_WALKED_APP = """
SELECT d.id, d.cid, d.seq FROM words w CROSS JOIN doc d ON d.id = w.rowid
WHERE w.words MATCH ?1 AND w.rowid >= ?2 AND w.rowid < ?3 AND d.app = ?5
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
        self._numbers: dict[str, int] = {}

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
            return _candidates(db, self._numbers, terms, scope, before, limit)
        finally:
            db.execute("COMMIT")


def _candidates(
    db: Database, known: dict[str, int], terms: Sequence[Term], scope: Scope, before: int, limit: int
) -> Candidates:
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
    words = " AND ".join(parts)
    app = fixed[wanted[0]]
    cids: list[int] | None = None
    if scope.conversations is not None:
        cids = _cids(db, known, [conversation_key(scope.app, conversation) for conversation in scope.conversations])
        if not cids:
            return nothing
    rows: list[Row] = []
    if cids is None or len(cids) > FEW:
        rows, high = _walk(db, words, app, cids, (low, high), limit)
        if cids is None or len(rows) == limit or high <= low or len(cids) > MANY:
            return _result(db, scope.app, rows, high if high > low else 0)
    query = " AND ".join([words, _any([marker("c", cid) for cid in cids])])
    rows += _run(db, _MARKED, (query, low, high, limit - len(rows)))
    return _result(db, scope.app, rows, rows[-1][0] if len(rows) == limit else 0)


def _cids(db: Database, known: dict[str, int], keys: list[str]) -> list[int]:
    """The numbers of those conversations that have one."""
    numbers = {key: cid for key in keys if (cid := known.get(key)) is not None}
    missing = [key for key in keys if key not in numbers]
    if missing:
        found = find_numbers(db, missing)
        numbers |= found
        if len(known) + len(found) > MAX_CACHED:
            known.clear()
        known.update(found)
    return list(numbers.values())


def _walk(
    db: Database, words: str, app: int, cids: list[int] | None, bounds: tuple[int, int], limit: int
) -> tuple[list[Row], int]:
    """Go from the newest to older documents until there are enough, or it takes too long.

    Returns:
        Rows, and the position down to which they are complete.
    """
    low, top = bounds
    sql, allowed = (_WALKED_APP, app) if cids is None else (_WALKED, msgspec.json.encode(cids).decode())
    newest = db.execute("SELECT coalesce(max(id), 0) + 1 FROM doc").fetchone()[0]
    top = min(top, newest)
    window = FIRST_WINDOW
    rows: list[Row] = []
    with_app = False
    limit_s, markers_s = LIMIT_S, 0.0
    if cids is not None and len(cids) <= MANY:
        limit_s, markers_s = WALK_S, len(cids) * MARKER_S
    start_s = began_s = time.monotonic()
    while top > low:
        bottom = max(low, top - window)
        rows += _run(db, sql, (words, bottom, top, limit - len(rows), allowed))
        if len(rows) == limit:
            return rows, rows[-1][0]
        top = bottom
        now_s = time.monotonic()
        rest_s = (now_s - began_s) * (top - low) / window
        if now_s - start_s > (limit_s if rest_s > markers_s else LIMIT_S):
            break
        if not with_app and now_s - began_s > SLOW_WINDOW_S:
            with_app = True
            words += f' AND "{marker("a", app)}"'
        window *= 4 if now_s - start_s < limit_s / 4 else 1
        began_s = now_s
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
