"""A link without the SDK's care: one connection, one outbox, requests sent exactly as told, to misbehave with.

Lives here: the connection. Does not live here: what is sent over it.
"""

from __future__ import annotations

import asyncio

import msgspec

from trunkline.client import RequestFailed
from trunkline.client.addresses import link_url
from trunkline.client.link_socket import LinkSocket
from trunkline.protocol.link.frames import MSGPACK_CODEC
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.calls.session import Hello, Welcome


class RawLink:
    """One connection; open it with `connect`."""

    def __init__(self) -> None:
        self.welcome: Welcome | None = None
        self.socket: LinkSocket | None = None
        self.refused: RequestFailed | None = None

    @classmethod
    async def connect(cls, url: str, token: str, device: str, outbox: str) -> RawLink:
        """Connect and say hello."""
        link = cls()
        link.socket = await LinkSocket.open(
            link_url(url),
            MSGPACK_CODEC,
            Hello(token=token, device=device, outbox=outbox),
            link,
            connect_timeout_s=10,
            max_frame_bytes=1 << 20,
        )
        async with asyncio.timeout(10):
            while link.welcome is None and not link.socket.ended.done():
                await asyncio.sleep(0.001)
        if link.socket.refused is not None:
            raise RequestFailed(link.socket.refused.error)
        if link.welcome is None:
            raise ConnectionError("the connection ended before the welcome")
        return link

    async def send(self, conv: str, text: str, n: int, *, timeout_s: float = 30) -> MessageSent:
        """Send one message under this `n`."""
        assert self.socket is not None
        params = {"conversation": conv, "type": "text", "content": {"text": text}, "n": n}
        return await self.socket.call("message.send", params, MessageSent, timeout_s=timeout_s)

    async def close(self) -> None:
        """Drop the connection."""
        if self.socket is not None:
            self.socket.abort()
            await asyncio.wait({self.socket.ended}, timeout=5)

    def welcomed(self, socket: LinkSocket, welcome: Welcome) -> None:
        """Hello was accepted."""
        self.welcome = welcome

    def pushed(self, event: str, body: msgspec.Raw) -> None:
        """Pushes are of no interest here."""
