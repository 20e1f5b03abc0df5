"""Pushing broadcasts to those online, in order, and counting whom they reached.

Who is not reached, or whose push was dropped, finds the broadcast at sync. Not here: sending (``broadcasts``).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field

from trunkline.base.errors import TrunklineError
from trunkline.domain.broadcasts.audience import Test, parse
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

KEPT = 8
"""Broadcasts whose audience is remembered, for changes that follow: votes on a card, above all."""

log = logging.getLogger("trunkline.broadcasts")


@dataclass(slots=True)
class _Audience:
    """Whom a broadcast is for, as far as that was asked."""

    marked: BroadcastMarked
    belongs: Test
    parties: dict[str, bool] = field(default_factory=dict)


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
        self._audiences: OrderedDict[tuple[str, str, int], _Audience] = OrderedDict()

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
        known = await self._known(app, resident.id, entry.target or entry.seq)
        if known is None:
            return
        reached = 0
        parties = [party for of_app, party in self._hub.online if of_app == app]
        for start in range(0, len(parties), PAGE):
            some = parties[start : start + PAGE]
            for party, belongs in zip(some, await self._belong(app, some, known), strict=True):
                sessions = self._hub.of(app, party) if belongs else ()
                reached += bool(sessions)
                for session in sessions:
                    session.push(outgoing)
        if not entry.target:
            engine.check_room()
            marked = known.marked
            engine.append_record(
                BroadcastMarked(
                    app, marked.broadcast, marked.conversation, "reached", engine.clock.now_ms(), reached=reached
                )
            )

    async def _known(self, app: str, conversation: str, seq: int) -> _Audience | None:
        """The broadcast at ``seq``, and what was found out of whom it is for: that never changes."""
        key = (app, conversation, seq)
        known = self._audiences.get(key)
        if known is None:
            await self._engine.projected(self._engine.committed_lsn)
            marked = await self._index.at_seq(app, conversation, seq)
            if marked is None:
                return None
            known = self._audiences[key] = _Audience(marked, parse(marked.audience))
            while len(self._audiences) > KEPT:
                self._audiences.popitem(last=False)
        self._audiences.move_to_end(key)
        return known

    async def _belong(self, app: str, parties: list[str], known: _Audience) -> list[bool]:
        """Whether a broadcast is for each of the parties."""
        unknown = [party for party in parties if party not in known.parties]
        if unknown:
            found = await self._index.tags_at(app, unknown, known.marked.moment)
            known.parties |= {party: known.belongs(tags) for party, tags in zip(unknown, found, strict=True)}
        return [known.parties[party] for party in parties]
