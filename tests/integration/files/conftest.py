"""One server for the tests of this folder; each test has an app of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.rest.running import App, Running, serving


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="session")
def server(place: Path) -> Iterator[Running]:
    with serving(place, FILES__MIN_FREE_BYTES="0", FILES__COLLECT_EVERY_S="0.2", LIVE__ENABLED="false") as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


@pytest.fixture
def ann(app: App) -> Iterator[httpx.Client]:
    with app.as_client("user/ann") as client:
        yield client


@pytest.fixture
def bob(app: App) -> Iterator[httpx.Client]:
    with app.as_client("user/bob") as client:
        yield client
