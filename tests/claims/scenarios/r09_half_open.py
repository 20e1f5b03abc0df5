"""R9: connections that look alive and carry nothing: one direction or both, for longer than the heartbeat."""

from __future__ import annotations

import asyncio
import time

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from tests.faults.chaos_proxy import Direction
from trunkline.client import ClientState

_HEARTBEAT_S = 1.0
_CONV = "g.r9"
_CASES: tuple[tuple[Direction, ...], ...] = (("to_client",), ("to_server",), ("to_server", "to_client"))


async def run(ctx: Context) -> ScenarioReport:
    """Stall the connections of some devices while others send, and measure how long it takes to notice."""
    rounds, sends = ctx.size(short=(1, 4), full=(8, 60))
    report = ScenarioReport("R9", "half-open connections", fault_kinds="one direction or both black-holed")
    async with World(ctx, report, proxy=True, config={"limits": {"heartbeat_s": _HEARTBEAT_S}}) as world:
        assert world.proxy is not None
        devices = await world.people(6)
        steady = await world.device("user/steady", url=world.server.url)
        await world.group(_CONV, steady, [device.party for device in devices])
        noticed_s: list[float] = []
        for number in range(rounds * len(_CASES)):
            directions = _CASES[number % len(_CASES)]
            for connection in world.proxy.alive:
                connection.stall(*directions)
                report.faults += 1
            stalled_at_s = time.monotonic()
            for device in [*devices, steady]:
                for _ in range(sends):
                    device.send(_CONV)
            noticed_s += await asyncio.gather(*(_until_not_online(device, stalled_at_s) for device in devices))
            back_s = await asyncio.gather(*(_until_online(device, stalled_at_s) for device in devices))
            report.recovery_s += back_s
            if number % 2:
                world.proxy.release_all()  # what was held arrives late, on connections that are fenced by now
            else:
                world.proxy.cut_all()
                await asyncio.gather(*(_until_online(device, stalled_at_s) for device in devices))
        verdict = await world.judge()
        # One and a half silent heartbeats, half of one for a ping without an answer, and a second for the machine. The
        # short version runs among other tests on machines that stall for seconds: there the bound only has to tell a
        # heartbeat that works from one that does not; the exact times are tests/unit/link/test_client_machine.py's.
        limit_s = 2 * _HEARTBEAT_S + (1.0 if ctx.full else 8.0)
        report.check(
            f"noticed within {limit_s:g} s at a heartbeat of {_HEARTBEAT_S:g} s",
            max(noticed_s) < limit_s,
            f"slowest {max(noticed_s):.2f} s of {len(noticed_s)}",
        )
        report.check("every send got a definite answer", verdict.unresolved == 0)
        report.notes.append(
            "A client notices within two heartbeats: one and a half of silence, and half for its own ping. Every device"
            f" sends {sends} messages into its dead connection. The proxy holds the bytes; the kernel's own"
            " acknowledgements still flow."
        )
    return report


async def _until_not_online(device: Device, since_s: float) -> float:
    assert device.client is not None
    async with asyncio.timeout(30):
        while device.client.state is ClientState.ONLINE:
            await asyncio.sleep(0.01)
    return time.monotonic() - since_s


async def _until_online(device: Device, since_s: float) -> float:
    assert device.client is not None
    async with asyncio.timeout(30):
        while device.client.state is not ClientState.ONLINE:
            await asyncio.sleep(0.01)
    return time.monotonic() - since_s
