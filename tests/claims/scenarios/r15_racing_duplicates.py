"""R15: the same send on two connections at once: one entry, and both are told the same position."""

from __future__ import annotations

import asyncio
import time

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.raw_link import RawLink
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from trunkline.client import RequestFailed
from trunkline.domain.history import Invoke, Ok

_CONV = "g.r15"
_OUTBOX = "outbox-of-both"


async def run(ctx: Context) -> ScenarioReport:
    """Race, repeat later, and repeat with other content."""
    sends = ctx.size(short=200, full=10_000)
    report = ScenarioReport("R15", "the same send on two connections", fault_kinds="duplicates, racing and late")
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        owner = await world.device("user/owner")
        raw = Device(world.url, lambda: "", "user/racer", "both")
        world.devices.append(raw)
        world.absent.add(raw.dev)
        await world.group(_CONV, owner, [raw.party])
        token = world.server.token(raw.party)
        links = [await RawLink.connect(world.url, token, name, _OUTBOX) for name in ("one", "two")]
        differing = conflicts = 0
        for n in range(1, sends + 1):
            text = f"{_OUTBOX}#{n}"
            raw.events.append(Invoke(raw.dev, _CONV, text, time.monotonic_ns()))
            answers = await asyncio.gather(*(link.send(_CONV, text, n) for link in links))
            if n % 10 == 0:
                answers.append(await world.rng.choice(links).send(_CONV, text, n))
                report.faults += 1
            report.faults += 1
            for answer in answers:
                raw.events.append(Ok(text, answer.seq, answer.epoch, time.monotonic_ns()))
            differing += any(answer != answers[0] for answer in answers)
            if n % 10 == 5:
                conflicts += not await _is_refused(links[0], "something else", n)
        for link in links:
            await link.close()
        await world.judge()
        report.check("all answers of a send are equal", differing == 0, f"{differing} differ")
        report.check("the same id with other content is refused", conflicts == 0, f"{conflicts} were not")
    return report


async def _is_refused(link: RawLink, text: str, n: int) -> bool:
    try:
        await link.send(_CONV, text, n)
    except RequestFailed as refused:
        return refused.name == "id_conflict"
    return False
