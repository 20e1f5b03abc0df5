"""R14: bytes of an old connection reach the server after the device has moved on to a new one."""

from __future__ import annotations

import asyncio
import time

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.raw_link import RawLink
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from tests.faults.chaos_proxy import Connection
from trunkline.client import RequestFailed
from trunkline.domain.history import Invoke, Ok, Unknown

_CONV = "g.r14"


async def run(ctx: Context) -> ScenarioReport:
    """Hold a device's sends back, let it reconnect, and release them before, during and after."""
    rounds = ctx.size(short=10, full=200)
    report = ScenarioReport(
        "R14", "late retry from an old connection", fault_kinds="held bytes released after a reconnect"
    )
    async with World(ctx, report, proxy=True, config={"limits": {"link_rate": 0}}) as world:
        owner = await world.device("user/owner", url=world.server.url)
        device = await world.device("user/late")
        raw = Device(world.url, lambda: "", "user/raw", "raw")
        world.devices.append(raw)
        world.absent.add(raw.dev)
        await world.group(_CONV, owner, [device.party, raw.party])
        for _ in range(rounds):
            await _with_sdk(world, device)
            report.faults += 1
        abandoned = applied = 0
        for number in range(rounds):
            applied += await _abandoned(world, raw, f"outbox-{number:06}")
            abandoned += 1
            report.faults += 1
        await world.judge()
        report.notes.append(
            f"{abandoned} sends were given up by their device, which then sent others; {applied} of them were applied"
            " before the new connection was, none after."
        )
        report.check("held bytes were applied at most before the new hello", applied < abandoned, f"{applied}")
    return report


async def _held(connection: Connection) -> None:
    async with asyncio.timeout(10):
        while connection.held("to_server") == 0:
            await asyncio.sleep(0.001)


async def _with_sdk(world: World, device: Device) -> None:
    """The SDK retries what it had sent on the old connection, while the old bytes are still on their way."""
    assert world.proxy is not None
    assert device.client is not None
    await device.client.online()
    old = world.proxy.alive[-1]
    old.stall("to_server")
    for _ in range(3):
        device.send(_CONV)
    await _held(old)
    old.abandon_client()
    released = asyncio.create_task(_release_later(world, old))
    device.client.reconnect()
    for _ in range(2):
        device.send(_CONV)
    await device.settled()
    await released


async def _release_later(world: World, old: Connection) -> None:
    await asyncio.sleep(world.rng.uniform(0, 0.03))
    old.release("to_server")


async def _abandoned(world: World, raw: Device, outbox: str) -> bool:
    """A device gives a send up and makes another; the first one must not come to life after the second."""
    assert world.proxy is not None
    token = world.server.token(raw.party)
    first = await RawLink.connect(world.url, token, "raw", outbox)
    await _send(first, raw, f"{outbox}#1", 1)
    old = world.proxy.alive[-1]
    old.stall("to_server")
    late = asyncio.create_task(_send(first, raw, f"{outbox}#2", 2))
    await _held(old)
    old.abandon_client()
    await late
    released = asyncio.create_task(_release_later(world, old))
    second = await RawLink.connect(world.url, token, "raw", outbox)
    assert second.welcome is not None
    known = second.welcome.outbox_n
    await _send(second, raw, f"{outbox}#3", 3)
    await released
    async with asyncio.timeout(10):
        while old.alive:
            await asyncio.sleep(0.002)
    await _send(second, raw, f"{outbox}#4", 4)
    await second.close()
    return known == 2


async def _send(link: RawLink, raw: Device, send_id: str, n: int) -> None:
    raw.events.append(Invoke(raw.dev, _CONV, send_id, time.monotonic_ns()))
    try:
        sent = await link.send(_CONV, send_id, n)
    except RequestFailed:
        raw.events.append(Unknown(send_id, time.monotonic_ns()))
    else:
        raw.events.append(Ok(send_id, sent.seq, sent.epoch, time.monotonic_ns()))
