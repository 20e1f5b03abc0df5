"""Places in the sessions of a media cluster that others run: given by tokens it takes, taken back over its API.

Implements ``ports.Seats``. A session there is named after the app and the conversation. What a participant may do is
in its token, and corrected as its standing changes; every few seconds, and when the cluster tells that somebody came,
who is there is compared with who may be.

Not here: the cluster's API (a ``Cluster``), who has a place (``standings``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trunkline.domain.live.membership import Standing
from trunkline.services.live.ports import Invitation

log = logging.getLogger("trunkline.live")
LOOK_S = 5.0
AFTER_FAILURE_S = 2.0
TOKEN_S = 600
"""Short, because a token opens the cluster's door without us; the cluster refreshes those of who is inside."""


class ClusterError(Exception):
    """The cluster did not answer, or not as it should."""


@dataclass(slots=True, frozen=True)
class Present:
    """Somebody in a session of the cluster."""

    identity: str
    publishes: bool


class Cluster(Protocol):
    """A media cluster's API. Methods raise ``ClusterError``."""

    @property
    def url(self) -> str:
        """Where clients connect."""

    def token(self, identity: str, room: str, standing: Standing, lifetime_s: int) -> str:
        """A token that opens a session."""

    async def rooms(self) -> Sequence[str]:
        """Names of the sessions with somebody in them."""

    async def present(self, room_name: str) -> Sequence[Present]:
        """Who is in a session."""

    async def remove(self, room_name: str, identity: str) -> None:
        """Make a participant leave; nothing when it is not there."""

    async def permit(self, room_name: str, identity: str, standing: Standing) -> None:
        """Change what a participant may do; nothing when it is not there."""

    async def close(self) -> None:
        """Close connections."""


@dataclass(slots=True)
class _Seat:
    """One identity in one session.

    Attributes:
        until_s: until when a token that we gave can open the session.
        told: the standing that the cluster knows of; None: none.
        removed: the cluster was told to remove it, and it was not seen since.
    """

    until_s: float
    told: Standing | None = None
    removed: bool = False


def room_of(app: str, conversation: str) -> str:
    """What a conversation's session is called on the cluster, which knows no apps."""
    return f"{app}/{conversation}"


def conversation_of(room: str) -> tuple[str, str] | None:
    """App and conversation of a session on the cluster; None for one that is not ours."""
    app, slash, conversation = room.partition("/")
    return (app, conversation) if app and slash and conversation else None


class ClusterSeats:
    """Places on a cluster.

    Args:
        cluster: its API.
        monotonic_s: the time.
    """

    def __init__(self, cluster: Cluster, monotonic_s: Callable[[], float]) -> None:
        self._cluster = cluster
        self._now_s = monotonic_s
        self._seats: dict[tuple[str, str], dict[str, _Seat]] = {}
        self._look_s = 0.0
        self._pause_s = 0.0

    async def invite(self, app: str, key: str, conversation: str, identity: str, standing: Standing) -> Invitation:
        """A token of the cluster's, with what the identity may do now."""
        room = room_of(app, conversation)
        seat = self._seats.setdefault((app, conversation), {}).setdefault(identity, _Seat(0.0))
        seat.until_s = self._now_s() + TOKEN_S
        seat.told, seat.removed = standing, False
        token = self._cluster.token(identity, room, standing, TOKEN_S)
        return Invitation(self._cluster.url, token, room, TOKEN_S)

    def hurry(self) -> None:
        """Something changed on the cluster: look at once."""
        self._look_s = 0.0

    async def sessions(self) -> Sequence[tuple[str, str]]:
        """Every session that may have somebody in it."""
        now_s = self._now_s()
        if now_s < self._pause_s:
            return ()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            try:
                await self._look(now_s)
            except ClusterError as error:
                self._failed(error)
        return list(self._seats)

    async def _look(self, now_s: float) -> None:
        """See who is there; forget who is not and cannot come any more."""
        present: dict[tuple[str, str], dict[str, Present]] = {}
        for room in await self._cluster.rooms():
            key = conversation_of(room)
            if key is not None:
                present[key] = {found.identity: found for found in await self._cluster.present(room)}
        for key, people in present.items():
            seats = self._seats.setdefault(key, {})
            for identity, found in people.items():
                seat = seats.setdefault(identity, _Seat(0.0))
                seat.told, seat.removed = Standing(found.publishes), False
        for key, seats in list(self._seats.items()):
            here = present.get(key, {})
            for identity in [name for name, seat in seats.items() if name not in here and seat.until_s < now_s]:
                del seats[identity]
            if not seats:
                del self._seats[key]

    async def identities(self, app: str, conversation: str) -> Sequence[str]:
        """Who is there, or may still come with a token we gave."""
        return list(self._seats.get((app, conversation), ()))

    async def stand(self, app: str, conversation: str, identity: str, standing: Standing) -> None:
        """Let a participant do what its standing gives."""
        seat = self._seats.get((app, conversation), {}).get(identity)
        if seat is None or seat.told == standing:
            return
        try:
            await self._cluster.permit(room_of(app, conversation), identity, standing)
            seat.told = standing
        except ClusterError as error:
            self._failed(error)

    async def remove(self, app: str, conversation: str, identity: str) -> None:
        """Make a participant leave."""
        seat = self._seats.get((app, conversation), {}).get(identity)
        if seat is None or seat.removed:
            return
        try:
            await self._cluster.remove(room_of(app, conversation), identity)
            seat.removed = True
        except ClusterError as error:
            self._failed(error)

    def _failed(self, error: ClusterError) -> None:
        self._pause_s = self._now_s() + AFTER_FAILURE_S
        log.warning("the media cluster does not answer; trying again", extra={"error": str(error)})
