"""A LiveKit cluster's API (Twirp) as ``services.live.cluster.Cluster``.

Not here: when it is called (``services/live/cluster``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar

import aiohttp
from google.protobuf.message import DecodeError, Message
from livekit.protocol import models, room

from trunkline.base.secret import Secret
from trunkline.crypto import live_tokens
from trunkline.crypto.live_tokens import LiveClaims, VideoGrant
from trunkline.domain.live.membership import Standing
from trunkline.services.live.cluster import ClusterError, Present

CALL_TOKEN_S = 60
TIMEOUT_S = 5.0
M = TypeVar("M", bound=Message)


class TwirpCluster:
    """The API of one cluster.

    Args:
        url: of the cluster, as clients connect to it: ``wss://...``.
        key: the API key there.
        secret: its secret.
    """

    def __init__(self, url: str, key: str, secret: Secret) -> None:
        self.url = url.rstrip("/")
        self._base = "http" + self.url.removeprefix("ws").removeprefix("http")
        self._key = key
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None

    def token(self, identity: str, room: str, standing: Standing, lifetime_s: int) -> str:
        """A token that opens a session."""
        grant = VideoGrant(
            room=room,
            room_join=True,
            can_subscribe=True,
            can_publish=standing.publishes,
            can_publish_data=standing.publishes,
        )
        return self._mint(identity, grant, lifetime_s)

    def verify(self, token: str) -> LiveClaims:
        """The claims of a token that the cluster signed.

        Raises:
            TrunklineError: it did not.
        """
        return live_tokens.verify(token, self._secret, int(time.time()))

    async def rooms(self) -> Sequence[str]:
        """Names of the sessions with somebody in them."""
        answer = await self._call(
            "ListRooms", VideoGrant(room_list=True), room.ListRoomsRequest(), room.ListRoomsResponse
        )
        return [] if answer is None else [found.name for found in answer.rooms if found.num_participants]

    async def present(self, room_name: str) -> Sequence[Present]:
        """Who is in a session."""
        request = room.ListParticipantsRequest(room=room_name)
        answer = await self._call("ListParticipants", _admin(room_name), request, room.ListParticipantsResponse)
        if answer is None:
            return []
        return [Present(found.identity, found.permission.can_publish) for found in answer.participants]

    async def remove(self, room_name: str, identity: str) -> None:
        """Make a participant leave; nothing when it is not there."""
        request = room.RoomParticipantIdentity(room=room_name, identity=identity)
        await self._call("RemoveParticipant", _admin(room_name), request, room.RemoveParticipantResponse)

    async def permit(self, room_name: str, identity: str, standing: Standing) -> None:
        """Change what a participant may do; nothing when it is not there."""
        permission = models.ParticipantPermission(
            can_subscribe=True, can_publish=standing.publishes, can_publish_data=standing.publishes
        )
        request = room.UpdateParticipantRequest(room=room_name, identity=identity, permission=permission)
        await self._call("UpdateParticipant", _admin(room_name), request, models.ParticipantInfo)

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _call(self, method: str, grant: VideoGrant, request: Message, answer: type[M]) -> M | None:
        """Call a method; None when what it is about does not exist.

        Raises:
            ClusterError: the cluster did not answer, or refused.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        headers = {
            "Authorization": f"Bearer {self._mint('', grant, CALL_TOKEN_S)}",
            "Content-Type": "application/protobuf",
        }
        try:
            async with self._session.post(
                f"{self._base}/twirp/livekit.RoomService/{method}",
                data=request.SerializeToString(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                allow_redirects=False,
            ) as response:
                body = await response.read()
                if response.status == 404 and b"not_found" in body:
                    return None
                if response.status != 200:
                    raise ClusterError(f"{method}: HTTP status {response.status}")
                return answer.FromString(body)
        except (aiohttp.ClientError, OSError, TimeoutError, DecodeError) as error:
            raise ClusterError(f"{method}: {type(error).__name__}: {error}"[:200]) from error

    def _mint(self, identity: str, grant: VideoGrant, lifetime_s: int) -> str:
        return live_tokens.mint(self._key, self._secret, identity, grant, now_s=int(time.time()), lifetime_s=lifetime_s)


def _admin(room_name: str) -> VideoGrant:
    return VideoGrant(room=room_name, room_admin=True)
