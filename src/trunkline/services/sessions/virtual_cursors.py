"""Telling a party's devices what it did in conversations whose members are computed: the counts need a look-up."""

from __future__ import annotations

import asyncio

from trunkline.domain.log.records import CursorMoved, EntriesHidden
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.membership import seen_by, unread_in
from trunkline.services.sessions.delivery import CursorPush, HiddenPush
from trunkline.services.sessions.hub import Hub


class VirtualCursors:
    """Pushes cursors and deletions with the counts after them.

    Args:
        engine: the log.
        hub: live sessions.
    """

    def __init__(self, engine: Engine, hub: Hub) -> None:
        self._engine = engine
        self._hub = hub
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, record: CursorMoved | EntriesHidden, resident: ResidentConversation) -> None:
        """A cursor or a deletion for oneself became durable."""
        if self._hub.of(record.app, record.party):
            task = asyncio.get_running_loop().create_task(self._push(record, resident), name="cursor-push")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _push(self, record: CursorMoved | EntriesHidden, resident: ResidentConversation) -> None:
        resident = await self._engine.conversation(record.app, record.conversation)
        state = resident.state
        member = await seen_by(self._engine, resident, state, record.party) if state is not None else None
        if state is None or member is None:
            return
        unread = await unread_in(self._engine, resident, state, record.party, member)
        if isinstance(record, EntriesHidden):
            hidden = HiddenPush(record.conversation, record.seqs, record.up_to, *unread)
            self._hub.push(record.app, record.party, "hidden", hidden)
            return
        data = CursorPush(record.conversation, record.party, member.delivered, member.read, *unread)
        self._hub.push(record.app, record.party, "cursor", data)
