"""A client of the signalling protocol alone, message by message: for what official clients do not show."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import aiohttp
from livekit.protocol import rtc

from tests.integration.live.person import live_token
from tests.integration.rest.running import App


class Signalling:
    """One connection to ``/rtc/v1`` (or ``/rtc``).

    Args:
        app: whose token.
        identity: of the participant.
        room: which.
        path: of the protocol.
        token: another than one with these grants.
        query: further parameters.
    """

    def __init__(
        self,
        app: App,
        identity: str,
        room: str = "room",
        *,
        path: str = "/rtc/v1",
        token: str | None = None,
        query: dict[str, str] | None = None,
        **grants: Any,
    ) -> None:
        parameters = {"access_token": token or live_token(app, identity, room, **grants)} | (query or {})
        self._url = f"{app.server.url}{path}"
        self._parameters = parameters
        self._session = aiohttp.ClientSession()
        self.messages: list[rtc.SignalResponse] = []

    async def __aenter__(self) -> Self:
        self.socket = await self._session.ws_connect(self._url, params=self._parameters)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        await self._session.close()

    async def ask(self, **request: Any) -> None:
        """Send a request."""
        await self.socket.send_bytes(rtc.SignalRequest(**request).SerializeToString())

    async def next(self, kind: str, timeout_s: float = 30.0) -> Any:
        """The next message of a kind; others before it are kept in ``messages``."""
        async with asyncio.timeout(timeout_s):
            while True:
                frame = await self.socket.receive()
                assert frame.type == aiohttp.WSMsgType.BINARY, f"waiting for {kind}: {frame}"
                response = rtc.SignalResponse.FromString(frame.data)
                if response.WhichOneof("message") == kind:
                    return getattr(response, kind)
                self.messages.append(response)

    async def joined(self) -> rtc.JoinResponse:
        """The first message."""
        joined: rtc.JoinResponse = await self.next("join")
        assert not self.messages, "join is the first message"
        return joined
