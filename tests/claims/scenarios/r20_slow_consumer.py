"""R20: one client stops reading while a burst goes to it and others: bounded memory, calm others, clean return."""

from __future__ import annotations

import asyncio

from tests.claims.context import Context
from tests.claims.report import ScenarioReport, percentile
from tests.claims.world import World

_CONV = "g.r20"
_PADDING_BYTES = 4_000
_GROWTH_BYTES = 96 << 20


async def run(ctx: Context) -> ScenarioReport:
    """Burst without and with a reader that does not read; compare the others' latency and the server's memory."""
    burst, stalled = ctx.size(short=(1_000, 2), full=(15_000, 4))
    report = ScenarioReport("R20", f"{stalled} clients stop reading during a burst", fault_kinds="reading stopped")
    async with World(ctx, report, proxy=True, config={"limits": {"link_rate": 0}}) as world:
        assert world.proxy is not None
        others = [await world.device(f"user/u{number}", url=world.server.url) for number in range(4)]
        slow = [await world.device(f"user/slow{number}") for number in range(stalled)]
        await world.group(_CONV, others[0], [device.party for device in [*others, *slow]])

        async def load(count: int) -> float:
            """Send from all others as fast as they get answers; returns the 99th percentile in ms."""
            for device in others:
                device.latency_ms.clear()
            await world.send_many(others, count, window=8, padding_bytes=_PADDING_BYTES)
            return percentile([ms for device in others for ms in device.latency_ms], 0.99) or 0.0

        await load(burst // 4)  # both sides reach their working size
        alone_ms = await load(burst)
        before_bytes = world.server.rss_bytes()
        world.proxy.stall_all("to_client")
        report.faults += stalled
        watch = asyncio.create_task(_peak_bytes(world))
        burst_ms = await load(burst)
        watch.cancel()
        peak_bytes = await watch
        sent_bytes = burst * _PADDING_BYTES * stalled
        report.check(
            f"memory grows by less than {_GROWTH_BYTES >> 20} MiB",
            peak_bytes - before_bytes < _GROWTH_BYTES,
            f"{(peak_bytes - before_bytes) / (1 << 20):.0f} MiB for {sent_bytes / (1 << 20):.0f} MiB that nobody read",
        )
        report.check(
            "the others' p99 is below twice what it is without slow readers",
            burst_ms < 2 * alone_ms + 5,
            f"{burst_ms:.1f} ms against {alone_ms:.1f} ms",
        )
        world.proxy.release_all()
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0)
    return report


async def _peak_bytes(world: World) -> int:
    """Watch the server's memory until cancelled; returns the highest value seen."""
    peak = 0
    try:
        while True:
            peak = max(peak, world.server.rss_bytes())
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return peak
