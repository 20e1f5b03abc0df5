"""Finding, keeping and forgetting live rooms; and what time does to them.

A room is in memory while somebody is in it and a minute longer, or until it is closed for being empty. What it counted
goes into the totals when it is forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import Entry
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.counters import RoomCounters
from trunkline.domain.rooms.policy import RoomTypes
from trunkline.domain.rooms.tick import Item
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.rooms.fanout import Fanout
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.live import LiveRoom
from trunkline.services.rooms.past import read_items
from trunkline.services.sessions.outgoing import Outgoing

log = logging.getLogger("trunkline.rooms")
FORGET_AFTER_MS = 60_000
OTHER_APPS_TYPES = "x"
"""In the totals, types that rooms declare for themselves are counted together."""


class RoomDirectory:
    """The rooms of this process.

    Args:
        engine: the log.
        fanout: drives their ticks.
        types: every message type rooms know.
        limits: of all rooms; replaced when the configuration is read again.
        close: called with a room that was empty for too long.
    """

    def __init__(self, engine: Engine, fanout: Fanout, types: RoomTypes, limits: RoomLimits) -> None:
        self.engine = engine
        self.fanout = fanout
        self.types = types
        self.limits = limits
        self.rooms: dict[tuple[str, str], LiveRoom] = {}
        self.close: Callable[[LiveRoom], None] = lambda live: None
        self.left: Callable[[LiveRoom, str], None] = lambda live, party: None
        """Called when a party's stay ended because it was away for too long."""
        self._retired = RoomCounters()
        self._started_ms = engine.clock.now_ms()

    # --- finding ----------------------------------------------------------------------------

    def now(self, app: str, conversation: str) -> LiveRoom | None:
        """A live room without awaiting; None when something must be loaded first.

        Raises:
            TrunklineError: ``DISMISSED``.
        """
        live = self.rooms.get((app, conversation))
        if live is None:
            return None
        resident = self.engine.residents.conversation(app, conversation)
        if resident is None:
            return None
        now_ms = self.engine.clock.now_ms()
        state = live.bind(resident, now_ms)
        if state.dismissed:
            rules.check_room(state)
        live.touched_ms = now_ms
        return live

    async def get(self, app: str, conversation: str) -> tuple[LiveRoom, Conversation]:
        """A live room, loaded and made live if need be.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``FORBIDDEN`` (not a room) or ``DISMISSED``.
        """
        while True:
            resident, state = await self.engine.existing(app, conversation)
            rules.check_room(state)
            live = self.now(app, conversation)
            if live is not None and live.state is not None:
                return live, live.state
            recent = await self._recent(resident)
            if self.engine.residents.conversation(app, conversation) is not resident:
                continue
            if (app, conversation) not in self.rooms:
                self._begin(resident, recent)

    def _begin(self, resident: ResidentConversation, recent: list[Item]) -> None:
        now_ms = self.engine.clock.now_ms()
        live = LiveRoom(resident, self.types, self.limits, now_ms)
        live.recent.extend(item for item in recent if self._shown(live, item))
        state = live.state
        if state is not None:
            # Since when it is empty is not stored: since its last entry, but not before this process began.
            live.empty_since_ms = max(state.at_ms, self._started_ms)
        self.rooms[resident.app, resident.id] = live
        if live.due_to_close(now_ms):
            self.close(live)

    @staticmethod
    def _shown(live: LiveRoom, item: Item) -> bool:
        found = live.type(item.type)
        return found is None or found.recent

    async def _recent(self, resident: ResidentConversation) -> list[Item]:
        state = resident.state
        wanted = state.settings.get("recent", 50) if state is not None else 0
        if not wanted:
            return []
        return await read_items(self.engine, resident, 1, resident.committed, wanted, True)

    # --- what happens -----------------------------------------------------------------------

    def on_entry(self, entry: Entry, resident: ResidentConversation) -> None:
        """An entry of a room's log became durable."""
        live = self.rooms.get((resident.app, resident.id))
        if live is None or live.closed:
            return
        live.entry(entry)
        self.fanout.touch(live)

    def sweep(self) -> None:
        """What time does: stays end, the slow catch up, empty rooms close, counters are shown, rooms are forgotten."""
        now_ms = self.engine.clock.now_ms()
        for key, live in list(self.rooms.items()):
            try:
                self._sweep(live, now_ms)
            except TrunklineError as error:
                log.info("a room could not be looked after", extra={"error": error.code.slug})
            except Exception:
                # Whatever is wrong with one room, the others and the heartbeats of all connections go on.
                log.exception("a room could not be looked after")
            idle = not live.members.online and not live.scheduled and live.tick.empty
            if idle and (live.closed or (not live.closes_empty and live.touched_ms + FORGET_AFTER_MS < now_ms)):
                self._forget(key, live)

    def _sweep(self, live: LiveRoom, now_ms: int) -> None:
        for party in live.members.expire(now_ms):
            self.left(live, party)
        for book in (live.admitted, live.asking):
            for party in [p for p, at_ms in book.items() if at_ms < now_ms - (600_000 if book is live.asking else 0)]:
                del book[party]
        if live.behind:
            self.fanout.tell_behind(live)
        if live.members.online:
            live.empty_since_ms = 0
        elif not live.empty_since_ms:
            live.empty_since_ms = now_ms
        if live.due_to_close(now_ms):
            self.close(live)
        self._show_stats(live)

    @staticmethod
    def _show_stats(live: LiveRoom) -> None:
        """Push the counters to those who run the room, when they have changed."""
        if live.state is None or not live.members.connections:
            return
        runners = live.runners()
        if not runners:
            return
        stats = live.stats()
        if stats != live.stats_shown:
            live.stats_shown = stats
            live.push(runners, lambda: Outgoing("room.stats", stats))

    def _forget(self, key: tuple[str, str], live: LiveRoom) -> None:
        del self.rooms[key]
        if live.resident.live and live in live.resident.live:
            live.resident.live = None
        self._retired.add(self._public(live))

    # --- totals -----------------------------------------------------------------------------

    def totals(self) -> RoomCounters:
        """What all rooms counted since the start, with few names: what rooms call their own types does not show."""
        found = RoomCounters()
        found.add(self._retired)
        for live in self.rooms.values():
            found.add(self._public(live))
        return found

    @property
    def members(self) -> int:
        """Members of all rooms."""
        return sum(live.members.online for live in self.rooms.values())

    @staticmethod
    def _public(live: LiveRoom) -> RoomCounters:
        found = RoomCounters()
        for name, counts in live.counters.by_type.items():
            part = RoomCounters()
            part.by_type[OTHER_APPS_TYPES if name.startswith("x.") else name] = counts
            found.add(part)
        return found


def unknown_type(name: str) -> TrunklineError:
    """The refusal of a message type that a room does not take."""
    return TrunklineError(Code.UNKNOWN_MESSAGE_TYPE, f"{name!r} is not a message type of this room", field="type")
