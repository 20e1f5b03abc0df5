"""One server for the tests of this folder; each test has an app of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving

Connect = Callable[..., WireClient]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("link")) as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


@pytest.fixture
def connect(app: App) -> Iterator[Connect]:
    """``connect("user/a")``: a greeted client; all are closed at the end."""
    opened: list[WireClient] = []

    def make(party: str, device: str = "d1", outbox: str | None = None) -> WireClient:
        client = WireClient(app.server.url)
        opened.append(client)
        client.call("hello", token=app.token(party), device=device, outbox=outbox)
        return client

    yield make
    for client in opened:
        client.socket.close()
