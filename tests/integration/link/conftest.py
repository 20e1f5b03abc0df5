"""Two servers for the tests of this folder, with and without the native path; each test has an app of its own.

Tests that do not write raw JSON run three times: in JSON, in MessagePack, and in MessagePack without the native path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving

Connect = Callable[..., WireClient]
WAYS = ("json", "msgpack", "python")
RAW_BYTES = {"test_bad_frames": ("json",), "test_time_limits": ("json",), "test_native_path": ("msgpack", "python")}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("link")) as running:
        yield running


@pytest.fixture(scope="session")
def python_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("link-python"), NATIVE="0") as running:
        yield running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    ways = RAW_BYTES.get(metafunc.module.__name__.rpartition(".")[2], WAYS)
    if "connect" in metafunc.fixturenames:
        metafunc.parametrize("way", ways, indirect=True)


@pytest.fixture
def way(request: pytest.FixtureRequest) -> str:
    found: str = getattr(request, "param", "json")
    return found


@pytest.fixture
def app(way: str, request: pytest.FixtureRequest) -> App:
    running: Running = request.getfixturevalue("python_server" if way == "python" else "server")
    return running.create_app()


@pytest.fixture
def connect(app: App, way: str) -> Iterator[Connect]:
    """``connect("user/a")``: a greeted client; all are closed at the end."""
    opened: list[WireClient] = []

    def make(party: str, device: str = "d1", outbox: str | None = None) -> WireClient:
        client = WireClient(app.server.url, "trunkline.v1.json" if way == "json" else "trunkline.v1.msgpack")
        opened.append(client)
        client.call("hello", token=app.token(party), device=device, outbox=outbox)
        return client

    yield make
    for client in opened:
        client.socket.close()
