"""R10: the server ends all connections at once, again and again, while messages are published."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.report import ScenarioReport
from tests.claims.world import World

_SENDS = 5
_SLOT_S = 0.05
_CPU_MS = 10.0
"""Server time per reconnect, with its sync and the pull of what was missed: generous, to bite only at a storm that
feeds itself (clients that time out and come again while the server still works for their last attempt)."""


async def run(ctx: Context) -> ScenarioReport:
    """Cut everybody off, watch them come back spread out, and compare."""
    people, groups, storms = ctx.size(short=(30, 3, 4), full=(2_000, 200, 20))
    report = ScenarioReport(
        "R10",
        f"{people:,} clients x {storms} reconnect storms",
        fault_kinds="all connections closed by the server, or shut down behind its back",
    )
    world = World(
        ctx,
        report,
        config={"limits": {"link_rate": 0}},
        module="tests.claims.hooked_server",
        arguments=("--close-on-signal",),
    )
    async with world:
        devices = await world.people(people)
        publishers = devices[:groups]
        for number, publisher in enumerate(publishers):
            await world.group(f"g.r10-{number}", publisher, [device.party for device in devices[number::groups]])
        crowds: list[float] = []
        attempts = 0
        before_cpu_s = world.server.cpu_s()
        for storm in range(storms):
            sends = _publish(publishers)
            start_s = time.monotonic()
            world.server.signal(signal.SIGUSR2 if storm % 2 else signal.SIGUSR1)
            report.faults += people
            sends += _publish(publishers)
            await asyncio.gather(*(device.back_online(start_s) for device in devices), *sends)
            report.recovery_s.append(time.monotonic() - start_s)
            attempts += sum(at_s > start_s for device in devices for at_s in device.connecting_at_s)
            slots = Counter(int(wait_s / _SLOT_S) for device in devices for wait_s in device.waits_s)
            crowds.append(max(slots.values()) / slots.total())
            for device in devices:
                device.waits_s.clear()
                device.connecting_at_s.clear()
        cpu_ms = (world.server.cpu_s() - before_cpu_s) * 1e3 / (people * storms)
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0)
        report.check(
            "clients come back spread out",
            max(crowds) < 0.5 if people < 100 else max(crowds) < 0.2,
            f"at most {max(crowds):.0%} of them choose to wait until the same {_SLOT_S * 1000:g} ms",
        )
        report.check(
            f"a reconnect costs the server less than {_CPU_MS:g} ms of processor time",
            cpu_ms < _CPU_MS,
            f"{cpu_ms:.2f} ms, sync and what was missed included",
        )
        report.check(
            "nobody needs many attempts",
            attempts < 1.5 * people * storms,
            f"{attempts:,} attempts for {people * storms:,} reconnects",
        )
        report.notes.append(
            "The slowest of all clients sets the recovery time; they share one Python process, which is busier than the"
            " server."
        )
    return report


def _publish(publishers: list[Device]) -> list[asyncio.Task[None]]:
    return [device.send(f"g.r10-{number}") for number, device in enumerate(publishers) for _ in range(_SENDS)]
