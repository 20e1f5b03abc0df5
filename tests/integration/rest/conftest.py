"""One server for the tests of this folder; each test has an app of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.rest.running import App, Running, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("rest"), LIVE__ENABLED="true") as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()
