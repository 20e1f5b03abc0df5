"""LiveKit's webhooks, received and verified with the official library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from livekit import api

from tests.integration.live.person import Person, until
from tests.integration.rest.running import App, serving

pytestmark = pytest.mark.timeout(120)


class Receiver:
    """An app server that takes webhooks; it fails the first one."""

    def __init__(self) -> None:
        self.events: list[api.WebhookEvent] = []
        self.kinds: set[str] = set()
        self.failed = 0
        self.verifier: api.WebhookReceiver | None = None

    async def take(self, request: web.Request) -> web.Response:
        if not self.failed:
            self.failed += 1
            return web.Response(status=503)
        assert self.verifier is not None
        self.kinds.add(request.content_type)
        self.events.append(self.verifier.receive(await request.text(), request.headers["Authorization"]))
        return web.Response()

    def names(self, room: str = "hall") -> list[str]:
        return [event.event for event in self.events if event.room.name == room]


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    application = web.Application()
    application.router.add_post("/hook", made.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


async def test_events_are_sent_signed_in_order_and_again(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    made, url = receiver
    loop = asyncio.get_running_loop()
    with serving(tmp_path) as first:
        app, other = first.create_app(), first.create_app("other")
    options = {
        "LIVE__WEBHOOKS": f"{app.key} {url}",
        "WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
        "WEBHOOKS__ALLOW_HTTP": "true",
    }
    made.verifier = api.WebhookReceiver(api.TokenVerifier(app.key, app.secret))
    server = serving(tmp_path, LIVE__ENABLED="true", **options)
    running = await loop.run_in_executor(None, server.__enter__)
    try:
        app, other = App(running, app.id, app.key, app.secret), App(running, other.id, other.key, other.secret)
        await _meet(made, app, other)
        await until(lambda: made.names()[-1:] == ["room_finished"], "all events", 15)
    finally:
        await loop.run_in_executor(None, server.__exit__, None, None, None)
    assert made.failed == 1 and made.kinds == {"application/webhook+json"}
    assert made.names() == [
        "room_started",
        "participant_joined",
        "track_published",
        "track_unpublished",
        "participant_left",
        "room_finished",
    ]
    joined, published = made.events[1], made.events[2]
    assert joined.participant.identity == "ann" and joined.room.sid == made.events[0].room.sid
    assert published.track.sid.startswith("TR_") and published.track.mime_type == "audio/opus"
    assert len({event.id for event in made.events}) == len(made.events) and all(e.created_at for e in made.events)
    assert not made.names("elsewhere"), "another app's session is none of its business"


async def _meet(made: Receiver, app: App, other: App) -> None:
    stranger = await Person("eve").join(other, "elsewhere")
    ann = await Person("ann").join(app, "hall")
    publication = await ann.speak()
    await until(lambda: "track_published" in made.names(), "the track is known")
    await ann.room.local_participant.unpublish_track(publication.sid)
    await ann.leave()
    await stranger.leave()
    async with api.LiveKitAPI(app.server.url, app.key, app.secret) as admin:
        await admin.room.delete_room(api.DeleteRoomRequest(room="hall"))
