"""Making cards and acting on them: each is an entry of the conversation's log.

A card is made like a message is sent. An action is decided against the card's present state, uncommitted entries
included, without waiting between the check and the append; so of ten thousand parties that claim the last share of a
red packet, one gets it. What is missing in memory is loaded first, and then the decision starts again.

Not here: the rules (``domain.cards``), states in memory (``states``), reading (``reading``).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.draws import CardSecrets
from trunkline.domain.broadcasts.recipient import KIND as BROADCAST
from trunkline.domain.cards.card import Actor, Decision, close_op
from trunkline.domain.cards.registry import kind_named, new_card
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.log.dedupe import Outbox, Verdict
from trunkline.domain.log.records import Entry
from trunkline.protocol.cards.merges import apply_all
from trunkline.services.cards.people import ROOM, CardSender, RoomPeople
from trunkline.services.cards.states import CardStates, KeptCard
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry
from trunkline.services.membership import check_may_change, member_of
from trunkline.wire import entries as types
from trunkline.wire.calls.cards import CardAct, CardActed, CardCreate
from trunkline.wire.calls.messages import MessageSend, MessageSent
from trunkline.wire.content import MAX_CONTENT_BYTES, decode_content, encode_content

EVERYONE = "everyone"
SERVERS = "servers"


class Missing(NamedTuple):
    """What a decision lacks in memory."""

    card: bool = False
    peer: str = ""
    membership: Conversation | None = None


class Standing(NamedTuple):
    """What the caller is in a conversation whose members are computed, and of which state of it that holds."""

    conversation: Conversation
    member: Member | None


class Acting:
    """Appends cards and actions.

    Args:
        engine: the log.
        sender: a card is made like a message is sent.
        states: cards in memory.
        secrets: draws and aliases.
        red_packets: who may make red packets: ``everyone``, or app ``servers`` only.
    """

    def __init__(
        self,
        engine: Engine,
        sender: CardSender,
        states: CardStates,
        secrets: CardSecrets,
        red_packets: str = EVERYONE,
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._states = states
        self._secrets = secrets
        self.red_packets = red_packets
        self.rooms: RoomPeople | None = None

    # --- making -----------------------------------------------------------------------------

    async def create(self, caller: Caller, request: CardCreate) -> MessageSent:
        """Put a card into a conversation.

        Raises:
            TrunklineError: the kind is unknown, the data does not fit it, or the conversation refuses.
        """
        if request.kind == "red_packet":
            if self.red_packets == SERVERS and not caller.server:
                raise TrunklineError(Code.FORBIDDEN, "here only the app's server makes red packets", field="kind")
            if caller.party == SYSTEM_PARTY:
                raise TrunklineError(Code.FORBIDDEN, "name the party that the red packet is from", field="party")
        if request.n and request.outbox is None:
            raise TrunklineError(Code.INVALID_PARAMS, "n counts in an outbox; name it", field="outbox")
        if request.conversation and request.to is None:
            await self._check_room(caller, request)
        now_ms = self._engine.clock.now_ms()
        if request.outbox is not None and request.n:
            outbox = await self._engine.residents.load_outbox(caller.app, caller.party, request.outbox)
            if request.n <= outbox.highest and request.closes_at_ms:
                # Perhaps a repeat, judged by its content alone: by now its closing time may have passed.
                now_ms = min(now_ms, request.closes_at_ms - 1)
        made = new_card(request.kind, request.data, request.closes_at_ms, request.closes_in_ms, now_ms)
        content = encode_content(made.content)
        if len(content) > MAX_CONTENT_BYTES:
            raise TrunklineError(Code.OVERSIZE, f"a card is limited to {MAX_CONTENT_BYTES} bytes", field="data")
        send = MessageSend(
            type=types.CARD_CREATED,
            content=msgspec.Raw(content),
            conversation=request.conversation,
            to=request.to,
            n=request.n,
            after=request.after,
            outbox=request.outbox,
            reply_to=request.reply_to,
            mentions=request.mentions,
            thread=request.thread,
            expires_in_ms=made.open_ms,
        )
        return await self._sender.send(caller, send, made_here=True)

    async def _check_room(self, caller: Caller, request: CardCreate) -> None:
        """In a live room, those who run it put up cards.

        Raises:
            TrunklineError: the caller does not, or asks for what rooms do not have.
        """
        resident = await self._engine.conversation(caller.app, request.conversation)
        if resident.state is None or resident.state.kind != ROOM:
            return
        if self.rooms is None or request.reply_to or request.thread or request.mentions:
            raise TrunklineError(
                Code.INVALID_PARAMS, "a card in a room has no reply_to, thread or mentions", field="conversation"
            )
        member = await self.rooms.actor(caller, request.conversation)
        if not caller.server and rules.rank(member) < 2:
            raise TrunklineError(Code.FORBIDDEN, "a card in a room needs the role moderator", field="conversation")

    # --- acting -----------------------------------------------------------------------------

    async def act(self, caller: Caller, request: CardAct) -> CardActed:
        """Act on a card.

        Raises:
            TrunklineError: it was refused; nothing changed.
        """
        engine = self._engine
        outbox: Outbox | None = None
        if request.n:
            if request.outbox is None:
                raise TrunklineError(Code.INVALID_PARAMS, "n counts in an outbox; name it", field="outbox")
            outbox = await engine.residents.load_outbox(caller.app, caller.party, request.outbox)
        looked_up = False
        standing: Standing | None = None
        while True:
            if outbox is not None and request.n <= outbox.highest and not looked_up:
                repeated = await self._repeat(caller, request, outbox)
                if repeated is not None:
                    return repeated
                looked_up = True
            elif outbox is not None and request.n in outbox.recent:
                looked_up = False  # a racing repeat was quicker
                continue
            done = self._act_now(caller, request, outbox, standing)
            if isinstance(done, CardActed):
                return done
            if done.peer:
                await engine.party(caller.app, done.peer)
            if done.card:
                await self._states.load(caller.app, request.conversation, request.seq)
            if done.membership is not None:
                standing = await self._standing(caller, request.conversation, done.membership)
            looked_up = False  # while this waited, a racing repeat may have come and gone

    async def _standing(self, caller: Caller, conversation: str, state: Conversation) -> Standing:
        """Compute what the caller is, where that is not kept.

        Raises:
            TrunklineError: it is nobody there, or may not change anything.
        """
        if state.kind == ROOM:
            if self.rooms is None:
                raise TrunklineError(Code.FORBIDDEN, "rooms have no cards here", field="conversation")
            return Standing(state, await self.rooms.actor(caller, conversation))
        resident, _ = await self._engine.existing(caller.app, conversation)
        member = await member_of(self._engine, resident, state, caller)
        if state.kind != BROADCAST:  # whom a card was broadcast to may act on it, and say nothing else there
            await check_may_change(self._engine, state, caller)
        return Standing(state, member)

    def _act_now(
        self, caller: Caller, request: CardAct, outbox: Outbox | None, standing: Standing | None
    ) -> CardActed | Missing:
        """Decide and append without waiting, or say what is missing."""
        kept = self._states.get(caller.app, request.conversation, request.seq)
        if kept is None:
            return Missing(card=True)
        state, card = kept.conversation, kept.card
        now_ms = max(self._engine.clock.now_ms(), state.at_ms)
        rules.check_alive(state)
        if not state.virtual and state.kind != ROOM:
            member = rules.check_member(state, caller)
        elif standing is None or standing.conversation is not state:
            return Missing(membership=state)
        else:
            member = standing.member
        peer = self._check_access(caller, kept, member, now_ms)
        if peer:
            return Missing(peer=peer)
        kind = kind_named(card.kind)
        hidden = card.data is not None and kind.anonymous(card.data)
        key = self._secrets.alias(self.card_id(kept), caller.party) if hidden else caller.party
        actor = Actor(caller.party, key, rules.rank(member), caller.server, now_ms)
        draw = (
            self._secrets.draw(self.card_id(kept), len(card.state.cells("claims"))) if request.action == "claim" else 0
        )
        decision = kind.act(card, actor, request.action, request.value, draw)
        if not decision.ops:
            cell = decision.repeats
            seq, at_ms = (cell.seq, cell.at_ms) if cell is not None else (card.changed_seq, kept.entry.at_ms)
            return CardActed(
                conversation=request.conversation,
                epoch=state.epoch,
                seq=seq,
                at_ms=at_ms,
                repeated=True,
                event=decision.event,
            )
        if not decision.closes and not card.has_room_for(decision.ops):
            raise TrunklineError(Code.LIMIT_EXCEEDED, "the card's state is as large as it may be", field="seq")
        sender = SYSTEM_PARTY if decision.anonymous else caller.party
        entry = self._append(kept, sender, request, decision, None if decision.anonymous else outbox)
        return CardActed(
            conversation=request.conversation,
            epoch=state.epoch,
            seq=entry.seq,
            at_ms=entry.at_ms,
            event=decision.event,
        )

    def _check_access(self, caller: Caller, kept: KeptCard, member: Member | None, now_ms: int) -> str:
        """Whether the caller may act here at all; the peer of a direct conversation when it must be loaded first.

        Someone who is muted may not act, but a mute of everyone is one of speaking: votes and claims go on.
        """
        state, seq = kept.conversation, kept.card.seq
        if member is not None and not member.may_see(seq):
            raise TrunklineError(Code.NOT_FOUND, f"no card at {seq}", field="seq")
        if seq in state.removed:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, "the card was taken back", field="seq")
        if caller.server:
            return ""
        if member is not None and member.muted_until_ms > now_ms:
            raise TrunklineError(Code.MUTED, f"muted until {member.muted_until_ms}")
        if state.kind == rules.DIRECT:
            for peer in state.members:
                if peer == caller.party:
                    continue
                known = self._engine.residents.party(caller.app, peer)
                if known is None:
                    return peer
                if caller.party in known.blocked:
                    raise TrunklineError(Code.BLOCKED, f"{peer} does not accept messages from {caller.party}")
        return ""

    def _append(
        self, kept: KeptCard, sender: str, request: CardAct | None, decision: Decision, outbox: Outbox | None
    ) -> Entry:
        engine = self._engine
        card = kept.card
        content: dict[str, object] = {
            "kind": card.kind,
            "action": request.action if request is not None else "expire",
            "value": request.value if request is not None else {},
            "ops": decision.ops,
        }
        if decision.event is not None:
            content["event"] = decision.event
        if decision.closes:
            content["closes"] = True
        encoded = encode_content(content)
        if len(encoded) > MAX_CONTENT_BYTES:
            raise TrunklineError(Code.OVERSIZE, f"an action is limited to {MAX_CONTENT_BYTES} bytes", field="value")
        engine.check_room()
        entry = engine.append_entry(
            kept.resident,
            kept.conversation,
            types.CARD_CHANGED,
            sender,
            encoded,
            outbox=outbox,
            n=request.n if outbox is not None and request is not None else 0,
            target=card.seq,
        )
        before = card.cell_count
        apply_all(card.state, decision.ops, seq=entry.seq, at_ms=entry.at_ms, by=sender)
        card.note(decision.ops, entry.seq)
        self._states.grown(card.cell_count - before)
        return entry

    # --- repeats ----------------------------------------------------------------------------

    async def _repeat(self, caller: Caller, request: CardAct, outbox: Outbox) -> CardActed | None:
        """Where an action with this id took effect; None when it never did."""
        engine = self._engine
        if outbox.judge(request.n) is Verdict.EXPIRED:
            raise TrunklineError(Code.EXPIRED_ID, f"ids up to {outbox.floor} are forgotten", field="n")
        recent = outbox.recent.get(request.n)
        if recent is not None:
            return self._told_again(request, recent.conversation, recent.entry)
        try:
            await engine.projected(engine.committed_lsn)
        except TrunklineError as error:
            # The first attempt may well have been applied: only the index could tell.
            raise TrunklineError(Code.TIMED_OUT, error.detail, retry_ms=error.retry_ms) from error
        before = await engine.index.sent(caller.app, caller.party, outbox.id, request.n)
        if before is None:
            return None
        if before.seq == 0:
            raise TrunklineError(Code.EXPIRED_ID, f"id {request.n} is older than what is remembered", field="n")
        resident, _ = await engine.existing(caller.app, before.conversation)
        entry = await read_entry(engine, resident, before.seq)
        if entry is None:
            raise TrunklineError(Code.INTERNAL, f"entry {before.seq} is missing")
        return self._told_again(request, before.conversation, entry)

    def _told_again(self, request: CardAct, conversation: str, entry: Entry) -> CardActed:
        content = decode_content(entry.content)
        same = (
            conversation == request.conversation
            and entry.type == types.CARD_CHANGED
            and entry.target == request.seq
            and ("value" not in content or (content["action"] == request.action and content["value"] == request.value))
        )
        if not same:
            raise TrunklineError(Code.ID_CONFLICT, f"n {request.n} was used for something else", field="n")
        return CardActed(
            conversation=conversation,
            epoch=self._engine.epoch,
            seq=entry.seq,
            at_ms=entry.at_ms,
            repeated=True,
            event=content.get("event"),
        )

    # --- closing by the server --------------------------------------------------------------

    async def expire(self, app: str, conversation: str, seq: int) -> bool:
        """A card's time is up: close it, and refund what is left. False when it was closed before.

        Also in a conversation that was dismissed: money does not vanish with a group.
        """
        while (kept := self._states.get(app, conversation, seq)) is None:
            await self._states.load(app, conversation, seq)
        card, state = kept.card, kept.conversation
        if card.state.closed or seq in state.removed:
            return False
        now_ms = max(self._engine.clock.now_ms(), state.at_ms)
        if not card.is_over(now_ms):
            return False
        decision = kind_named(card.kind).end(card, "expired") if card.data is not None else _ERASED_END
        self._append(kept, SYSTEM_PARTY, None, decision, None)
        return True

    # --- pieces -----------------------------------------------------------------------------

    @staticmethod
    def card_id(kept: KeptCard) -> str:
        """What draws and aliases of a card derive from."""
        return f"{kept.resident.app}\n{kept.resident.id}\n{kept.card.seq}\n{kept.card.created_at_ms}"

    def alias(self, kept: KeptCard, party: str) -> str:
        """The key of a party's own cells on a card."""
        card = kept.card
        if card.data is not None and kind_named(card.kind).anonymous(card.data):
            return self._secrets.alias(self.card_id(kept), party)
        return party


_ERASED_END = Decision((close_op("expired"),), closes=True)
"""Closing a card whose content was erased."""
