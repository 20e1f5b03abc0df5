"""Sending a message: the hot path of the whole system.

``send_now`` decides without awaiting when everything it needs is in memory; the edge calls it
straight from the socket's callback. ``send`` loads what is missing and tries again.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import lru_cache

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.files.references import NAMING, Reference, references_of
from trunkline.domain.identity import Caller, check_party, direct_conversation_id
from trunkline.domain.log.dedupe import Outbox, Verdict, same_send, send_digest
from trunkline.domain.log.records import Entry, SendReplaced
from trunkline.domain.messages.types import check_content
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.messages.before_send import APPROVED, Approval, BeforeSend, MustAsk, NobodyAsks, Said
from trunkline.services.messages.files_port import MessageFiles
from trunkline.services.messages.thread_roots import ThreadRoots
from trunkline.wire import entries as types
from trunkline.wire.calls.messages import MessageSend, MessageSent
from trunkline.wire.content import canonical, encode_content


@lru_cache(maxsize=65_536)
def direct_id(party: str, to: str) -> str:
    """The direct conversation of a checked party with whom it names.

    Raises:
        TrunklineError: ``INVALID_PARTY``.
    """
    check_party(to, "to")
    if to == party:
        raise TrunklineError(Code.INVALID_PARTY, "a direct conversation needs two parties", field="to")
    return direct_conversation_id(party, to)


class Sender:
    """Appends messages."""

    def __init__(self, engine: Engine, threads: ThreadRoots | None = None, files: MessageFiles | None = None) -> None:
        self._engine = engine
        self._before: BeforeSend = NobodyAsks()
        self._asked: AbstractSet[str] = self._before.apps
        self._replacing: set[str] = set()
        self._files = files
        self._threads = threads or ThreadRoots(engine)

    def ask_before(self, before: BeforeSend) -> None:
        """Have apps asked before their users' messages are accepted; once, at start."""
        self._before, self._asked = before, before.apps

    async def send(
        self, caller: Caller, request: MessageSend, outbox: Outbox | None = None, *, made_here: bool = False
    ) -> MessageSent:
        """Append a message, loading what is needed. ``made_here`` allows types that only the server makes.

        Raises:
            TrunklineError: it was refused; nothing changed.
        """
        if outbox is None and request.outbox is not None and request.n:
            outbox = await self._engine.residents.load_outbox(caller.app, caller.party, request.outbox)
        approval: Approval | None = None
        while True:
            try:
                sent = self._decide(caller, request, outbox, made_here, approval)
                if sent is None:
                    sent = await self._load(caller, request, outbox, made_here, approval)
            except MustAsk as waiting:
                approval = await self._before.ask(caller, waiting.said)
                continue
            if sent is not None:
                return sent

    def send_now(
        self, caller: Caller, request: MessageSend, outbox: Outbox | None, made_here: bool = False
    ) -> MessageSent | None:
        """Append a message if all it needs is in memory; None when something must be loaded, or the app asked, first.

        Raises:
            TrunklineError: it was refused; nothing changed.
        """
        if self._asked and caller.app in self._asked and not caller.server:
            return None
        return self._decide(caller, request, outbox, made_here, None)

    def _decide(
        self, caller: Caller, request: MessageSend, outbox: Outbox | None, made_here: bool, approval: Approval | None
    ) -> MessageSent | None:
        resident = self._resident(caller, request)
        if resident is None:
            return None
        state = resident.state
        if state is None:
            return None
        if outbox is not None:
            n = request.n
            if n < 1:
                raise TrunklineError(Code.INVALID_PARAMS, "n must be 1 or more", field="n")
            if n <= outbox.highest:
                return self._repeat(caller, request, outbox, resident)
            if request.after and request.after not in outbox.recent:
                return None
        return self._append(caller, request, outbox, resident, state, made_here, approval)

    def append_all(
        self, caller: Caller, requests: list[MessageSend], outbox: Outbox | None
    ) -> list[MessageSent] | None:
        """Append messages that the server made to one conversation, all or none; None when something must be loaded.

        The caller has looked up that none of their ids was used before. They are decided in one go, so they are in
        one commit group.

        Raises:
            TrunklineError: one of them was refused; nothing changed.
        """
        resident = self._resident(caller, requests[0])
        state = resident.state if resident is not None else None
        if resident is None or state is None:
            return None
        for request in requests:
            content = canonical(request.content)
            check_content(request.type, content, by_server=True)
            if request.type in NAMING and self._named(caller, request.type, content) is None:
                return None
        self._engine.check_room(len(requests) + 1)
        sent: list[MessageSent] = []
        for request in requests:
            one = self._append(caller, request, outbox, resident, state, True, APPROVED)
            if one is None:
                if sent:
                    raise TrunklineError(Code.BUSY, "what the messages need was dropped meanwhile", retry_ms=50)
                return None  # the first one only: what it needs, all need
            sent.append(one)
        return sent

    async def load(self, caller: Caller, requests: list[MessageSend]) -> None:
        """Load what appending messages to one conversation needs.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        for request in requests[1:]:
            await self._clear_files(caller, request, by_server=True)
        await self._load(caller, requests[0], None, True, APPROVED)

    def _append(
        self,
        caller: Caller,
        request: MessageSend,
        outbox: Outbox | None,
        resident: ResidentConversation,
        state: Conversation,
        made_here: bool,
        approval: Approval | None,
    ) -> MessageSent | None:
        engine = self._engine
        if request.sender is not None or request.at_ms is not None:
            field = "sender" if request.sender is not None else "at_ms"
            raise TrunklineError(Code.FORGED_FIELD, f"{field} is decided by the server", field=field)
        content = canonical(request.content)
        check_content(request.type, content, by_server=made_here)
        named = self._named(caller, request.type, content) if request.type in NAMING else ()
        if named is None:
            return None
        peer = self._peer(caller, request, state) if state.head == 0 or state.kind == rules.DIRECT else ""
        if peer:
            peer_state = engine.residents.party(caller.app, peer)
            if peer_state is None:
                return None
            if caller.party in peer_state.blocked and not caller.server:
                raise TrunklineError(Code.BLOCKED, f"{peer} does not accept messages from {caller.party}")
        if not self._may_speak(caller, request, state):
            return None
        mentions = self._mentions(caller, request, state) if request.mentions else ()
        if request.reply_to > resident.committed:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, "reply_to names no entry", field="reply_to")
        if request.thread and not self._threads.check(resident, state, caller.party, request.thread):
            return None
        engine.check_room()
        if self._asked:
            content = self._approved(caller, request, outbox, resident, state, content, mentions, approval)
        if state.head == 0:
            self._create_direct(resident, state, caller.party, peer)
        entry = engine.append_entry(
            resident,
            state,
            request.type,
            caller.party,
            content,
            counts=not request.thread,
            outbox=outbox,
            n=request.n if outbox is not None else 0,
            reply_to=request.reply_to,
            mentions=mentions,
            expires_in_ms=request.expires_in_ms,
            thread=request.thread,
        )
        self._attach(caller, named, resident.id, entry.seq)
        if request.thread:
            self._threads.replied(resident, request.thread, entry.seq)
        return MessageSent(resident.id, state.epoch, entry.seq, entry.at_ms)

    def _approved(
        self,
        caller: Caller,
        request: MessageSend,
        outbox: Outbox | None,
        resident: ResidentConversation,
        state: Conversation,
        content: bytes,
        mentions: tuple[str, ...],
        approval: Approval | None,
    ) -> bytes:
        """The content that the app agrees to; ``MustAsk`` when it was not asked yet."""
        if approval is None:
            if caller.app in self._asked and not caller.server:
                kind, to = state.kind or rules.DIRECT, request.to or ""
                raise MustAsk(Said(resident.id, kind, request.type, content, to, request.reply_to, mentions))
            return content
        if approval.content is None:
            return content
        if outbox is not None:
            # A retry is told by what was sent, which is not what is stored.
            digest = send_digest(resident.id, self._shape(request))
            self._engine.append_record(SendReplaced(caller.app, caller.party, outbox.id, request.n, digest))
            self._replacing.add(caller.app)
        return approval.content

    def _resident(self, caller: Caller, request: MessageSend) -> ResidentConversation | None:
        conversation = request.conversation
        if request.to is not None:
            conversation = direct_id(caller.party, request.to)
        elif not conversation:
            raise TrunklineError(Code.INVALID_PARAMS, "name a conversation, or a party as 'to'", field="conversation")
        return self._engine.residents.conversation(caller.app, conversation)

    async def _load(
        self, caller: Caller, request: MessageSend, outbox: Outbox | None, made_here: bool, approval: Approval | None
    ) -> MessageSent | None:
        """Load whatever ``send_now`` missed; a position when the send turns out to be a repeat."""
        engine = self._engine
        conversation = direct_id(caller.party, request.to) if request.to is not None else request.conversation
        resident = await engine.conversation(caller.app, conversation)
        state = resident.state
        if state is None:
            return None
        if state.head == 0 and request.to is None:
            raise TrunklineError(Code.NOT_FOUND, "no such conversation", field="conversation")
        if state.head == 0 or state.kind == rules.DIRECT:
            await engine.party(caller.app, self._peer(caller, request, state))
        if state.virtual:
            await engine.virtual.of(state).load(state, caller)
        if request.thread:
            await self._threads.learn(resident, request.thread)
        if outbox is None or request.n > outbox.highest:
            await self._clear_files(caller, request, by_server=made_here)
        if outbox is None:
            return None
        if request.n <= outbox.highest:
            if request.n in outbox.recent and caller.app in self._replacing:
                # What was sent is not what was stored: only the index remembers both.
                await engine.commits.settled()
                return await self._look_up(caller, request, outbox, conversation, made_here, approval)
            if request.n not in outbox.recent:
                return await self._look_up(caller, request, outbox, conversation, made_here, approval)
        await self._load_before(caller, request, outbox)
        return None

    async def _load_before(self, caller: Caller, request: MessageSend, outbox: Outbox) -> None:
        """Whether the message that this one comes after was accepted."""
        if request.after and request.after not in outbox.recent:
            before = await self._engine.index.sent(caller.app, caller.party, outbox.id, request.after)
            if before is None and request.after not in outbox.recent:
                raise TrunklineError(Code.OUT_OF_ORDER, f"message {request.after} was not accepted", field="after")
            request.after = 0

    def _named(self, caller: Caller, type: str, content: bytes) -> tuple[Reference, ...] | None:
        """The files a message names; None when it must be looked up first whether the sender may."""
        if self._files is None:
            if references_of(type, content):
                raise TrunklineError(Code.FEATURE_DISABLED, "files are switched off here ([files] enabled)")
            return ()
        named = self._files.named(type, content)
        return named if self._files.cleared(caller, named) else None

    def _attach(self, caller: Caller, named: tuple[Reference, ...], conversation: str, seq: int) -> None:
        if named and self._files is not None:
            self._files.attach(caller.app, named, conversation, seq)

    async def _clear_files(self, caller: Caller, request: MessageSend, *, by_server: bool) -> None:
        """Check the files that a message names, if it can name any."""
        if request.type in NAMING and self._files is not None:
            content = canonical(request.content)
            check_content(request.type, content, by_server=by_server)
            await self._files.clear(caller, self._files.named(request.type, content))

    # --- repeats ----------------------------------------------------------------------------

    def _repeat(
        self, caller: Caller, request: MessageSend, outbox: Outbox, resident: ResidentConversation
    ) -> MessageSent | None:
        """Answer a repeat from memory; None when the index must be asked."""
        if outbox.judge(request.n) is Verdict.EXPIRED:
            raise TrunklineError(Code.EXPIRED_ID, f"ids up to {outbox.floor} are forgotten", field="n")
        recent = outbox.recent.get(request.n)
        if recent is None:
            return None
        if not same_send(resident.id, self._shape(request), recent.conversation, recent.entry):
            if caller.app in self._replacing:
                return None
            raise TrunklineError(Code.ID_CONFLICT, f"n {request.n} was used for another message", field="n")
        return MessageSent(recent.conversation, self._engine.epoch, recent.entry.seq, recent.entry.at_ms)

    async def _look_up(
        self,
        caller: Caller,
        request: MessageSend,
        outbox: Outbox,
        conversation: str,
        made_here: bool,
        approval: Approval | None,
    ) -> MessageSent | None:
        """Ask the index about an id at or below the highest; apply it when it was refused earlier."""
        engine = self._engine
        lsn = engine.committed_lsn
        try:
            await engine.projected(lsn)
        except TrunklineError as error:
            # The first attempt may well have been applied: only the index could tell.
            raise TrunklineError(Code.TIMED_OUT, error.detail, retry_ms=error.retry_ms) from error
        before = await engine.index.sent(caller.app, caller.party, outbox.id, request.n)
        if before is not None:
            if before.seq == 0:
                raise TrunklineError(Code.EXPIRED_ID, f"id {request.n} is older than what is remembered", field="n")
            if before.conversation != conversation or before.digest != send_digest(conversation, self._shape(request)):
                raise TrunklineError(Code.ID_CONFLICT, f"n {request.n} was used for another message", field="n")
            return MessageSent(before.conversation, engine.epoch, before.seq, before.at_ms)
        await self._clear_files(caller, request, by_server=made_here)
        if request.n in outbox.recent or outbox.judge(request.n) is Verdict.EXPIRED:
            return None
        resident = engine.residents.conversation(caller.app, conversation)
        if resident is None or resident.state is None:
            return None
        return self._append(caller, request, outbox, resident, resident.state, made_here, approval)

    @staticmethod
    def _shape(request: MessageSend) -> Entry:
        """The part of an entry that its sender chose."""
        content = canonical(request.content)
        mentions = tuple(dict.fromkeys(request.mentions or ()))
        reply_to, thread = request.reply_to, request.thread
        return Entry(0, 0, "", request.type, content, 0, 0, reply_to=reply_to, mentions=mentions, thread=thread)

    def _may_speak(self, caller: Caller, request: MessageSend, state: Conversation) -> bool:
        """Whether the caller may say something here; False when that needs something that must be loaded."""
        now_ms = self._engine.clock.now_ms()
        if state.large and state.virtual:
            everyone = "*" in (request.mentions or ())
            return self._engine.virtual.of(state).check_may_send(state, caller, now_ms, mentions_all=everyone)
        if state.head:
            rules.check_may_send(state, caller, now_ms)
        elif request.to is None:
            # An id that somebody asked about is in memory without existing; only ``to`` starts a conversation.
            raise TrunklineError(Code.NOT_FOUND, "no such conversation", field="conversation")
        elif caller.guest:
            raise TrunklineError(Code.GUEST_FORBIDDEN, "a guest may not start a conversation")
        return True

    # --- pieces -----------------------------------------------------------------------------

    @staticmethod
    def _peer(caller: Caller, request: MessageSend, state: Conversation) -> str:
        if request.to is not None:
            return request.to
        return next((party for party in state.members if party != caller.party), caller.party)

    def _create_direct(self, resident: ResidentConversation, state: Conversation, sender: str, peer: str) -> None:
        content = encode_content({"kind": rules.DIRECT, "members": sorted((sender, peer))})
        self._engine.append_entry(resident, state, types.CREATED, sender, content)

    @staticmethod
    def _mentions(caller: Caller, request: MessageSend, state: Conversation) -> tuple[str, ...]:
        mentions = tuple(dict.fromkeys(request.mentions or ()))
        for party in mentions:
            if party == "*":
                if (
                    state.kind in (rules.GROUP, rules.COMMUNITY)
                    and not caller.server
                    and rules.rank(state.member(caller.party)) < 2
                ):
                    raise TrunklineError(Code.FORBIDDEN, "only the owner and admins may mention all", field="mentions")
            else:
                check_party(party, "mentions")
        return mentions
