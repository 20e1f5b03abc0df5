"""The server is killed in a session: official clients find it again by themselves, and go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.live.person import Person, until
from tests.integration.rest.running import App, Running

pytestmark = pytest.mark.timeout(120)


async def test_clients_rejoin_after_the_server_was_killed(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        await server.create_app()
        running = Running(server.url, "", server.log_path, None)  # type: ignore[arg-type]
        app = App(running, "", server.key, server.secret)
        ann, bob = Person("ann"), Person("bob")
        try:
            await ann.join(app, "room")
            await bob.join(app, "room", single_peer_connection=False)
            await ann.speak()
            await bob.show()
            await until(lambda: bob.hears("ann").loudness > 4000, "bob hears ann")
            await until(lambda: ann.sees("bob").frames > 10, "ann sees bob")
            await server.restart()
            await until(lambda: "reconnected" in ann.events and "reconnected" in bob.events, "both are back", 45)
            heard, seen = bob.hears("ann").frames, ann.sees("bob").frames
            await until(lambda: bob.hears("ann").frames > heard + 50, "bob hears ann again")
            await until(lambda: ann.sees("bob").frames > seen + 10, "ann sees bob again")
            assert "disconnected" not in ann.events + bob.events
        finally:
            await ann.leave()
            await bob.leave()
