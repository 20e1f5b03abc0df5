"""R19: a backup is taken under load, the server goes on, dies, and the backup is restored: a new epoch."""

from __future__ import annotations

import asyncio
import time

from tests.claims.context import Context
from tests.claims.device import Device, id_of
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from tests.faults.chaos_proxy import Policy
from trunkline.domain.history import Ok


async def run(ctx: Context) -> ScenarioReport:
    """Load, backup, more load, a dead data directory, restore, more load."""
    people, pause_s = ctx.size(short=(6, 0.7), full=(20, 8.0))
    report = ScenarioReport("R19", "backup under load, restored", fault_kinds="data directory lost, backup restored")
    directory = ctx.directory / "run"
    config: dict[str, dict[str, object]] = {
        "limits": {"link_rate": 0},
        "store": {"backup_directory": str(directory / "backups")},
    }
    async with World(ctx, report, proxy=True, config=config) as world:
        devices = await world.people(people)
        convs = [await world.group(f"g.r19-{n}", devices[n], [d.party for d in devices]) for n in range(3)]
        before = (await world.read_log(convs[0]))[0].epoch
        load = asyncio.create_task(world.send_many(devices, 10_000_000, window=2))
        await asyncio.sleep(pause_s)
        began_t = time.monotonic_ns()
        (directory / "backups").mkdir()
        await world.server.command("backup", str(directory / "backups" / "one"))
        ended_t = time.monotonic_ns()
        await asyncio.sleep(pause_s)
        await world.server.kill()
        killed_t = time.monotonic_ns()
        report.faults += 1
        world.server.data_dir.rename(directory / "lost")
        await world.server.command("restore", str(directory / "backups" / "one"))
        assert world.proxy is not None
        world.proxy.policy = Policy(refuse=True)  # until it was read what the restored store begins with
        await world.server.start()
        after, kept = await _heads(world, convs)
        world.proxy.policy = Policy()
        await asyncio.gather(*(device.client.online() for device in devices if device.client is not None))
        await asyncio.sleep(pause_s)
        world.stop_sending()
        await load
        logs = {conv: await world.read_log(conv) for conv in convs}
        world.epochs = [(before, {}), (after, kept)]
        verdict = await world.judge()
        report.check("the restored store has a new epoch", after > before, f"{before} and {after}")
        report.check("all devices noticed", all(device.resyncs for device in devices))
        present = {id_of(entry) for entries in logs.values() for entry in entries}
        lost = _acked(world, before, began_t) - present
        report.check("all that was accepted before the backup began is there", not lost, f"{len(lost)} are not")
        report.notes.append(
            f"{verdict.restored_away:,} sends that were accepted between the backup and the loss are gone: a window of"
            f" {(killed_t - began_t) / 1e9:.1f} s, which the one who restores chooses. The backup took"
            f" {(ended_t - began_t) / 1e9:.1f} s, while {len(devices)} clients sent."
        )
    return report


async def _heads(world: World, convs: list[str]) -> tuple[int, dict[str, int]]:
    """Ask the restored store for its epoch and its heads, past the proxy."""
    owner = world.owners[convs[0]]
    auditor = Device(world.server.url, lambda: world.server.token(owner.party), owner.party, "auditor")
    client = await auditor.start()
    views = [await client.conversations.fetch(conv) for conv in convs]
    await auditor.stop()
    return views[0].epoch, {view.conversation: view.head for view in views}


def _acked(world: World, epoch: int, until_t: int) -> set[str | None]:
    """Return what was accepted in an epoch before a moment."""
    return {
        event.id
        for device in world.devices
        for event in device.events
        if isinstance(event, Ok) and event.epoch == epoch and event.t < until_t
    }
