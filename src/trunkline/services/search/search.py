"""Searching: the index proposes candidates, the log decides about each.

Nothing is shown that the log would not show in this moment: stays, deletions for oneself, recalls, edits, expiry
and erasure are those of ``history.get``, however far the index is. What the index does not have yet is not found;
the answer says how far behind it is.

Not here: the query language and matching (``domain.search``).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.log.records import Entry
from trunkline.domain.messages.types import MESSAGE_TYPES
from trunkline.domain.search import Query, matches, parse_query
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.membership import reader_of, seen_by
from trunkline.services.messages.views import as_of_leaving, is_message, view_of, visible
from trunkline.services.search.ports import NEWEST, Candidate, Scope, SearchIndex
from trunkline.wire.calls.search import Highlight, MessageSearch, SearchHit, SearchPage

MAX_READ = 200
"""Messages read from the log for one page."""
MAX_CANDIDATES = 10_000
"""Candidates looked at for one page; most of them fall to the conversation's state, without a read."""


class Searcher:
    """Answers searches.

    Args:
        engine: the log.
        index: proposes; None when search is switched off.

    Attributes:
        on_answer: told how many seconds each answered search took.
    """

    def __init__(self, engine: Engine, index: SearchIndex | None) -> None:
        self._engine = engine
        self._index = index
        self.on_answer: Callable[[float], None] = lambda _took_s: None

    @property
    def enabled(self) -> bool:
        """Whether there is an index."""
        return self._index is not None

    @property
    def lag(self) -> int:
        """Commit groups that the index lacks."""
        return max(0, self._engine.committed_lsn - self._index.progress().lsn) if self._index is not None else 0

    @property
    def building(self) -> bool:
        """Whether the index reads what existed before it."""
        return self._index is not None and self._index.progress().building

    @property
    def failed(self) -> bool:
        """Whether the index stopped."""
        return self._index is not None and bool(self._index.progress().failure)

    async def search(self, caller: Caller, request: MessageSearch) -> SearchPage:
        """A page of messages that match, newest first.

        Raises:
            TrunklineError: ``FEATURE_DISABLED``, ``INVALID_QUERY``, ``INVALID_PAGE_CURSOR``, ``NOT_FOUND``,
                ``NOT_MEMBER``, or ``STORE_FAILED`` when the index stopped.
        """
        index = self._index
        if index is None:
            raise TrunklineError(Code.FEATURE_DISABLED, "search is switched off here ([search] enabled)")
        clock = self._engine.clock
        began_s = clock.monotonic_s()
        progress = index.progress()
        # Memberships come from the projections, so these have to be up to date as well.
        unprojected = min(self._engine.lag, 1)
        if progress.failure:
            raise TrunklineError(Code.STORE_FAILED, "the search index stopped; the operator must look")
        query = parse_query(request.text)
        before = _decode(request.after, progress.generation) if request.after else NEWEST
        scope = await self._scope(caller, request)
        index.hurry()
        hits, position = await self._collect(caller, query, scope, before, request.limit)
        self.on_answer(clock.monotonic_s() - began_s)
        return SearchPage(
            hits,
            _encode(progress.generation, position) if position else "",
            max(self._engine.committed_lsn - progress.lsn, unprojected),
            progress.building,
        )

    async def _scope(self, caller: Caller, request: MessageSearch) -> Scope:
        conversations: list[str] | None = None
        if request.conversation:
            resident, state = await self._engine.existing(caller.app, request.conversation)
            await reader_of(self._engine, resident, state, caller)
            conversations = [request.conversation]
        elif not (caller.server and caller.party == SYSTEM_PARTY):
            conversations = await self._engine.index.memberships(caller.app, caller.party)
            virtual = await self._engine.virtual.changed(caller.app, caller.party, 0)
            conversations = sorted({*conversations, *virtual.conversations})
        sender = check_party(request.sender, "sender") if request.sender else ""
        return Scope(caller.app, conversations, sender, tuple(request.types), request.from_ms, request.to_ms)

    async def _collect(
        self, caller: Caller, query: Query, scope: Scope, before: int, limit: int
    ) -> tuple[list[SearchHit], int]:
        """Hits, and the position before which to go on; 0 when nothing is left."""
        assert self._index is not None
        terms = query.candidate_terms()
        hits: list[SearchHit] = []
        seen = read = 0
        at_once = limit + 1
        while True:
            batch = await self._index.candidates(terms, scope, before, at_once)
            for candidate in batch.found:
                if len(hits) == limit or read >= MAX_READ:
                    return hits, candidate.position + 1
                entry = await self._seen_entry(caller, scope, candidate)
                if entry is not None:
                    read += 1
                    hit = await self._hit(caller, query, candidate, entry)
                    if hit is not None:
                        hits.append(hit)
            before = batch.down_to
            seen += len(batch.found)
            if before == 0 or seen >= MAX_CANDIDATES or not batch.found:
                return hits, before
            at_once = min(4 * at_once, 2_000)

    async def _seen_entry(self, caller: Caller, scope: Scope, candidate: Candidate) -> Entry | None:
        """The message of a candidate if the caller may see it and it is in the scope."""
        resident = await self._engine.conversation(caller.app, candidate.conversation)
        state = resident.state
        if state is None or state.head == 0:
            return None
        member = await seen_by(self._engine, resident, state, caller.party)
        if member is None:
            if not (caller.server and caller.party == SYSTEM_PARTY):
                return None
        elif not member.may_see(candidate.seq):
            return None  # ``visible`` below knows this too, but only after a read
        entry = await read_entry(self._engine, resident, candidate.seq)
        if entry is None or not is_message(entry) or not visible(member, entry):
            return None
        if (scope.sender and entry.sender != scope.sender) or (scope.types and entry.type not in scope.types):
            return None
        if entry.at_ms < scope.from_ms or (scope.to_ms and entry.at_ms > scope.to_ms):
            return None
        return entry

    async def _hit(self, caller: Caller, query: Query, candidate: Candidate, entry: Entry) -> SearchHit | None:
        """The message as the caller sees it now, if that matches."""
        resident = await self._engine.conversation(caller.app, candidate.conversation)
        overlay = (await read_overlays(self._engine, resident, entry.seq, entry.seq)).get(entry.seq)
        # What may have changed while reading is asked last.
        state = resident.state
        if state is None:
            return None
        member = await seen_by(self._engine, resident, state, caller.party)
        if not visible(member, entry) or (member is None and caller.party != SYSTEM_PARTY):
            return None
        if overlay is not None and member is not None and member.left_seq:
            overlay = as_of_leaving(overlay, member.left_seq)
        view = view_of(state, entry, overlay)
        if not isinstance(view.content, dict):
            return None
        text = MESSAGE_TYPES[entry.type].preview(view.content)
        spans = matches(query, text)
        if spans is None:
            return None
        return SearchHit(view, text, [Highlight(start, end) for start, end in spans])


def _encode(generation: int, position: int) -> str:
    return base64.urlsafe_b64encode(f"{generation}.{position}".encode()).decode().rstrip("=")


def _decode(cursor: str, generation: int) -> int:
    wrong = TrunklineError(Code.INVALID_PAGE_CURSOR, "not a cursor of this search; start again without", field="after")
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        made_in, position = (int(part) for part in text.split("."))
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise wrong from error
    if made_in != generation or not 0 < position <= NEWEST:
        raise wrong
    return position
