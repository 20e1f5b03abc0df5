"""SIGTERM: clients are told to go, what was accepted is kept, and they find the restarted server."""

from __future__ import annotations

import asyncio
import functools
import time
from pathlib import Path

import httpx
import pytest

from tests.claims.context import Context
from tests.claims.report import ScenarioReport
from tests.claims.server_process import ServerProcess
from tests.claims.world import World
from tests.integration.link.wire_client import Closed, WireClient
from tests.integration.sdk.conftest import until
from tests.integration.server.tls_server import TlsServer
from trunkline.base.errors import Code

pytestmark = pytest.mark.timeout(120)
DRAIN_S = 1.0


async def test_a_restart_under_load_loses_doubles_and_reorders_nothing(tmp_path: Path):
    report = ScenarioReport("drain", "SIGTERM under load")
    ctx = Context(seed=11, full=False, minutes=None, directory=tmp_path)
    config: dict[str, dict[str, object]] = {"server": {"drain_s": DRAIN_S}, "limits": {"link_rate": 0}}
    async with World(ctx, report, config=config) as world:
        devices = await world.people(8)
        for number in range(4):
            members = (devices + devices)[2 * number : 2 * number + 4]
            await world.group(f"g.drain-{number}", members[0], [member.party for member in members])
        load = asyncio.create_task(world.send_many(devices, 1_000_000, window=4))

        def all_acked_since(moment_s: float, count: int) -> bool:
            return all(sum(at_s > moment_s for at_s in device.acked_at_s[-200:]) >= count for device in devices)

        for _ in range(2):
            loaded_s = time.monotonic()
            await until(functools.partial(all_acked_since, loaded_s, 50))
            began_s = time.monotonic()
            assert await world.server.terminate() == 0
            assert time.monotonic() - began_s < DRAIN_S + 2
            await world.server.start()
            await until(functools.partial(all_acked_since, world.server.started_at_s, 10))
        world.stop_sending()
        await load
        verdict = await world.judge()
    assert verdict.clean, verdict.sentences()
    assert (verdict.lost, verdict.duplicated, verdict.reordered, verdict.unresolved) == (0, 0, 0, 0)
    assert verdict.accepted > 900


def acked_while_draining(client: WireClient, began_s: float) -> int:
    """The push comes at once, requests are answered until the end, and that is a close with 4405; how many were."""
    assert client.push("draining") == {"reconnect_in_ms": int(DRAIN_S * 1000)}
    assert time.monotonic() - began_s < DRAIN_S / 2
    acked = 0
    with pytest.raises(Closed) as end:
        while True:
            sent = client.call("message.send", to="user/peer", content={"text": f"m{acked}"}, n=acked + 1)
            acked += 1
            assert sent["seq"] == acked + 1
    assert end.value.code == Code.DRAINING.close_code
    return acked


@pytest.mark.parametrize("kind", [ServerProcess, TlsServer])
async def test_the_push_then_4405_and_what_was_acked_stays(tmp_path: Path, kind: type[ServerProcess]):
    async with kind(tmp_path, config={"server": {"drain_s": DRAIN_S}, "limits": {"link_rate": 0}}) as process:
        await process.create_app()
        tls = process.trusting() if isinstance(process, TlsServer) else None
        clients = [WireClient(process.url, tls=tls) for _ in range(3)]
        for number, client in enumerate(clients):
            client.call("hello", token=process.token(f"user/u{number}"), device="d1", outbox=f"outbox-of-u{number}")
        began_s = time.monotonic()
        ending = asyncio.create_task(process.terminate())
        acked = await asyncio.gather(*(asyncio.to_thread(acked_while_draining, client, began_s) for client in clients))
        assert await ending == 0
        assert min(acked) > 10
        await process.start()
        for number, client in enumerate(clients):
            with WireClient(process.url, tls=tls) as again:
                welcome = again.call(
                    "hello", token=process.token(f"user/u{number}"), device="d1", outbox=f"outbox-of-u{number}"
                )
                # What was under way when the socket closed may have been applied, and nothing beyond.
                assert acked[number] <= welcome["outbox_n"] <= acked[number] + 1
            client.socket.close()


async def test_idle_connections_do_not_hold_up_the_end(tmp_path: Path):
    async with ServerProcess(tmp_path, config={"server": {"drain_s": 30.0}}) as process:
        with httpx.Client(base_url=process.url) as kept_alive:
            assert kept_alive.get("/health/live").status_code == 200
            began_s = time.monotonic()
            assert await process.terminate() == 0
            assert time.monotonic() - began_s < 5
