"""R8: the connection is cut at every byte of an exchange, in either direction."""

from __future__ import annotations

import asyncio

from tests.claims.context import Context
from tests.claims.device import Device
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from tests.faults.chaos_proxy import ChaosProxy, Direction, Faults, Policy
from trunkline.client import ClientState
from trunkline.wire.entries import EntryView

_SENDS = 3
_CONV = "g.r8"


async def run(ctx: Context) -> ScenarioReport:
    """Hello, sync, three messages and three replies, cut after 0, 1, 2... bytes until the cut is never reached."""
    report = ScenarioReport("R8", "cut at every byte of an exchange", fault_kinds="RST or FIN after exactly n bytes")
    async with World(ctx, report, proxy=True, config={"limits": {"link_rate": 0}}) as world:
        peer = await world.device("user/peer", url=world.server.url)

        def reply(entry: EntryView) -> None:
            if entry.sender == "user/cut" and entry.type == "text":
                peer.send(_CONV)

        peer.on_recv = reply
        device = await world.device("user/cut")
        await world.group(_CONV, peer, [device.party])
        assert world.proxy is not None
        for direction in ("to_server", "to_client"):
            cuts = await _cut_everywhere(ctx, world, device, peer, direction)
            report.faults += cuts
            report.notes.append(f"{direction.replace('_', ' ')}: cut at {cuts:,} positions.")
            report.check(
                f"{direction}: the whole exchange was covered",
                cuts >= ctx.size(short=20, full=500),
                f"{cuts} positions",
            )
        await world.judge()
        report.check("every send got a definite answer", not device.pending and not peer.pending)
    return report


async def _cut_everywhere(ctx: Context, world: World, device: Device, peer: Device, direction: Direction) -> int:
    """Go through the positions; ends when an exchange was over before its cut."""
    assert world.proxy is not None
    position, cuts = 0, 0
    while True:
        faults = Faults(cut_after_bytes=position)
        first = world.proxy.made
        reset = world.rng.random() < 0.5

        cut = (
            Policy(to_server=faults, reset=reset) if direction == "to_server" else Policy(to_client=faults, reset=reset)
        )

        def policy(number: int, rng: object, first: int = first, cut: Policy = cut) -> Policy:
            return cut if number == first else Policy()

        world.proxy.policy = policy
        world.proxy.cut_all()
        await _exchange(device, peer, world.proxy)
        subject = next((c for c in world.proxy.connections if c.number == first), None)
        if subject is not None and subject.alive:
            return cuts
        cuts += 1
        # The short run takes prime steps, so that it does not always cut at the same kind of place.
        position += ctx.size(short=37, full=1)


async def _exchange(device: Device, peer: Device, proxy: ChaosProxy) -> None:
    """Reconnect, send, and wait for all answers and replies; push the device on whenever it rests between attempts."""
    assert device.client is not None
    before = peer.acked
    sends = [device.send(_CONV) for _ in range(_SENDS)]
    async with asyncio.timeout(30):
        while not all(send.done() for send in sends) or peer.acked < before + _SENDS:
            if device.client.state is ClientState.OFFLINE:
                device.client.reconnect()
            await asyncio.sleep(0.002)
        while device.last_seen.get(_CONV, 0) < peer.last_seen[_CONV] or device.client.state is not ClientState.ONLINE:
            if device.client.state is ClientState.OFFLINE:
                device.client.reconnect()
            await asyncio.sleep(0.002)
