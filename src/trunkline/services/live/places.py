"""Places in live sessions: given out by membership and role, and taken back when those end, at every moment.

An identity in the form of a party has a place in a conversation's session only by its standing there, whoever signed
its token. Other identities, and sessions without a conversation, are the app server's own business.
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.live.membership import Standing, identity_of, is_bound, party_of
from trunkline.services.live.ports import Seats
from trunkline.services.live.standings import Ask, Standings
from trunkline.services.log.engine import Engine
from trunkline.wire.calls.live import LiveJoin, LiveJoined


class Places:
    """Gives places out and takes them back.

    Args:
        engine: conversations, parties and the time.
        standings: who may be where, and what for.
        seats: gives and takes places where the sessions are.
    """

    def __init__(self, engine: Engine, standings: Standings, seats: Seats) -> None:
        self._engine = engine
        self._standings = standings
        self._seats = seats

    async def join(self, caller: Caller, request: LiveJoin) -> LiveJoined:
        """A place for the caller.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``NOT_MEMBER``, ``DISMISSED``, ``BLOCKED`` or ``INVALID_PARTY``.
        """
        _, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_alive(state)
        if caller.party == SYSTEM_PARTY:
            raise TrunklineError(Code.INVALID_PARTY, "name the party that joins", field="party")
        if not is_bound(state):
            raise TrunklineError(Code.FORBIDDEN, f"a conversation of kind {state.kind} has no live session")
        standing = (await self._standings.of(state))(caller.party)
        if standing is None:
            raise TrunklineError(Code.NOT_MEMBER, f"{caller.party} is not a member", field="conversation")
        if state.kind == rules.DIRECT:
            for peer in state.members:
                if peer != caller.party and caller.party in (await self._engine.party(caller.app, peer)).blocked:
                    raise TrunklineError(Code.BLOCKED, f"{peer} does not accept calls from {caller.party}")
        identity = identity_of(caller.party, caller.device or request.device)
        place = await self._seats.invite(caller.app, caller.key, request.conversation, identity, standing)
        expires_at_ms = self._engine.clock.now_ms() + place.lifetime_s * 1000
        return LiveJoined(place.url, place.token, place.room, identity, expires_at_ms)

    async def check(self, app: str, room: str, identity: str) -> Standing | None:
        """An identity's standing now; None when the session is the app server's own business.

        Raises:
            TrunklineError: ``NOT_MEMBER``.
        """
        ask = await self._standings.load(app, room)
        if ask is None or not _is_party(identity):
            return None
        found = ask(party_of(identity))
        if found is None:
            raise TrunklineError(Code.NOT_MEMBER, f"{party_of(identity)} is not a member", field="conversation")
        return found

    async def enforce(self) -> None:
        """Take back what standings do not give any more, and give what they give now."""
        for app, conversation in await self._seats.sessions():
            ask = await self._standings.load(app, conversation)
            if ask is not None:
                await self._enforce(app, conversation, ask)

    async def _enforce(self, app: str, conversation: str, ask: Ask) -> None:
        for identity in await self._seats.identities(app, conversation):
            if not _is_party(identity):
                continue
            standing = ask(party_of(identity))
            if standing is None:
                await self._seats.remove(app, conversation, identity)
            else:
                await self._seats.stand(app, conversation, identity, standing)


def _is_party(identity: str) -> bool:
    try:
        check_party(party_of(identity))
    except TrunklineError:
        return False
    return True
