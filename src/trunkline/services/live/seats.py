"""Places in the sessions of this server: given by its own tokens, taken back without a detour.

Implements ``ports.Seats``. Not here: who has a place (``standings``), sessions elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trunkline.domain.live.membership import Standing
from trunkline.services.live.ports import Invitation
from trunkline.services.live.sessions import LiveSessions

TOKEN_S = 6 * 3600
Mint = Callable[[str, str, str, int], str]
"""(key, identity, room, lifetime in seconds) -> token."""


class LocalSeats:
    """Places here.

    Args:
        live: the sessions.
        mint: signs a token.
        url: where clients connect.
    """

    def __init__(self, live: LiveSessions, mint: Mint, url: Callable[[], str]) -> None:
        self._live = live
        self._mint = mint
        self._url = url

    async def invite(self, app: str, key: str, conversation: str, identity: str, standing: Standing) -> Invitation:
        """A token; what its holder may do is decided at the door, and at every moment after."""
        return Invitation(self._url(), self._mint(key, identity, conversation, TOKEN_S), conversation, TOKEN_S)

    async def sessions(self) -> Sequence[tuple[str, str]]:
        """Apps and names of all sessions."""
        return [(session.app, session.name) for session in self._live.all()]

    async def identities(self, app: str, conversation: str) -> Sequence[str]:
        """Who is in a session."""
        session = self._live.find(app, conversation)
        return [member.participant.identity for member in self._live.roster.members(session)] if session else []

    async def stand(self, app: str, conversation: str, identity: str, standing: Standing) -> None:
        """Let a participant do what its standing gives."""
        session = self._live.find(app, conversation)
        member = self._live.roster.member(session, identity) if session is not None else None
        if member is not None:
            member.stand(standing)

    async def remove(self, app: str, conversation: str, identity: str) -> None:
        """Make a participant leave."""
        self._live.remove(app, conversation, [identity], "participant removed")
