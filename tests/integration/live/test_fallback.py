"""Without the media kernel: the official library on a server that forwards in Python, and says so in its log."""

from __future__ import annotations

from pathlib import Path

from tests.integration.live.person import Person, until
from tests.integration.rest.running import serving


async def test_people_hear_and_see_each_other_without_the_kernel(tmp_path: Path) -> None:
    with serving(tmp_path, LIVE__ENABLED="true", NATIVE="0") as server:
        app = server.create_app()
        ann, bob = Person("ann"), Person("bob")
        try:
            await ann.join(app, "room")
            await bob.join(app, "room")
            await ann.speak()
            await ann.show(simulcast=True)
            heard, seen = bob.hears("ann"), bob.sees("ann")
            await until(lambda: heard.frames > 20 and heard.loudness > 1000, "bob hears ann")
            await until(lambda: seen.frames > 5, "bob sees ann")
        finally:
            await ann.leave()
            await bob.leave()
        assert "the media kernel is not used" in server.log.read_text()
