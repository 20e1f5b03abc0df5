"""Places in live sessions: given out by membership, and taken back when it ends, at every moment.

An identity in the form of a party has a place in a conversation's session only as its member, whoever signed its
token. Other identities, and sessions without a conversation, are the app server's own business.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.live import LiveSession
from trunkline.domain.live.membership import Standing, identity_of, is_bound, party_of, standing
from trunkline.domain.live.participant import Permission
from trunkline.services.live.member import LiveMember
from trunkline.services.live.sessions import LiveSessions
from trunkline.services.log.engine import Engine
from trunkline.wire.calls.live import LiveJoin, LiveJoined

TOKEN_S = 6 * 3600
Mint = Callable[[str, str, str, int], str]
"""(key, identity, room, lifetime in seconds) -> token."""


class Places:
    """Gives places out and takes them back.

    Args:
        engine: conversations, parties and the time.
        live: the sessions.
        mint: signs a token.
        url: where clients connect.
    """

    def __init__(self, engine: Engine, live: LiveSessions, mint: Mint, url: Callable[[], str]) -> None:
        self._engine = engine
        self._live = live
        self._mint = mint
        self._url = url
        self._granted: dict[LiveMember, Permission] = {}

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
        rules.check_member(state, caller)
        if state.kind == rules.DIRECT:
            for peer in state.members:
                if peer != caller.party and caller.party in (await self._engine.party(caller.app, peer)).blocked:
                    raise TrunklineError(Code.BLOCKED, f"{peer} does not accept calls from {caller.party}")
        identity = identity_of(caller.party, caller.device or request.device)
        expires_at_ms = self._engine.clock.now_ms() + TOKEN_S * 1000
        token = self._mint(caller.key, identity, request.conversation, TOKEN_S)
        return LiveJoined(self._url(), token, request.conversation, identity, expires_at_ms)

    async def check(self, app: str, room: str, identity: str) -> None:
        """Whether an identity has a place now.

        Raises:
            TrunklineError: ``NOT_MEMBER``.
        """
        state = (await self._engine.conversation(app, room)).state
        if state is None or not is_bound(state) or not _is_party(identity):
            return
        if standing(state, party_of(identity), self._engine.clock.now_ms()) is None:
            raise TrunklineError(Code.NOT_MEMBER, f"{party_of(identity)} is not a member", field="conversation")

    async def enforce(self) -> None:
        """Take back what membership does not give any more, and give back what a mute had taken."""
        for session in self._live.all():
            state = (await self._engine.conversation(session.app, session.name)).state
            if state is not None and is_bound(state):
                now_ms = self._engine.clock.now_ms()
                for member in self._live.roster.members(session):
                    self._enforce(session, member, standing(state, party_of(member.participant.identity), now_ms))
        present = {member for session in self._live.all() for member in self._live.roster.members(session)}
        self._granted = {member: permission for member, permission in self._granted.items() if member in present}

    def _enforce(self, session: LiveSession, member: LiveMember, now: Standing | None) -> None:
        participant = member.participant
        if not _is_party(participant.identity):
            return
        if now is None:
            self._live.remove(session.app, session.name, [participant.identity], "participant removed")
            return
        granted = self._granted.setdefault(member, participant.permission) if now.muted else self._granted.get(member)
        if granted is None:
            return
        wanted = now.limit(granted)
        if wanted != participant.permission:
            member.permit(wanted)
        if not now.muted:
            self._granted.pop(member, None)


def _is_party(identity: str) -> bool:
    try:
        check_party(party_of(identity))
    except TrunklineError:
        return False
    return True
