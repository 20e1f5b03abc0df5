"""What an administrator is told of a session's media."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.live.conftest import Enter
from tests.integration.live.person import TIMEOUT_S, live_token
from tests.integration.rest.running import App


def ask(app: App, room: str, token_room: str = "room", **grants: Any) -> tuple[int, Any]:
    """Ask for statistics of a room with a token of these grants for a room."""
    token = live_token(app, "admin", token_room, **grants)
    with app.server.client(Authorization=f"Bearer {token}") as client:
        answer = client.get("/rtc/statistics", params={"room": room})
    return answer.status_code, answer.json()


async def test_every_track_and_path_is_described(app: App, enter: Enter) -> None:
    ann = await enter("ann")
    bob = await enter("bob")
    await ann.speak()
    await ann.show()
    deadline = asyncio.get_running_loop().time() + TIMEOUT_S
    while True:
        status, found = await asyncio.to_thread(ask, app, "room", room_admin=True)
        assert status == 200
        people = {person["identity"]: person for person in found["participants"]}
        published = {track["kind"]: track for track in people["ann"]["published"]}
        received = {track["kind"]: track for track in people["bob"]["received"]}
        flowing = [track["layers"][0]["bitrate_bps"] > 1000 for track in published.values()]
        reported = [track["loss"] is not None and track["layer"] == 0 for track in received.values()]
        if len(published) == 2 and all(flowing) and len(reported) == 2 and all(reported):
            break
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.2)
    assert {track["sid"] for track in published.values()} == {track["sid"] for track in received.values()}
    assert published["video"]["subscribers"] == 1 and published["video"]["layers"][0]["packets"] > 0
    assert received["video"]["wish"] == received["video"]["allowed"] == 0 and not received["video"]["starved"]
    assert published["video"]["layers"][0]["frames"] > 0 and published["audio"]["layers"][0]["frames"] == 0
    assert published["video"]["layers"][0]["frozen_ms"] >= 0 and received["audio"]["jitter_ms"] < 1000
    assert people["bob"]["available_bps"] is None and people["bob"]["down_loss"] < 0.5
    assert bob.identity == "bob"


async def test_only_administrators_of_the_session_are_told(app: App, enter: Enter) -> None:
    await enter("ann")
    assert (await asyncio.to_thread(ask, app, "room"))[0] == 403
    assert (await asyncio.to_thread(ask, app, "room", "other", room_admin=True))[0] == 403
    assert (await asyncio.to_thread(ask, app, "other", "other", room_admin=True))[0] == 404
    with app.server.client(Authorization="Bearer nothing") as client:
        assert client.get("/rtc/statistics", params={"room": "room"}).status_code == 401
