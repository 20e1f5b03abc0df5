"""A server with search switched on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.rest.running import App, Running, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(
        tmp_path_factory.mktemp("search"),
        SEARCH__ENABLED="true",
        SEARCH__INDEX_EVERY_S="0.05",
        STORE__PROJECT_EVERY_S="0.05",
    ) as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()
