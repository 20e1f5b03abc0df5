"""A connection that ends inside the WebSocket handshake is a lost connection, and not one that stays silent.

The WebSocket library reports such a connection as made. The client then waited for it for ever: it neither tried
again nor could be closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from trunkline.client import Client, ClientState, StateChange, mint_token

pytestmark = pytest.mark.asyncio
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _close_after_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def _close_inside_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 101 Switching")
    writer.close()


@pytest.mark.parametrize("serve", [_close_at_once, _close_after_request, _close_inside_answer])
async def test_the_client_tries_again_and_can_be_closed(serve: Serve) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    states: list[StateChange] = []
    offline = asyncio.Event()

    def on_state(change: StateChange) -> None:
        states.append(change)
        if change.state is ClientState.OFFLINE:
            offline.set()

    async with server:
        port = server.sockets[0].getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}", mint_token("k", "s" * 40, "user/a"), on_state=on_state)
        async with client:
            await asyncio.wait_for(offline.wait(), 5)
        assert "lost during the handshake" in next(s.reason for s in states if s.state is ClientState.OFFLINE)
