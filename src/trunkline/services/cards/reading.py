"""Reading cards: one with its whole state, or a conversation's newest ones."""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.log.records import Entry
from trunkline.protocol.cards.merges import as_of, too_large
from trunkline.protocol.cards.summary import summarize
from trunkline.services.cards.acting import Acting
from trunkline.services.cards.people import ROOM
from trunkline.services.cards.states import KeptCard, card_of
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import reader_of
from trunkline.services.messages.views import visible
from trunkline.wire import entries as types
from trunkline.wire.calls.cards import CardGet, CardList, Cards, CardView
from trunkline.wire.cards import CardState
from trunkline.wire.content import decode_content
from trunkline.wire.entries import Overlay


class CardReader:
    """Answers what cards there are and what became of them."""

    def __init__(self, engine: Engine, acting: Acting) -> None:
        self._engine = engine
        self._acting = acting

    async def get(self, caller: Caller, request: CardGet) -> CardView:
        """A card.

        Raises:
            TrunklineError: there is none the caller may see, or it was taken back.
        """
        engine = self._engine
        resident, state = await engine.existing(caller.app, request.conversation)
        member = await self._reader(resident, state, caller)
        entry = await read_entry(engine, resident, request.seq)
        if entry is None or entry.type != types.CARD_CREATED or not visible(member, entry):
            raise TrunklineError(Code.NOT_FOUND, f"no card at {request.seq}", field="seq")
        overlay = (await read_overlays(engine, resident, request.seq, request.seq)).get(request.seq) or Overlay()
        if overlay.recalled or overlay.expired:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, "the card was taken back", field="seq")
        return self._view(caller, member, resident, state, entry, overlay)

    async def page(self, caller: Caller, request: CardList) -> Cards:
        """The newest cards of a conversation, without large states."""
        engine = self._engine
        resident, state = await engine.existing(caller.app, request.conversation)
        member = await self._reader(resident, state, caller)
        found: list[CardView] = []
        before = request.before_seq or state.head + 1
        while True:
            seqs, more = await self._seqs(resident, before, request.limit, request.open_only)
            for position, seq in enumerate(seqs):
                entry = await read_entry(engine, resident, seq)
                if entry is None or not visible(member, entry) or seq in state.removed:
                    continue
                overlay = (await read_overlays(engine, resident, seq, seq)).get(seq) or Overlay()
                view = self._view(caller, member, resident, state, entry, overlay)
                if too_large(view.state):
                    view.state = CardState(partial=True)
                found.append(view)
                if len(found) == request.limit:
                    return Cards(resident.id, found, more or position + 1 < len(seqs))
            if not more:
                return Cards(resident.id, found)
            before = seqs[-1]

    async def _reader(self, resident: ResidentConversation, state: Conversation, caller: Caller) -> Member | None:
        rooms = self._acting.rooms
        as_itself = caller.server and caller.party == SYSTEM_PARTY  # reads also what has ended
        if state.kind == ROOM and rooms is not None and not as_itself:
            return await rooms.reader(caller, resident.id)
        return await reader_of(self._engine, resident, state, caller)

    async def _seqs(
        self, resident: ResidentConversation, before: int, limit: int, open_only: bool
    ) -> tuple[list[int], bool]:
        """Seqs of cards below a seq, newest first, and whether there are more: the tail first, then the index."""
        tail = [entry for _, entry in resident.entries]
        changes = {entry.target for entry in tail if _closes(entry)}
        first_of_tail = tail[0].seq if tail else resident.committed + 1
        newest = [
            entry.seq
            for entry in reversed(tail)
            if entry.type == types.CARD_CREATED and entry.seq < before and not (open_only and entry.seq in changes)
        ]
        # What the tail closed may still be open in the index: ask for so many more.
        wanted = limit + 1 + len(changes)
        rows = await self._engine.index.cards(resident.app, resident.id, min(before, first_of_tail), wanted, open_only)
        older = [seq for seq, _ in rows if not (open_only and seq in changes)]
        seqs = newest + older
        return seqs[:limit], len(seqs) > limit or len(rows) == wanted

    def _view(
        self,
        caller: Caller,
        member: Member | None,
        resident: ResidentConversation,
        conversation: Conversation,
        entry: Entry,
        overlay: Overlay,
    ) -> CardView:
        state = overlay.card or CardState()
        last = overlay.as_of or entry.seq
        if member is not None and member.left_seq:
            state, last = as_of(state, member.left_seq), min(last, member.left_seq)
        content = decode_content(entry.content)
        card = card_of(entry, conversation, state)
        return CardView(
            conversation=resident.id,
            epoch=conversation.epoch,
            seq=entry.seq,
            at_ms=entry.at_ms,
            sender=entry.sender,
            kind=card.kind,
            data=content.get("data") or {},
            as_of=last,
            closes_at_ms=card.closes_at_ms,
            closed=state.closed,
            state=state,
            summary=summarize(card.kind, content.get("data"), state),
            mine=self._acting.alias(KeptCard(card, entry, resident, conversation), caller.party),
        )


def _closes(entry: Entry) -> bool:
    return entry.type == types.CARD_CHANGED and bool(decode_content(entry.content).get("closes"))
