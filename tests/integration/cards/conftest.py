"""A server for cards, and parties on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving

Connect = Callable[..., WireClient]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("cards"), LIMITS__LINK_RATE="0") as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


@pytest.fixture
def connect(app: App) -> Iterator[Connect]:
    """``connect("user/a")``: a greeted client; all are closed at the end."""
    opened: list[WireClient] = []

    def make(party: str, device: str = "d1", of: App | None = None) -> WireClient:
        client = WireClient((of or app).server.url)
        opened.append(client)
        client.call("hello", token=(of or app).token(party), device=device)
        return client

    yield make
    for client in opened:
        client.socket.close()
