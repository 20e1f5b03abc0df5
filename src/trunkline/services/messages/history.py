"""Reading messages: ranges by seq or time, pins, and who has read what."""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.broadcasts.recipient import Recipient
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import Entry
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays, read_range
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import member_of, reader_of
from trunkline.services.messages.views import as_of_leaving, counts_here, is_message, placeholder, view_of, visible
from trunkline.wire.calls.messages import History, HistoryGet, PinList, Receipt, ReceiptGet
from trunkline.wire.entries import EntryView

MAX_AUDIENCE = 2000
"""Receipts with names and counts are computed for groups up to this size."""
LAST_AMONG = 16
LAST_BEHIND_THREADS = 256
"""A conversation's last message is looked for among so many entries; among more where a thread is busy."""


class Reader:
    """Answers what was said."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def history(self, caller: Caller, request: HistoryGet) -> History:
        """A range of entries; what the caller may not see comes as placeholders.

        Raises:
            TrunklineError: not a (former) member.
        """
        engine = self._engine
        resident, state = await engine.existing(caller.app, request.conversation)
        member = await reader_of(engine, resident, state, caller)
        lowest = member.first_visible if member is not None else 1
        highest = _last_visible(resident, member)
        first = max(request.from_seq, lowest)
        last = min(request.to_seq or highest, highest)
        if request.from_ms:
            first = max(first, await seq_at(self._engine, resident, request.from_ms))
        if request.to_ms:
            last = min(last, await seq_at(self._engine, resident, request.to_ms + 1) - 1)
        entries = await read_range(engine, resident, first, last, request.limit, request.newest_first)
        views = await self._views(resident, state, member, entries)
        more = bool(entries) and (entries[0].seq > first if request.newest_first else entries[-1].seq < last)
        return History(conversation=resident.id, epoch=state.epoch, head=highest, entries=views, more=more)

    async def pins(self, caller: Caller, request: PinList) -> History:
        """The pinned messages, in the order of pinning."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        member = await reader_of(self._engine, resident, state, caller)
        views: list[EntryView] = []
        for seq in state.pinned:
            entry = await read_entry(self._engine, resident, seq)
            if entry is not None and visible(member, entry):
                views += await self._views(resident, state, member, [entry])
        head = _last_visible(resident, member)
        return History(conversation=resident.id, epoch=state.epoch, head=head, entries=views)

    async def receipt(self, caller: Caller, request: ReceiptGet) -> Receipt:
        """Who has received and read a message, its sender left out.

        Raises:
            TrunklineError: no such message, or the group is too large.
        """
        resident, state = await self._engine.existing(caller.app, request.conversation)
        mine = await member_of(self._engine, resident, state, caller)
        entry = await read_entry(self._engine, resident, request.seq)
        if entry is None or not is_message(entry) or not visible(mine, entry):
            raise TrunklineError(Code.NOT_FOUND, f"no message at {request.seq}", field="seq")
        if state.virtual or state.member_count > MAX_AUDIENCE:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"receipts are kept for up to {MAX_AUDIENCE} members")
        audience = [
            (party, member)
            for party, member in state.members.items()
            if party != entry.sender and member.present and member.may_see(request.seq)
        ]
        readers = sorted(party for party, member in audience if member.read >= request.seq)
        delivered = sum(1 for _, member in audience if member.delivered >= request.seq)
        return Receipt(resident.id, request.seq, len(audience), delivered, len(readers), readers[: request.limit])

    async def last_view(
        self, resident: ResidentConversation, state: Conversation, member: Member | None
    ) -> EntryView | None:
        """The newest message the member may see, looked for among the last few entries; replies in threads left out."""
        highest = _last_visible(resident, member)
        lowest = member.first_visible if member is not None else 1
        if isinstance(member, Recipient):
            newest = member.newest(state)
            lowest, highest = (newest, newest) if newest else (1, 0)
        span = LAST_AMONG
        while True:
            entries = await read_range(self._engine, resident, max(lowest, highest - span + 1), highest, span, True)
            for entry in reversed(entries):
                if counts_here(entry) and entry.seq not in state.removed and visible(member, entry):
                    return (await self._views(resident, state, member, [entry]))[0]
            if span > LAST_AMONG or not any(entry.thread for entry in entries):
                return None
            highest, span = highest - span, LAST_BEHIND_THREADS

    async def _views(
        self, resident: ResidentConversation, state: Conversation, member: Member | None, entries: list[Entry]
    ) -> list[EntryView]:
        if not entries:
            return []
        overlays = await read_overlays(self._engine, resident, entries[0].seq, entries[-1].seq)
        if member is not None and member.left_seq:
            overlays = {seq: as_of_leaving(overlay, member.left_seq) for seq, overlay in overlays.items()}
        return [
            view_of(state, entry, overlays.get(entry.seq)) if visible(member, entry) else placeholder(state, entry)
            for entry in entries
        ]


async def seq_at(engine: Engine, resident: ResidentConversation, at_ms: int) -> int:
    """Lowest seq at or after a time; head + 1 when there is none."""
    tail = [entry for _, entry in resident.entries]
    found = await engine.index.seq_at(resident.app, resident.id, at_ms)
    if found:
        return found
    return next((entry.seq for entry in tail if entry.at_ms >= at_ms), resident.committed + 1)


def _last_visible(resident: ResidentConversation, member: Member | None) -> int:
    """The highest durable seq a reader may see: the head, or where a former member left."""
    if member is None or not member.left_seq:
        return resident.committed
    return min(resident.committed, member.left_seq)
