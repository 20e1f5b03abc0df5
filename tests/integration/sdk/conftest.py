"""Clients over real loopback sockets, and a wait for conditions instead of sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.reference_link.server import ReferenceServer
from trunkline.client import Client, EntryStream, Options, mint_token
from trunkline.wire.entries import EntryView

QUICK = Options(request_timeout_s=2.0, deliver_every_s=0.02, close_timeout_s=1.0)


def token(party: str) -> str:
    return mint_token("k_test", "s" * 32, party)


async def until(condition: Callable[[], object], timeout_s: float = 45.0) -> None:
    """Wait for a condition, checking it again and again."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def take(stream: EntryStream, count: int, timeout_s: float = 45.0) -> list[EntryView]:
    """The next entries of a stream."""
    entries: list[EntryView] = []
    async with asyncio.timeout(timeout_s):
        async for entry in stream:
            entries.append(entry)
            if len(entries) == count:
                break
    return entries


def texts(entries: list[EntryView]) -> list[str]:
    return [entry.content["text"] for entry in entries if entry.type == "text"]


@pytest.fixture
async def server() -> AsyncIterator[ReferenceServer]:
    async with ReferenceServer() as running:
        yield running


@pytest.fixture
def client(server: ReferenceServer) -> Callable[..., Client]:
    def make(party: str, **settings: Any) -> Client:
        settings.setdefault("options", QUICK)
        return Client(server.url, settings.pop("token", token(party)), **settings)

    return make
