"""R10: all clients lose their connections at once, again and again, while messages are published."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from tests.faults.chaos_proxy import Policy
from trunkline.client import ClientState

_CONV = "g.r10"
_SLOT_S = 0.05


async def run(ctx: Context) -> ScenarioReport:
    """Cut everybody off, watch them come back spread out, and compare."""
    people, storms = ctx.size(short=(30, 3), full=(200, 20))
    report = ScenarioReport(
        "R10", f"{people} clients x {storms} reconnect storms", fault_kinds="RST of all connections"
    )
    async with World(ctx, report, proxy=True, config={"limits": {"link_rate": 0}}) as world:
        assert world.proxy is not None
        made_s: list[float] = []

        def note(number: int, rng: random.Random) -> Policy:
            made_s.append(time.monotonic())
            return Policy()

        world.proxy.policy = note
        devices = await world.people(people)
        publisher = await world.device("user/publisher", url=world.server.url)
        await world.group(_CONV, publisher, [device.party for device in devices])
        crowds: list[float] = []
        for _ in range(storms):
            for _ in range(5):
                publisher.send(_CONV)
            made_s.clear()
            start_s = time.monotonic()
            report.faults += world.proxy.cut_all()
            for _ in range(5):
                publisher.send(_CONV)
            async with asyncio.timeout(60):
                while len(made_s) < people or any(
                    d.client and d.client.state is not ClientState.ONLINE for d in devices
                ):
                    await asyncio.sleep(0.02)
            report.recovery_s.append(time.monotonic() - start_s)
            slots = Counter(int((at_s - start_s) / _SLOT_S) for at_s in made_s)
            crowds.append(max(slots.values()) / people)
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0)
        report.check(
            "clients come back spread out",
            max(crowds) < 0.6,
            f"at most {max(crowds):.0%} of them within the same {_SLOT_S * 1000:g} ms",
        )
        report.notes.append("All clients and the proxy share one Python process, which bounds their number.")
    return report


def _is_online(device: Device) -> bool:
    return device.client is not None and device.client.state is ClientState.ONLINE
