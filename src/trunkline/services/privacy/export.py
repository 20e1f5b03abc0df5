"""Export: everything kept about a party, in pages of bounded size, for whoever has to answer its request.

Messages appear as they are stored, edits and reactions as the changes they were. What others said, also about
the party, is theirs and not part of it.
"""

from __future__ import annotations

import base64
import binascii
import bisect
from collections.abc import Awaitable, Callable

from msgspec import Struct, field

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.rooms.book import named
from trunkline.domain.rooms.settings import KIND as ROOM
from trunkline.services.log.engine import Engine
from trunkline.services.messages.views import view_of as view_of_entry
from trunkline.services.parties.profiles import view_of as view_of_profile
from trunkline.wire.calls.parties import PartyExport, PartyExportPage, QuizAnswerKept
from trunkline.wire.calls.session import MemberSettings

SCAN = 500
"""Entries read at once."""
MAX_SCANNED = 20_000
"""Entries a page looks at: in a busy group few may be the party's."""
MAX_PAGE_BYTES = 4_194_304


class ExportedMembership(Struct, kw_only=True):
    """A conversation the party is or was in: its role, its stays as ``[first, last]`` seqs, cursors and settings.

    The last stay of a present member has no end: ``last`` is 0.
    """

    conversation: str
    kind: str
    name: str
    role: str
    member: bool
    stays: list[tuple[int, int]]
    delivered: int
    read: int
    muted_until_ms: int
    settings: MemberSettings
    hidden_seqs: list[int] = field(default_factory=list)
    hidden_up_to: int = 0


class Exporter:
    """Collects what is kept about a party.

    Args:
        engine: the log.
        tags: the tags of a party of an app.
        quiz_answers: what a party of an app answered in quizzes.
    """

    def __init__(
        self,
        engine: Engine,
        tags: Callable[[str, str], Awaitable[tuple[str, ...]]] | None = None,
        quiz_answers: Callable[[str, str], Awaitable[list[QuizAnswerKept]]] | None = None,
    ) -> None:
        self._tags = tags
        self._quiz_answers = quiz_answers
        self._engine = engine

    async def export(self, caller: Caller, request: PartyExportPage) -> PartyExport:
        """A page of everything about a party. A party nobody heard of exports as empty.

        Raises:
            TrunklineError: ``INVALID_PARTY`` or ``INVALID_PAGE_CURSOR``.
        """
        engine = self._engine
        app, party = caller.app, check_party(request.party)
        at, seq = _decode_after(request.after)
        await engine.projected(engine.committed_lsn)
        page = await self._first(app, party) if not request.after else _empty(party, engine.clock.now_ms())
        budget = Budget(request.limit)
        memberships = sorted({*await engine.index.memberships(app, party), *await engine.index.rooms_of(app, party)})
        for conversation in memberships[bisect.bisect_left(memberships, at) :]:
            state = (await engine.conversation(app, conversation)).state
            member = state.members.get(party) if state is not None else None
            if state is None or (member is None and state.kind != ROOM):
                continue
            if conversation != at:
                seq = 0
                page.conversations.append(_membership(state, member) if member is not None else _in_room(state, party))
                budget.items -= 1
            while not budget.spent():
                entries = await engine.index.entries(app, conversation, seq + 1, state.head, SCAN, False)
                for entry in entries:
                    seq = entry.seq
                    budget.scanned -= 1
                    if entry.sender == party:
                        page.messages.append(view_of_entry(state, entry))
                        budget.items -= 1
                        budget.size_bytes -= len(entry.content)
                        if budget.spent():
                            break
                if not entries:
                    break
            if budget.spent():
                page.next = _encode_after(conversation, seq)
                break
        return page

    async def _first(self, app: str, party: str) -> PartyExport:
        kept = await self._engine.party(app, party)
        page = _empty(party, self._engine.clock.now_ms())
        page.profile = view_of_profile(kept.profile) if kept.profile is not None else None
        page.blocked = sorted(kept.blocked)
        page.tags = list(await self._tags(app, party)) if self._tags is not None else []
        page.quiz_answers = await self._quiz_answers(app, party) if self._quiz_answers is not None else []
        page.devices = [kept.devices[device] for device in sorted(kept.devices)]
        return page


class Budget:
    """What a page may still take: memberships and entries, bytes of content, and entries to look at."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.size_bytes = MAX_PAGE_BYTES
        self.scanned = MAX_SCANNED

    def spent(self) -> bool:
        """Whether the page is full."""
        return self.items <= 0 or self.size_bytes <= 0 or self.scanned <= 0


def _empty(party: str, now_ms: int) -> PartyExport:
    return PartyExport(party, now_ms, None, [], [], [], [])


def _encode_after(conversation: str, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{seq} {conversation}".encode()).decode().rstrip("=")


def _decode_after(cursor: str) -> tuple[str, int]:
    if not cursor:
        return "", 0
    try:
        seq, _, conversation = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        if not (seq.isascii() and seq.isdecimal() and len(seq) <= 16 and conversation):
            raise ValueError("not a position")
        return conversation, int(seq)
    except (binascii.Error, ValueError) as error:
        raise TrunklineError(Code.INVALID_PAGE_CURSOR, "not a cursor of this export", field="after") from error


def _in_room(state: Conversation, party: str) -> ExportedMembership:
    """A room has no members: what it remembers of the party by name."""
    known = named(state.settings, party)
    return ExportedMembership(
        conversation=state.id,
        kind=state.kind,
        name=str(state.settings.get("name", "")),
        role=known.role.label,
        member=False,
        stays=[],
        delivered=0,
        read=0,
        muted_until_ms=known.muted_until_ms,
        settings=MemberSettings(),
        hidden_seqs=[],
        hidden_up_to=0,
    )


def _membership(state: Conversation, member: Member) -> ExportedMembership:
    return ExportedMembership(
        conversation=state.id,
        kind=state.kind,
        name=str(state.settings.get("name", "")),
        role=member.role,
        member=member.present,
        stays=[*member.spans, (member.joined_seq, member.left_seq)],
        delivered=member.delivered,
        read=member.read,
        muted_until_ms=member.muted_until_ms,
        settings=member.settings or MemberSettings(),
        hidden_seqs=sorted(member.hidden),
        hidden_up_to=member.hidden_up_to,
    )
