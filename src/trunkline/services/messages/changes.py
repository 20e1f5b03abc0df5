"""Changing messages: edit, recall, react, pin, hide for oneself, expire.

Every change is an entry that names its target, so one log synchronises everything; only hiding
is private and is kept beside the log. A change with an id ``(outbox, n)`` takes effect once (``repeats``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.registry import check_recallable
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.state import MEMBER, Conversation, Member
from trunkline.domain.identity import Caller
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.log.records import CursorMoved, EntriesHidden, Entry
from trunkline.domain.messages.types import MESSAGE_TYPES, check_content
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays, read_range
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import check_may_change, member_of, seen_by
from trunkline.services.messages.repeats import Accepted, Repeats
from trunkline.services.messages.views import counts_here, is_message
from trunkline.wire import entries as types
from trunkline.wire.calls.messages import Changed, MessageEdit, MessageHide, MessagePin, MessageReact, MessageRecall
from trunkline.wire.content import canonical, decode_content, encode_content
from trunkline.wire.entries import Overlay
from trunkline.wire.frames import EmptyResult

MAX_PINS = 50
MAX_REACTION_KEYS = 50
MAX_HIDDEN = 5_000
"""Single messages of a conversation that a party may delete for itself; ``up_to`` has no such bound."""


class Windows(NamedTuple):
    """How long after sending one may still change a message (0 = for ever)."""

    edit_ms: int = 24 * 3_600_000
    recall_ms: int = 24 * 3_600_000


NumberedChange = MessageEdit | MessageRecall | MessageReact | MessagePin


class Target(NamedTuple):
    """A message about to be changed."""

    resident: ResidentConversation
    state: Conversation
    entry: Entry
    overlay: Overlay


class Changes:
    """Appends change entries."""

    def __init__(self, engine: Engine, windows: Windows | None = None) -> None:
        self._engine = engine
        self.windows = windows or Windows()
        self._repeats = Repeats(engine)

    async def edit(self, caller: Caller, request: MessageEdit) -> Changed:
        """Replace the content of one's own message.

        Raises:
            TrunklineError: not the sender, too late, not editable, or the message is gone.
        """
        content = canonical(request.content)
        change = {"content": decode_content(content)}
        outbox, done = await self._before(caller, request, types.EDITED, change)
        if done is not None:
            return done
        target = await self._target(caller, request.conversation, request.seq)
        entry = target.entry
        if entry.sender != caller.party and not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "only its sender may edit a message", field="seq")
        if not MESSAGE_TYPES[entry.type].editable:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, f"a {entry.type} message cannot be edited", field="seq")
        check_content(entry.type, content)
        self._check_window(caller, entry, self.windows.edit_ms)
        await self._check_blocked(caller, target.state)
        return await self._append(caller, request, outbox, target, types.EDITED, change)

    async def recall(self, caller: Caller, request: MessageRecall) -> Changed:
        """Take a message back for everyone: the sender, or in a group whoever outranks the sender.

        Raises:
            TrunklineError: no right, too late, or the message is gone.
        """
        outbox = await self._repeats.outbox(caller, request.outbox, request.n)
        if outbox is not None and request.n <= outbox.highest:
            resident, _ = await self._engine.existing(caller.app, request.conversation)
            taken_back = await read_entry(self._engine, resident, request.seq)
            change = removal_of(taken_back) if taken_back is not None else {}
            _, done = await self._before(caller, request, types.RECALLED, change)
            if done is not None:
                return done
        target = await self._target(caller, request.conversation, request.seq)
        entry, state = target.entry, target.state
        if entry.type == types.CARD_CREATED:
            check_recallable(decode_content(entry.content))
        if entry.sender == caller.party:
            self._check_window(caller, entry, self.windows.recall_ms)
        elif not caller.server:
            mine = rules.rank(await member_of(self._engine, target.resident, state, caller))
            theirs = await seen_by(self._engine, target.resident, state, entry.sender)
            if mine < 2 or mine <= rules.rank(theirs):
                raise TrunklineError(Code.FORBIDDEN, "only the sender or someone of a higher role", field="seq")
        return await self._append(caller, request, outbox, target, types.RECALLED, removal_of(entry))

    async def react(self, caller: Caller, request: MessageReact) -> Changed:
        """Add or take back a reaction. Repeating the present state appends nothing."""
        change = {"key": request.key, "on": request.on}
        outbox, done = await self._before(caller, request, types.REACTED, change)
        if done is not None:
            return done
        target = await self._target(caller, request.conversation, request.seq)
        reactions = target.overlay.reactions
        if request.on and request.key not in reactions and len(reactions) >= MAX_REACTION_KEYS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"a message has at most {MAX_REACTION_KEYS} kinds of reaction")
        if (caller.party in reactions.get(request.key, ())) == request.on:
            return _at(target.state, target.overlay.as_of or request.seq, target.entry.at_ms)
        await self._check_blocked(caller, target.state)
        return await self._append(caller, request, outbox, target, types.REACTED, change)

    async def pin(self, caller: Caller, request: MessagePin) -> Changed:
        """Pin or unpin: either side of a direct conversation, owner and admins of a group."""
        outbox, done = await self._before(caller, request, types.PINNED, {"on": request.on})
        if done is not None:
            return done
        target = await self._target(caller, request.conversation, request.seq)
        state = target.state
        if state.virtual:
            if not caller.server and rules.rank(await member_of(self._engine, target.resident, state, caller)) < 2:
                raise TrunklineError(Code.FORBIDDEN, "this needs the permission to manage messages")
        elif state.kind != rules.DIRECT:
            rules.check_manages(state, caller)
        if (request.seq in state.pinned) == request.on:
            return _at(state, target.overlay.as_of or request.seq, target.entry.at_ms)
        if request.on and len(state.pinned) >= MAX_PINS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"a conversation has at most {MAX_PINS} pins")
        await self._check_blocked(caller, state)
        return await self._append(caller, request, outbox, target, types.PINNED, {"on": request.on})

    async def hide(self, caller: Caller, request: MessageHide) -> EmptyResult:
        """Delete for oneself: single messages, or everything up to a seq (which also counts as read)."""
        engine = self._engine
        resident, state = await engine.existing(caller.app, request.conversation)
        member = await member_of(engine, resident, state, caller)
        if member is None:
            raise TrunklineError(Code.FORBIDDEN, "name the party whose view this changes", field="conversation")
        seqs = sorted(set(request.seqs))
        if request.up_to > resident.committed or (seqs and seqs[-1] > resident.committed):
            raise TrunklineError(Code.INVALID_PARAMS, "beyond the head of the conversation", field="seqs")
        if len(member.hidden.keys() | set(seqs)) > MAX_HIDDEN:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {MAX_HIDDEN} single messages; use up_to", field="seqs")
        counted = []
        for seq in seqs:
            entry = await read_entry(engine, resident, seq)
            if entry is not None and counts_here(entry) and entry.sender != caller.party:
                counted.append(seq)
        cursor = None
        if request.up_to > member.read:
            cursor = await cursor_at(engine, resident, state, caller.party, request.up_to)
        engine.check_room()
        hidden = EntriesHidden(caller.app, resident.id, caller.party, tuple(seqs), request.up_to, tuple(counted))
        if cursor is not None:
            engine.append_change(resident, state, cursor)
        engine.append_change(resident, state, hidden)
        return EmptyResult()

    async def expire(self, app: str, conversation: str, seq: int) -> bool:
        """Server-side: a message's time is up. False when there was nothing left to do."""
        resident, state = await self._engine.existing(app, conversation)
        entry = await read_entry(self._engine, resident, seq)
        overlays = await read_overlays(self._engine, resident, seq, seq)
        overlay = overlays.get(seq)
        if entry is None or (overlay is not None and (overlay.expired or overlay.recalled)):
            return False
        self._engine.check_room()
        content = encode_content(removal_of(entry))
        self._engine.append_entry(
            resident, state, types.EXPIRED, "bot/system", content, target=seq, thread=entry.thread
        )
        return True

    # --- pieces -----------------------------------------------------------------------------

    async def _target(self, caller: Caller, conversation: str, seq: int) -> Target:
        """The message at ``seq``, if the caller may see it and it is still there."""
        engine = self._engine
        resident, state = await engine.existing(caller.app, conversation)
        rules.check_alive(state)
        member = await member_of(engine, resident, state, caller)
        entry = await read_entry(engine, resident, seq)
        if entry is None or not is_message(entry) or (member is not None and not member.may_see(seq)):
            raise TrunklineError(Code.NOT_FOUND, f"no message at {seq}", field="seq")
        overlay = (await read_overlays(engine, resident, seq, seq)).get(seq) or Overlay()
        if overlay.recalled or overlay.expired or seq in state.removed:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, "the message was taken back", field="seq")
        return Target(resident, state, entry, overlay)

    async def _check_blocked(self, caller: Caller, state: Conversation) -> None:
        """What a blocked party changes would reach who blocked it; only taking back stays possible."""
        if state.kind != rules.DIRECT or caller.server:
            return
        for peer in state.members:
            if peer != caller.party and caller.party in (await self._engine.party(caller.app, peer)).blocked:
                raise TrunklineError(Code.BLOCKED, f"{peer} does not accept messages from {caller.party}")

    def _check_window(self, caller: Caller, entry: Entry, window_ms: int) -> None:
        if window_ms and not caller.server and self._engine.clock.now_ms() - entry.at_ms > window_ms:
            raise TrunklineError(
                Code.TOO_LATE, f"possible for {window_ms // 60_000} minutes after sending", field="seq"
            )

    async def _before(
        self, caller: Caller, request: NumberedChange, type: str, change: dict[str, Any]
    ) -> tuple[Outbox | None, Changed | None]:
        """The outbox of the request's id, and the first answer when the id was used before."""
        outbox = await self._repeats.outbox(caller, request.outbox, request.n)
        chosen = Entry(0, 0, "", type, encode_content(change), 0, 0, target=request.seq)
        accepted = await self._repeats.find(caller, outbox, request.n, request.conversation, chosen)
        return outbox, self._again(accepted) if accepted is not None else None

    def _again(self, accepted: Accepted) -> Changed:
        return Changed(accepted.conversation, self._engine.epoch, accepted.seq, accepted.at_ms)

    async def _append(
        self,
        caller: Caller,
        request: NumberedChange,
        outbox: Outbox | None,
        target: Target,
        type: str,
        change: dict[str, Any],
    ) -> Changed:
        engine = self._engine
        content = encode_content(change)
        chosen = Entry(0, 0, "", type, content, 0, 0, target=target.entry.seq)
        if target.state.virtual:
            await check_may_change(engine, target.state, caller)
        # Once more, as the last wait: the same request may have come on another connection meanwhile.
        accepted = await self._repeats.find(caller, outbox, request.n, target.resident.id, chosen)
        if accepted is not None:
            return self._again(accepted)
        if not target.state.virtual:
            rules.check_may_send(target.state, caller, engine.clock.now_ms())
        engine.check_room()
        entry = engine.append_entry(
            target.resident,
            target.state,
            type,
            caller.party,
            content,
            outbox=outbox,
            n=request.n if outbox is not None else 0,
            target=target.entry.seq,
            thread=target.entry.thread if type == types.RECALLED else 0,
        )
        return _at(target.state, entry.seq, entry.at_ms)


def removal_of(entry: Entry) -> dict[str, Any]:
    """Content of an entry that takes a message away: what unread counts must be corrected by."""
    return {"sender": entry.sender, "mentions": list(entry.mentions), "counted": entry.thread == 0}


async def cursor_at(
    engine: Engine, resident: ResidentConversation, state: Conversation, party: str, read: int, delivered: int = 0
) -> CursorMoved:
    """The cursor record for reading up to ``read``: running counts there, without scanning the log.

    The party's own count at ``read`` is one less than that of its first own message after it, and
    its present count when there is none; readers are near the head, so this looks at few entries.
    """
    member = state.members.get(party) or Member(MEMBER, 1, 0)
    read_count, read_own = member.read_count, member.read_own
    if read > member.read:
        if read == state.head:
            read_count, read_own = state.count, member.own
        else:
            at = await read_entry(engine, resident, read)
            read_count = at.count if at is not None else state.count
            read_own = await own_count_at(engine, resident, state, party, read)
    return CursorMoved(
        resident.app,
        resident.id,
        party,
        max(delivered, read, member.delivered),
        max(read, member.read),
        read_count,
        read_own,
    )


async def own_count_at(
    engine: Engine, resident: ResidentConversation, state: Conversation, party: str, seq: int
) -> int:
    """How many countable messages of a party there are up to ``seq``, without scanning what is below."""
    member = state.members.get(party)
    present = member.own if member is not None else 0
    uncommitted = state.head > resident.committed
    position = seq + 1
    while position <= resident.committed:
        chunk = await read_range(engine, resident, position, resident.committed, 500)
        for entry in chunk:
            if entry.sender == party and counts_here(entry):
                return entry.own - 1
        position = chunk[-1].seq + 1
    if uncommitted:
        # Own messages on their way to disk count as after the cursor.
        await engine.commits.settled()
        return await own_count_at(engine, resident, state, party, seq)
    return present


def _at(state: Conversation, seq: int, at_ms: int) -> Changed:
    return Changed(state.id, state.epoch, seq, at_ms)
