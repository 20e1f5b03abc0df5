"""A server with live sessions, and people on the official client library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.integration.live.person import Person
from tests.integration.rest.running import App, Running, serving

Enter = Callable[..., Awaitable[Person]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("live"), LIVE__ENABLED="true") as running:
        yield running


@pytest.fixture
def app(server: Running) -> App:
    return server.create_app()


@pytest.fixture
async def enter(app: App) -> AsyncIterator[Enter]:
    """``await enter("ann", "room")``: a participant; all leave at the end."""
    people: list[Person] = []

    async def make(
        identity: str, room: str = "room", of: App | None = None, token: str | None = None, **options: Any
    ) -> Person:
        person = Person(identity)
        people.append(person)
        return await person.join(of or app, room, token, **options)

    yield make
    for person in people:
        await person.leave()
