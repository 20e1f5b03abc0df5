"""R1: many clients, many conversations, no faults: the base line."""

from __future__ import annotations

import asyncio
import time

from tests.claims.context import Context
from tests.claims.report import ScenarioReport
from tests.claims.world import World


async def run(ctx: Context) -> ScenarioReport:
    """Send from all clients at once and compare everything."""
    people, groups, sends = ctx.size(short=(10, 5, 1_500), full=(50, 20, 200_000))
    report = ScenarioReport("R1", f"{people} clients, {groups} conversations, no faults")
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        devices = await world.people(people)
        for number in range(groups):
            members = world.rng.sample(devices, min(people, 4))
            await world.group(f"g.r1-{number}", members[0], [member.party for member in members])
        stop = asyncio.Event()
        observer = asyncio.create_task(world.observe(stop))
        start_s = time.monotonic()
        await world.send_many(devices, sends)
        took_s = time.monotonic() - start_s
        stop.set()
        await observer
        verdict = await world.judge()
        report.check("every send got an answer", verdict.unresolved == 0, f"{verdict.unresolved} did not")
        report.check("every send was accepted", verdict.accepted == sends, f"{verdict.accepted:,} of {sends:,}")
        report.notes.append(
            f"{sends / took_s:,.0f} sends/s and {verdict.deliveries / took_s:,.0f} deliveries/s, with all clients in"
            " one Python process, which is the limit here."
        )
    return report
