"""R18: the server's wall clock jumps and drifts; order and deduplication do not care, tokens tolerate a minute."""

from __future__ import annotations

import asyncio
import itertools
import time

from tests.claims.context import Context
from tests.claims.raw_link import RawLink
from tests.claims.report import ScenarioReport
from tests.claims.skewed_server import set_clock
from tests.claims.world import World
from trunkline.client import RequestFailed

_JUMPS_S = (3_600.0, -3_600.0, 0.0, -90.0, 45.0, 86_400.0, 0.0)
_SKEW_S = 60


async def run(ctx: Context) -> ScenarioReport:
    """Send while the clock jumps, restart in the past, and connect with tokens from skewed clocks."""
    people, pause_s = ctx.size(short=(6, 0.2), full=(20, 3.0))
    report = ScenarioReport(
        "R18", "clock jumps, drift, tokens from skewed clocks", fault_kinds="jumps of up to a day, drift"
    )
    clock = ctx.directory / "clock"
    set_clock(clock, 0.0)
    world = World(
        ctx,
        report,
        config={"limits": {"link_rate": 0}},
        module="tests.claims.skewed_server",
        arguments=("--clock", str(clock)),
    )
    async with world:
        devices = await world.people(people)
        convs = [await world.group(f"g.r18-{n}", devices[n], [d.party for d in devices]) for n in range(3)]
        load = asyncio.create_task(world.send_many(devices, 10_000_000, window=2))
        for jump_s in _JUMPS_S:
            await asyncio.sleep(pause_s)
            set_clock(clock, jump_s, drift_ppm=world.rng.choice((-200.0, 0.0, 200.0)))
            report.faults += 1
        await asyncio.sleep(pause_s)
        # A start in the past: numbers and ids must go on from the log, not from the clock.
        set_clock(clock, -3_600.0)
        await world.server.kill()
        await world.server.start()
        report.faults += 1
        # The clients' tokens are minted by a clock that is now an hour ahead of the server, which is right to refuse.
        set_clock(clock, 0.0)
        await asyncio.sleep(pause_s)
        world.stop_sending()
        await load
        for conv in convs:
            entries = await world.read_log(conv)
            backwards = sum(b.at_ms < a.at_ms for a, b in itertools.pairwise(entries))
            report.check(f"{conv}: times never decrease", backwards == 0, f"{backwards} of {len(entries)}")
        await _tokens(world, report)
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0, f"{verdict.unresolved} left")
    return report


async def _tokens(world: World, report: ScenarioReport) -> None:
    """Connect with tokens minted by a clock that is ahead."""
    for ahead_s, accepted in ((_SKEW_S - 10, True), (_SKEW_S + 30, False), (3_600, False)):
        token = world.server.token("user/skewed", now_s=time.time() + ahead_s)
        try:
            link = await RawLink.connect(world.server.url, token, f"ahead-{ahead_s}", f"outbox-ahead-{ahead_s}")
            await link.close()
            connected = True
        except RequestFailed:
            connected = False
        answer = "accepted" if accepted else "refused"
        report.check(f"a token from a clock {ahead_s:g} s ahead is {answer}", connected is accepted)
