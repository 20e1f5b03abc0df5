"""The door to live sessions: checks tokens, lets guests join or resume, and knows the open connections.

Not here: what a connection says (``session``).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.live_tokens import LiveClaims
from trunkline.edges.livekit.joining import Joining, kind_of, permission_of, read_joining
from trunkline.services.live import LiveMember, LiveSessions
from trunkline.services.live.ports import Signalling
from trunkline.services.live.sessions import JoinRequest

MAX_IDENTITY_CHARS = 256


class _Connection(Protocol):
    def sweep(self, now_s: float) -> None: ...
    def close(self, code: int, reason: str) -> None: ...


@dataclass(slots=True, frozen=True)
class Guest:
    """A client whose token held at the door."""

    app: str
    claims: LiveClaims
    joining: Joining


class Door:
    """Lets clients in.

    Args:
        live: the sessions.
        verify: a token's app and claims; raises when it does not hold.
        recheck: whether the holder of the claims may still come: what takes a look into storage.
        version: the server's.
    """

    def __init__(
        self,
        live: LiveSessions,
        verify: Callable[[str], tuple[str, LiveClaims]],
        recheck: Callable[[str, LiveClaims], Awaitable[None]],
        version: str,
    ) -> None:
        self._live = live
        self.verify = verify
        self._recheck = recheck
        self.version = version
        self.sessions: set[_Connection] = set()

    def admit(self, target: str, authorization: str) -> Guest:
        """Check a connection before its upgrade.

        Raises:
            TrunklineError: of the token, ``GRANT_MISSING`` or ``INVALID_PARAMS``.
        """
        joining = read_joining(target, authorization)
        app, claims = self.verify(joining.token)
        if not claims.video.room_join or not claims.video.room:
            raise TrunklineError(Code.GRANT_MISSING, "The token does not open a room (roomJoin and room).")
        if not 0 < len(claims.sub) <= MAX_IDENTITY_CHARS:
            raise TrunklineError(
                Code.GRANT_MISSING, f"The token's identity (sub) has 1 to {MAX_IDENTITY_CHARS} characters."
            )
        return Guest(app, claims, joining)

    async def recheck(self, guest: Guest) -> None:
        """Check what the upgrade could not wait for.

        Raises:
            TrunklineError: the party or its token was revoked.
        """
        await self._recheck(guest.app, guest.claims)

    def join(self, guest: Guest, signalling: Signalling) -> LiveMember:
        """Let a guest join.

        Raises:
            TrunklineError: the session is full.
        """
        claims, request = guest.claims, guest.joining.request
        permission = permission_of(claims)
        own = permission.can_update_metadata
        return self._live.join(
            JoinRequest(
                app=guest.app,
                room=claims.video.room,
                identity=claims.sub,
                name=claims.name,
                metadata=(request.metadata if own else "") or claims.metadata,
                attributes={**claims.attributes, **(request.participant_attributes if own else {})},
                permission=permission,
                kind=kind_of(claims),
                auto_subscribe=request.connection_settings.auto_subscribe,
            ),
            signalling,
        )

    def resume(self, guest: Guest, signalling: Signalling) -> LiveMember | None:
        """Let a guest resume; None when it has to join anew."""
        claims, request = guest.claims, guest.joining.request
        return self._live.resume(guest.app, claims.video.room, claims.sub, request.participant_sid, signalling)

    def away(self, member: LiveMember, signalling: Signalling) -> None:
        """A participant's connection broke."""
        self._live.away(member, signalling, time.monotonic())

    def sweep(self, now_s: float) -> None:
        """Close connections that are not there any more."""
        for session in tuple(self.sessions):
            session.sweep(now_s)
