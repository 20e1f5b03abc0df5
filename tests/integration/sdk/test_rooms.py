"""Rooms through the SDK against the real server: everything reliable once and in order, whatever breaks."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.chaos_proxy import ChaosProxy
from tests.integration.rest.running import App, serving
from tests.integration.rooms.acts import TYPES
from trunkline.client import Client, RequestFailed, Room, RoomMessage

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def client(app: App, party: str, url: str = "") -> AsyncIterator[Client]:
    async with Client(url or app.server.url, lambda: app.token(party)) as opened:
        await opened.online()
        yield opened


async def collect(room: Room, wanted: int, type: str = "x.say") -> list[RoomMessage]:
    """The first messages of a type."""
    found: list[RoomMessage] = []
    async with asyncio.timeout(20):
        async for message in room:
            if message.type == type:
                found.append(message)
                if len(found) == wanted:
                    break
    return found


async def test_a_room_is_created_joined_spoken_in_and_left(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        async with client(app, "user/host") as host, client(app, "user/ann") as ann:
            await host.rooms.create("show", name="Show", types=TYPES, attributes="audience")
            async with await host.rooms.join("show") as stage, await ann.rooms.join("show") as seat:
                assert (stage.role, seat.role) == ("host", "audience")
                for number in range(5):
                    sent = await seat.send("x.say", {"text": str(number)})
                    assert sent.seq > 0
                await seat.send("x.like", {})
                assert [m.content["text"] for m in await collect(stage, 5)] == ["0", "1", "2", "3", "4"]
                assert (await collect(stage, 1, "x.like"))[0].count == 1
                made = await ann.rooms.set_attribute("show", "song", "One", version=0)
                with pytest.raises(RequestFailed, match="version_conflict"):
                    await host.rooms.set_attribute("show", "song", "Two", version=0)
                await collect(stage, 1, "room.attributes_changed")
                assert stage.attributes["song"].version == made.version
                assert [a.key for a in await host.rooms.attributes("show")] == ["song"]
                assert [m.party for m in (await host.rooms.members("show")).members] == ["user/ann", "user/host"]
                await host.rooms.kick("show", "user/ann")
                async for _ in seat:
                    pass
                assert seat.ended == "kicked"
            assert (await host.rooms.get("show")).online == 0


async def test_cut_connections_neither_lose_nor_double_what_is_reliable(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        async with ChaosProxy(int(server.url.rsplit(":", 1)[1]), seed=7) as proxy:
            through = f"http://127.0.0.1:{proxy.port}"
            async with client(app, "user/host") as host, client(app, "user/ann", through) as ann:
                await host.rooms.create("show", types=TYPES)
                stage, seat = await host.rooms.join("show"), await ann.rooms.join("show")
                heard = asyncio.create_task(collect(seat, 60))
                echoed = asyncio.create_task(collect(stage, 60))
                for number in range(30):
                    await stage.send("x.say", {"text": f"h{number}"})
                    await seat.send("x.say", {"text": f"a{number}"})
                    if number % 7 == 3:
                        proxy.cut_all()
                mine = [m.content["text"] for m in await heard]
                assert mine == [m.content["text"] for m in await echoed]
                assert sorted(mine) == sorted([f"h{i}" for i in range(30)] + [f"a{i}" for i in range(30)])


async def test_the_server_is_killed_and_the_stay_goes_on(tmp_path: Path) -> None:
    async with ChaosProxy(1, seed=3) as proxy:
        with serving(tmp_path) as server:
            app = server.create_app()
            with app.acting() as system:
                assert system.post("/v1/rooms", json={"id": "show", "types": TYPES}).status_code == 201
            proxy.target_port = int(server.url.rsplit(":", 1)[1])
            async with client(app, "user/ann", f"http://127.0.0.1:{proxy.port}") as ann:
                seat = await ann.rooms.join("show")
                heard = asyncio.create_task(collect(seat, 20))
                for number in range(10):
                    await seat.send("x.say", {"text": str(number)})
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
                with serving(tmp_path) as again:
                    proxy.target_port = int(again.url.rsplit(":", 1)[1])
                    for number in range(10, 20):
                        await seat.send("x.say", {"text": str(number)})
                    assert [m.content["text"] for m in await heard] == [str(n) for n in range(20)]


async def test_a_slow_application_gets_everything_reliable_and_is_told_what_was_dropped(tmp_path: Path) -> None:
    from trunkline.client import Options

    with serving(tmp_path) as server:
        app = server.create_app()
        async with (
            client(app, "user/host") as host,
            Client(server.url, app.token("user/ann"), options=Options(max_notices=10)) as ann,
        ):
            await ann.online()
            await host.rooms.create("show", types=TYPES)
            stage, seat = await host.rooms.join("show"), await ann.rooms.join("show")
            sends: list[Any] = []
            for number in range(100):
                sends.append(asyncio.create_task(stage.send("x.say", {"text": str(number)})))
                sends.append(asyncio.create_task(stage.send("x.chat", {"text": str(number)})))
                if number % 20 == 19:
                    await asyncio.gather(*sends)
            await collect(stage, 100)
            found = await collect(seat, 100)
            assert [m.seq for m in found] == list(range(found[0].seq, found[0].seq + 100))
            assert seat.dropped > 0


async def test_one_waits_to_be_admitted(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        async with client(app, "user/host") as host, client(app, "user/ann") as ann:
            await host.rooms.create("show", join="approval", types=TYPES)
            stage = await host.rooms.join("show")
            coming = asyncio.create_task(ann.rooms.join("show", wait_s=15))
            asked = (await collect(stage, 1, "room.asked"))[0]
            await host.rooms.admit("show", asked.sender)
            seat = await coming
            await stage.send("x.say", {"text": "welcome"})
            assert (await collect(seat, 1))[0].content == {"text": "welcome"}
            await host.rooms.close("show")
            async for _ in seat:
                pass
            assert seat.ended == "closed"
            with pytest.raises(RequestFailed, match="dismissed"):
                await ann.rooms.join("show")
