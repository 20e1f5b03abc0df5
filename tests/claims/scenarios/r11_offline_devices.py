"""R11: five devices of one user; three away for an hour, one for longer than the inbox remembers: all converge."""

from __future__ import annotations

import asyncio

from tests.claims.context import Context
from tests.claims.report import ScenarioReport
from tests.claims.skewed_server import set_clock
from tests.claims.world import World

_HOUR_S = 3_600.0
_DAY_S = 86_400.0
_TOMBSTONES_KEPT_DAYS = 90


async def run(ctx: Context) -> ScenarioReport:
    """Devices go, the world moves on, the clock jumps ahead, devices come back."""
    sends = ctx.size(short=200, full=5_000)
    report = ScenarioReport("R11", "five devices, away for an hour and for 91 days", fault_kinds="devices offline")
    clock = ctx.directory / "clock"
    set_clock(clock, 0.0)
    world = World(
        ctx,
        report,
        config={"limits": {"link_rate": 0}},
        module="tests.claims.skewed_server",
        arguments=("--clock", str(clock), "--prune-every-s", "0.2"),
    )
    async with world:
        friends = [await world.device(f"user/friend{number}") for number in range(3)]
        mine = [await world.device("user/five", f"d{number}", persistent=True) for number in range(1, 6)]
        convs = [await world.group(f"g.r11-{number}", friend, ["user/five"]) for number, friend in enumerate(friends)]
        await world.send_many([*friends, mine[0]], sends // 4)
        for device in mine[1:]:
            await device.stop()
            report.faults += 1
        await world.send_many([*friends, mine[0]], sends // 4)
        world.server.clock_offset_s = _HOUR_S
        set_clock(clock, _HOUR_S)
        await asyncio.gather(*(device.start() for device in mine[1:4]))
        await world.send_many([*friends, *mine[:4]], sends // 4)
        # The fifth stays away. A conversation is left meanwhile, and the inbox forgets even that.
        assert friends[2].client is not None
        await friends[2].client.groups.kick(convs[2], "user/five")
        # The four that are online see it; pushes still on their way would be lost to the kill, and then to the 91 days.
        seen = {convs[2]: (await world.read_log(convs[2]))[-1].seq}
        await asyncio.gather(*(device.caught_up(seen) for device in mine[:4]))
        ahead_s = (_TOMBSTONES_KEPT_DAYS + 1) * _DAY_S
        world.server.clock_offset_s = ahead_s
        set_clock(clock, ahead_s)
        await world.server.kill()
        await world.server.start()
        await world.send_many([*friends[:2], *mine[:4]], sends // 4, convs=convs[:2])
        await asyncio.sleep(0.5)  # more than two rounds of pruning
        await mine[4].start()
        # What it missed of the conversation that is gone, it was told by the resync that it will not get.
        world.closed_away.add((mine[4].dev, convs[2]))
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0)
        report.check("the fifth device was told to resync", mine[4].resyncs > 0, f"{mine[4].resyncs} times")
        others = sum(device.resyncs for device in mine[:4])
        report.notes.append(
            f"The server's clock was moved ahead. The four others fetched their list anew {others} times, after the"
            " restart 91 days later. Messages themselves are kept without limit."
        )
    return report
