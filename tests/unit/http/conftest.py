"""A client of the edge over a recording world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.unit.http.registry import SERVER_AUTH, World
from trunkline.edges.http import create_app

Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def connect(world: World) -> AsyncIterator[Connect]:
    """Make a client; keyword arguments go to ``World.deps``."""
    clients: list[httpx.AsyncClient] = []

    def make(client_address: str = "203.0.113.9", auth: Any = SERVER_AUTH, **deps: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create_app(world.deps(**deps)), client=(client_address, 5000))
        client = httpx.AsyncClient(transport=transport, base_url="http://test", auth=auth)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(connect: Connect) -> httpx.AsyncClient:
    """An app server's client."""
    return connect()
