"""Coming and going: join, leave, a broken connection, kick, and being admitted."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.roles import Role
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.live import ADMITTED_FOR_MS, LiveRoom
from trunkline.services.sessions.hub import Hub, Session
from trunkline.services.sessions.outgoing import Outgoing
from trunkline.wire import entries as types
from trunkline.wire.calls import rooms as calls
from trunkline.wire.content import encode_content
from trunkline.wire.frames import EmptyResult

Watcher = Callable[[LiveRoom, str], None]


class Joining:
    """Who is in which room.

    Args:
        directory: the rooms.
        hub: live sessions; one that ends leaves its rooms.
    """

    def __init__(self, directory: RoomDirectory, hub: Hub) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._hub = hub
        self._rooms_of: dict[Session, dict[LiveRoom, None]] = {}
        self._on_joined: list[Watcher] = []
        self._on_left: list[Watcher] = []
        hub.on_remove(self._gone)
        directory.left = self.left
        directory.fanout.on_closed = self._closed

    def on_joined(self, callback: Watcher) -> None:
        """Call ``callback(room, party)`` when a party's stay begins."""
        self._on_joined.append(callback)

    def on_left(self, callback: Watcher) -> None:
        """Call ``callback(room, party)`` when a party's stay ends."""
        self._on_left.append(callback)

    # --- members ----------------------------------------------------------------------------

    async def join(self, caller: Caller, request: calls.RoomJoin) -> calls.RoomJoined:
        """Come in with the caller's connection; again is harmless and answers how the room is now.

        Raises:
            TrunklineError: the room is full, or its rules keep the caller out.
        """
        live, state = await self._directory.get(caller.app, request.conversation)
        session = self._session(caller)
        now_ms = self._engine.clock.now_ms()
        known = live.named(caller.party)
        admitted = live.admitted.get(caller.party, 0) > now_ms
        try:
            rules.check_may_join(live.settings, known, caller, live.id, now_ms, admitted=admitted)
        except TrunklineError as error:
            if error.code is Code.APPROVAL_NEEDED and live.ask(caller.party, now_ms):
                asked = calls.RoomAsked(live.id, caller.party)
                live.push(live.runners(), lambda: Outgoing("room.asked", asked))
            raise
        mine = self._rooms_of.get(session, {})
        if live not in mine and len(mine) >= live.limits.rooms_per_connection:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"a connection is in at most {live.limits.rooms_per_connection} rooms"
            )
        capacity = 0 if known.role > Role.AUDIENCE else live.capacity
        joined = live.members.join(caller.party, session, now_ms, capacity)
        self._directory.fanout.enter(live, session)
        live.empty_since_ms = 0
        live.asking.pop(caller.party, None)
        self._rooms_of.setdefault(session, {})[live] = None
        if joined.first:
            self._tell(self._on_joined, live, caller.party)
        return calls.RoomJoined(
            room=live.view(),
            role=known.role.label,  # type: ignore[arg-type]
            resumed=joined.resumed,
            recent=live.shown_recent(),
            attributes=[calls.RoomAttribute(*a) for a in live.attributes.all(state.settings)],
        )

    async def leave(self, caller: Caller, request: calls.RoomRef) -> EmptyResult:
        """Go out with the caller's connection; the stay ends when no other device of the party is in.

        Raises:
            TrunklineError: ``NOT_MEMBER``.
        """
        live, _ = await self._directory.get(caller.app, request.conversation)
        stay = live.members.stays.get(caller.party)
        session = self._session(caller)
        if stay is None or session not in stay.connections:
            raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not in the room", field="conversation")
        self._forget(session, live)
        if len(stay.connections) > 1:
            live.members.disconnect(session, self._engine.clock.now_ms())
        else:
            live.members.leave(caller.party)
            self.left(live, caller.party)
        return EmptyResult()

    async def members(self, caller: Caller, request: calls.RoomMemberList) -> calls.RoomMembers:
        """Who is in the room now; for whoever is in it."""
        live, _ = await self._directory.get(caller.app, request.conversation)
        self.check_in(live, caller)
        stays = live.members.stays
        page = live.members.page(request.after, request.limit)
        shown = [
            calls.RoomMember(
                party,
                live.role(party).label,  # type: ignore[arg-type]
                stays[party].joined_at_ms,
                not stays[party].connections,
            )
            for party in page
        ]
        following = page[-1] if len(page) == request.limit else ""
        return calls.RoomMembers(live.id, live.members.online, shown, following)

    # --- those who run the room -------------------------------------------------------------

    async def kick(self, caller: Caller, request: calls.RoomKick) -> calls.RoomKicked:
        """Put parties out for a while."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        for party in request.parties:
            rules.check_outranks(state, caller, check_party(party, "parties"))
        until_ms = self._engine.clock.now_ms() + request.for_ms
        return calls.RoomKicked(live.id, self.put_out(live, request.parties, "kicked", until_ms))

    async def admit(self, caller: Caller, request: calls.RoomAdmit) -> calls.RoomKicked:
        """Let in, or turn away, parties who asked; the answer names those who were waiting."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        until_ms = self._engine.clock.now_ms() + ADMITTED_FOR_MS
        answered = []
        for party in dict.fromkeys(request.parties):
            if live.asking.pop(check_party(party, "parties"), None) is None:
                continue
            if request.on:
                live.admitted[party] = until_ms
            self._hub.push(live.app, party, "room.admitted", calls.RoomAdmitted(live.id, request.on))
            answered.append(party)
        return calls.RoomKicked(live.id, answered)

    def put_out(self, live: LiveRoom, parties: list[str], reason: str, until_ms: int = 0) -> list[str]:
        """End stays and tell the connections; who was in. ``until_ms``: they may not come back before."""
        out = []
        outgoing = Outgoing("room.out", calls.RoomOut(live.id, reason))
        for party in dict.fromkeys(parties):
            was_in = party in live.members.stays
            for session in live.members.kick(party, until_ms) if until_ms else live.members.leave(party):
                self._forget(session, live)
                session.push(outgoing)
            if was_in:
                out.append(party)
                self.left(live, party)
        return out

    # --- what follows -----------------------------------------------------------------------

    def check_in(self, live: LiveRoom, caller: Caller) -> None:
        """Refuse whoever is not in the room; app servers need not be.

        Raises:
            TrunklineError: ``NOT_MEMBER``.
        """
        if not caller.server and caller.party not in live.members.stays:
            raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not in the room", field="conversation")

    def left(self, live: LiveRoom, party: str) -> None:
        """A stay ended: what belonged to it goes."""
        now_ms = self._engine.clock.now_ms()
        keys = live.attributes.left(party)
        if keys and live.members.connections:
            live.notice(types.ROOM_ATTRIBUTES_CHANGED, party, encode_content({"removed": keys}), now_ms)
            self._directory.fanout.touch(live)
        if not live.members.online:
            live.empty_since_ms = now_ms
        self._tell(self._on_left, live, party)

    def _closed(self, live: LiveRoom) -> None:
        self.put_out(live, list(live.members.stays), "closed")

    def _gone(self, session: Session) -> None:
        """A session ended: its rooms keep its party's place for a while."""
        rooms = self._rooms_of.pop(session, None)
        if rooms:
            now_ms = self._engine.clock.now_ms()
            for live in rooms:
                live.audience.leave(session)
                live.members.disconnect(session, now_ms)

    def _forget(self, session: Session, live: LiveRoom) -> None:
        self._rooms_of.get(session, {}).pop(live, None)
        live.audience.leave(session)

    def _session(self, caller: Caller) -> Session:
        """The caller's connection.

        Raises:
            TrunklineError: ``FORBIDDEN``; there is none.
        """
        for session in self._hub.of(caller.app, caller.party):
            if session.device == caller.device and not caller.server:
                found: Session = session
                return found
        raise TrunklineError(Code.FORBIDDEN, "one is in a room with a link connection")

    @staticmethod
    def _tell(watchers: list[Watcher], live: LiveRoom, party: str) -> None:
        for watcher in watchers:
            watcher(live, party)
