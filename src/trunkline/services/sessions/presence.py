"""Presence and typing: what is true now and is never stored."""

from __future__ import annotations

from msgspec import Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.identity import Caller, check_party
from trunkline.services.log.engine import Engine
from trunkline.services.operation import Audience, Operation
from trunkline.services.sessions.hub import Hub
from trunkline.services.sessions.outgoing import Outgoing
from trunkline.wire.calls.session import Presence, Presences, PresenceWatch, TypingSet
from trunkline.wire.frames import EmptyResult

MAX_WATCHED = 1000
TYPING_MEMBERS = 500


class TypingPush(Struct):
    """Someone is typing, or stopped."""

    conversation: str
    party: str
    typing: bool


class PresenceBook:
    """Who watches whom, and what they are told."""

    def __init__(self, engine: Engine, hub: Hub) -> None:
        self._engine = engine
        self._hub = hub
        self._watchers: dict[tuple[str, str], dict[int, None]] = {}
        self._watched: dict[int, set[tuple[str, str]]] = {}
        hub.on_presence(self._changed)

    async def watch(self, caller: Caller, request: PresenceWatch) -> Presences:
        """Subscribe this device's session to parties; the answer is their present state."""
        presences = await self.get(caller, request)
        for session in self._hub.of(caller.app, caller.party):
            if session.device == caller.device:
                watched = self._watched.setdefault(id(session), set())
                if len(watched) + len(request.parties) > MAX_WATCHED:
                    raise TrunklineError(Code.LIMIT_EXCEEDED, f"a session watches at most {MAX_WATCHED} parties")
                for party in request.parties:
                    watched.add((caller.app, party))
                    self._watchers.setdefault((caller.app, party), {})[id(session)] = None
        return presences

    async def unwatch(self, caller: Caller, request: PresenceWatch) -> EmptyResult:
        """Unsubscribe this device's session."""
        for session in self._hub.of(caller.app, caller.party):
            if session.device == caller.device:
                for party in request.parties:
                    self._drop(id(session), (caller.app, party))
        return EmptyResult()

    async def get(self, caller: Caller, request: PresenceWatch) -> Presences:
        """Present state of parties. One who blocked the caller looks offline."""
        found = []
        for party in request.parties:
            state = await self._engine.party(caller.app, check_party(party, "parties"))
            hidden = caller.party in state.blocked
            devices = [] if hidden else self._hub.devices(caller.app, party)
            seen = max((device.last_seen_ms for device in state.devices.values()), default=0)
            found.append(Presence(party, bool(devices), devices, 0 if hidden else seen))
        return Presences(found)

    async def typing(self, caller: Caller, request: TypingSet) -> EmptyResult:
        """Tell the online members; large groups are spared."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        if state.virtual:
            return EmptyResult()  # as in every large conversation
        rules.check_may_send(state, caller, self._engine.clock.now_ms())
        if state.member_count <= TYPING_MEMBERS:
            outgoing = Outgoing("typing", TypingPush(resident.id, caller.party, request.typing))
            for party, member in list(state.members.items()):
                if party == caller.party or not member.present or not self._hub.of(caller.app, party):
                    continue
                if caller.party not in (await self._engine.party(caller.app, party)).blocked:
                    for session in self._hub.of(caller.app, party):
                        session.push(outgoing)
        return EmptyResult()

    def forget(self, session: object) -> None:
        """A session ended: it watches nobody any more."""
        for key in list(self._watched.get(id(session), ())):
            self._drop(id(session), key)

    def _drop(self, session_id: int, key: tuple[str, str]) -> None:
        watchers = self._watchers.get(key)
        if watchers is not None:
            watchers.pop(session_id, None)
            if not watchers:
                del self._watchers[key]
        watched = self._watched.get(session_id)
        if watched is not None:
            watched.discard(key)
            if not watched:
                del self._watched[session_id]

    def _changed(self, app: str, party: str) -> None:
        watchers = self._watchers.get((app, party))
        if not watchers:
            return
        devices = self._hub.devices(app, party)
        shown = Outgoing("presence", Presence(party, bool(devices), devices))
        blocked = self._engine.residents.party(app, party)
        for session_id in watchers:
            session = self._hub.sessions.get(session_id)
            if session is not None and not (blocked is not None and session.party in blocked.blocked):
                session.push(shown)


def operations(book: PresenceBook) -> list[Operation]:
    """What one can do with presence."""
    every = Audience.EVERYONE
    return [
        Operation("presence.watch", PresenceWatch, Presences, book.watch, "messages", "Watch presence", every),
        Operation("presence.unwatch", PresenceWatch, EmptyResult, book.unwatch, "messages", "Stop watching", every),
        Operation("presence.get", PresenceWatch, Presences, book.get, "messages", "Read presence", every, writes=False),
        Operation("typing.set", TypingSet, EmptyResult, book.typing, "messages", "Show that I am typing", every),
    ]
