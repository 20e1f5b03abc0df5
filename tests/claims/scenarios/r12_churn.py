"""R12: a large group in which members come and go while others send: everybody sees exactly their part of the log."""

from __future__ import annotations

import asyncio

from tests.claims.context import Context
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from trunkline.client import Client
from trunkline.wire.calls.conversations import GroupMembers

_CONV = "g.r12"


async def run(ctx: Context) -> ScenarioReport:
    """Send and change the membership at the same time; then compare every member's view with the log."""
    online, silent, senders, sends, changes = ctx.size(short=(24, 76, 6, 150, 30), full=(200, 300, 20, 1_500, 400))
    report = ScenarioReport(
        "R12", f"group of {online + silent}, {senders} senders, members come and go", fault_kinds="kick and invite"
    )
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        owner = await world.device("user/owner")
        devices = await world.people(online)
        nobody = [f"user/silent{number}" for number in range(silent)]
        await world.group(_CONV, owner, [*(device.party for device in devices), *nobody])
        sending, moving = devices[:senders], [device.party for device in devices[senders:]] + nobody
        # A sender who is out when it sends is refused, so senders stay; everybody else moves.
        load = asyncio.create_task(world.send_many([owner, *sending], sends))
        outside: set[str] = set()
        assert owner.client is not None
        for _ in range(changes):
            report.faults += 1
            if outside and (world.rng.random() < 0.5 or len(outside) > len(moving) // 2):
                back = world.rng.sample(sorted(outside), min(len(outside), world.rng.randint(1, 5)))
                await _change(owner.client, "group.invite", back)
                outside.difference_update(back)
            else:
                inside = sorted(set(moving) - outside)
                out = world.rng.sample(inside, world.rng.randint(1, 5))
                await _change(owner.client, "group.kick", out)
                outside.update(out)
        await load
        verdict = await world.judge()
        report.check("every send got a definite answer", verdict.unresolved == 0)
        report.notes.append(f"{online} members were connected, {silent} were members without a device.")
    return report


async def _change(client: Client, method: str, parties: list[str]) -> None:
    await client.call(method, GroupMembers(_CONV, parties), dict)
