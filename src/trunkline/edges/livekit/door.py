"""The door to live sessions: checks tokens, lets guests join or resume, and knows the open connections.

Not here: what a connection says (``session``).
"""

from __future__ import annotations

import enum
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from livekit.protocol import rtc
from msgspec import structs

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.live_tokens import LiveClaims
from trunkline.domain.live import RoomSettings
from trunkline.domain.live.membership import Standing
from trunkline.edges.livekit import signals
from trunkline.edges.livekit.calls import Calls
from trunkline.edges.livekit.joining import Joining, kind_of, permission_of, read_joining, source_names
from trunkline.services.live import LiveMember, LiveSessions
from trunkline.services.live.ports import Signalling
from trunkline.services.live.sessions import JoinRequest

MAX_IDENTITY_CHARS = 256
REFRESH_S = 300.0
REFRESHED_LIFETIME_S = 600
MAX_REHEARSALS = 1000


class Rehearsal(enum.Enum):
    """What a client asked to see happen when it comes back."""

    CUT_ON_RESUME = "cut on resume"
    TCP_ONLY = "tcp only"


@dataclass(slots=True, frozen=True)
class Relays:
    """Relays (TURN servers) that a client may use."""

    urls: tuple[str, ...] = ()
    username: str = ""
    credential: str = ""


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
        recheck: whether the holder of the claims may still come, and its standing: what takes a look into storage.
        renew: signs claims again, with the key they name, valid for so many seconds.
        relays: relays for an identity, with credentials that expire.
        version: the server's.

    Attributes:
        calls: of participants' methods that wait for an answer.
    """

    def __init__(
        self,
        live: LiveSessions,
        verify: Callable[[str], tuple[str, LiveClaims]],
        recheck: Callable[[str, LiveClaims], Awaitable[Standing | None]],
        renew: Callable[[LiveClaims, int], str],
        relays: Callable[[str], Relays],
        version: str,
    ) -> None:
        self._renew = renew
        self._relays = relays
        self._rehearsals: dict[tuple[str, str, str], Rehearsal] = {}
        self._live = live
        self.verify = verify
        self._recheck = recheck
        self.version = version
        self.sessions: set[_Connection] = set()
        self.calls = Calls()

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

    async def recheck(self, guest: Guest) -> Standing | None:
        """Check what the upgrade could not wait for: the guest's standing, if the session has a conversation.

        Raises:
            TrunklineError: the party or its token was revoked.
        """
        return await self._recheck(guest.app, guest.claims)

    def join(self, guest: Guest, standing: Standing | None, signalling: Signalling) -> LiveMember:
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
                standing=standing,
                dual=not guest.joining.single,
                tcp_only=self.take_rehearsal(guest, Rehearsal.TCP_ONLY),
                settings=_settings(claims),
            ),
            signalling,
        )

    def resume(self, guest: Guest) -> LiveMember | None:
        """Let a guest resume; None when it has to join anew."""
        claims, request = guest.claims, guest.joining.request
        return self._live.resume(guest.app, claims.video.room, claims.sub, request.participant_sid)

    def relays(self, guest: Guest) -> list[rtc.ICEServer]:
        """The relays a guest may use."""
        relays = self._relays(guest.claims.sub)
        return signals.ice_servers(relays.urls, relays.username, relays.credential)

    def refresh_in_s(self, guest: Guest) -> float:
        """In how long a guest needs a fresh token: well before the one it has ends."""
        return min(REFRESH_S, max((guest.claims.exp - time.time()) / 2, 1.0))

    def refresh(self, guest: Guest, member: LiveMember, now_s: float) -> tuple[str, float]:
        """A fresh token with what the participant is and may do now, and when the next one is due."""
        participant = member.participant
        permission = participant.permission
        video = structs.replace(
            guest.claims.video,
            can_publish=permission.can_publish,
            can_subscribe=permission.can_subscribe,
            can_publish_data=permission.can_publish_data,
            can_publish_sources=source_names(permission),
            can_update_own_metadata=permission.can_update_metadata,
            hidden=permission.hidden,
        )
        claims = structs.replace(
            guest.claims,
            name=participant.name,
            metadata=participant.metadata,
            attributes=dict(participant.attributes),
            video=video,
        )
        return self._renew(claims, REFRESHED_LIFETIME_S), now_s + REFRESH_S

    def plan_rehearsal(self, guest: Guest, rehearsal: Rehearsal) -> None:
        """When this guest comes back, do this."""
        if len(self._rehearsals) < MAX_REHEARSALS:
            self._rehearsals[guest.app, guest.claims.video.room, guest.claims.sub] = rehearsal

    def take_rehearsal(self, guest: Guest, rehearsal: Rehearsal) -> bool:
        """Whether this guest asked for this."""
        key = (guest.app, guest.claims.video.room, guest.claims.sub)
        if self._rehearsals.get(key) is not rehearsal:
            return False
        del self._rehearsals[key]
        return True

    def away(self, member: LiveMember, signalling: Signalling) -> None:
        """A participant's connection broke."""
        self._live.away(member, signalling, time.monotonic())

    def sweep(self, now_s: float) -> None:
        """Close connections that are not there any more."""
        for session in tuple(self.sessions):
            session.sweep(now_s)


def _settings(claims: LiveClaims) -> RoomSettings | None:
    """The settings a token gives to a session that its holder makes by joining."""
    wanted = claims.room_config
    if wanted is None:
        return None
    settings = RoomSettings(max_participants=wanted.max_participants, metadata=wanted.metadata)
    settings.empty_timeout_s = wanted.empty_timeout or settings.empty_timeout_s
    settings.departure_timeout_s = wanted.departure_timeout or settings.departure_timeout_s
    return settings
