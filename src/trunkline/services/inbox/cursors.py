"""Delivered and read cursors: monotonic, beside the log, and what unread is derived from."""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.conversation.unread import unread_of
from trunkline.domain.identity import Caller
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import member_of, seen_by, unread_in
from trunkline.services.messages.changes import cursor_at
from trunkline.wire.calls.messages import Cursor, CursorMove


class Cursors:
    """Moves cursors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def move(self, caller: Caller, request: CursorMove) -> Cursor:
        """Move my cursors forward; a lower value than the present one changes nothing.

        Raises:
            TrunklineError: ``INVALID_PARAMS`` past the head.
        """
        engine = self._engine
        resident, state = await engine.existing(caller.app, request.conversation)
        member = await member_of(engine, resident, state, caller)
        if member is None:
            raise TrunklineError(Code.FORBIDDEN, "name the party whose cursor this is")
        if max(request.read, request.delivered) > resident.committed:
            raise TrunklineError(Code.INVALID_PARAMS, "past the head of the conversation", field="read")
        if state.virtual:
            return await self._move_trace(resident, state, caller.party, member, request)
        if request.read > member.read or max(request.delivered, request.read) > member.delivered:
            moved = await cursor_at(engine, resident, state, caller.party, request.read, request.delivered)
            engine.check_room()
            engine.append_change(resident, state, moved)
        unread = unread_of(state, caller.party)
        return Cursor(resident.id, member.delivered, member.read, unread.messages, unread.mentions)

    async def _move_trace(
        self, resident: ResidentConversation, state: Conversation, party: str, member: Member, request: CursorMove
    ) -> Cursor:
        """The cursors of a computed member are kept as its trace."""
        engine = self._engine
        read, delivered = max(request.read, member.read), max(request.delivered, request.read, member.delivered)
        if read > member.read or delivered > member.delivered:
            moved = await cursor_at(engine, resident, state, party, read, delivered)
            engine.check_room()
            engine.append_change(resident, state, moved)
            after = await seen_by(engine, resident, state, party)
            member = after if after is not None else member
        unread = await unread_in(engine, resident, state, party, member)
        return Cursor(resident.id, member.delivered, member.read, unread.messages, unread.mentions)
