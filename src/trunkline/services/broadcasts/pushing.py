"""Pushing broadcasts to those online, in order, and counting whom they reached.

Who is not reached, or whose push was dropped, finds the broadcast at sync. Not here: sending (``broadcasts``).
"""

from __future__ import annotations

import asyncio
import logging

from trunkline.base.errors import TrunklineError
from trunkline.domain.broadcasts.audience import parse
from trunkline.domain.log.records import BroadcastMarked, Entry
from trunkline.domain.messages.types import MESSAGE_TYPES
from trunkline.services.broadcasts.members import BroadcastMembers
from trunkline.services.broadcasts.ports import BroadcastIndex
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.sessions.hub import Hub
from trunkline.services.sessions.outgoing import EntryOutgoing

MAX_QUEUED = 10_000
PAGE = 2_000
"""Parties whose tags are looked up at once."""

log = logging.getLogger("trunkline.broadcasts")


class BroadcastPushes:
    """Takes durable entries of broadcast conversations.

    Args:
        engine: the log.
        index: broadcasts and tags.
        hub: live sessions.
        members: told that something changed.
    """

    def __init__(self, engine: Engine, index: BroadcastIndex, hub: Hub, members: BroadcastMembers) -> None:
        self._engine = engine
        self._index = index
        self._hub = hub
        self._members = members
        self._queue: asyncio.Queue[tuple[Entry, ResidentConversation, EntryOutgoing]] = asyncio.Queue(MAX_QUEUED)

    def take(self, entry: Entry, resident: ResidentConversation, outgoing: EntryOutgoing) -> None:
        """An entry became durable."""
        self._members.touch(resident.app, resident.id)
        if entry.target or entry.type in MESSAGE_TYPES:
            try:
                self._queue.put_nowait((entry, resident, outgoing))
            except asyncio.QueueFull:
                log.warning("too many broadcasts to push; clients find this one at sync")

    async def run(self) -> None:
        """Push, for as long as the server runs."""
        while True:
            entry, resident, outgoing = await self._queue.get()
            try:
                await self._push(entry, resident, outgoing)
            except TrunklineError as error:
                log.warning("a broadcast could not be pushed", extra={"error": error.detail})

    async def _push(self, entry: Entry, resident: ResidentConversation, outgoing: EntryOutgoing) -> None:
        engine, app = self._engine, resident.app
        await engine.projected(engine.committed_lsn)
        marked = await self._index.at_seq(app, resident.id, entry.target or entry.seq)
        if marked is None:
            return
        reached = 0
        belongs = parse(marked.audience)
        parties = [party for of_app, party in self._hub.online if of_app == app]
        for start in range(0, len(parties), PAGE):
            some = parties[start : start + PAGE]
            for party, tags in zip(some, await self._index.tags_at(app, some, marked.moment), strict=True):
                sessions = self._hub.of(app, party) if belongs(tags) else ()
                reached += bool(sessions)
                for session in sessions:
                    session.push(outgoing)
        if not entry.target:
            engine.check_room()
            engine.append_record(
                BroadcastMarked(
                    app, marked.broadcast, marked.conversation, "reached", engine.clock.now_ms(), reached=reached
                )
            )
