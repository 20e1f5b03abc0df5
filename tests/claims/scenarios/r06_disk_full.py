"""R6: a full disk gives definite errors and needs no restart; a failed sync stops the store.

Twice: the journal alone on a simulated disk, and the whole server, under load from real clients.
"""

from __future__ import annotations

import asyncio
import errno
import time

import httpx

from tests.claims.context import Context
from tests.claims.journal_history import JournalHistory
from tests.claims.report import ScenarioReport
from tests.claims.world import World
from tests.faults.faulty_io import FaultyIo, Loss
from tests.faults.power_cut import PowerCut, compiler
from trunkline.protocol.journal.errors import JournalFailed, JournalNotApplied


async def run(ctx: Context) -> ScenarioReport:
    """Fill disks, make room, and fail syncs, over many seeds."""
    report = ScenarioReport("R6", "disk full, EIO on fsync", fault_kinds="ENOSPC at any byte, EIO on a sync")
    for number in range(ctx.size(short=40, full=1_000)):
        _full_disk(ctx, number, report)
        _failed_sync(ctx, number, report)
    if compiler() is None:
        report.notes.append("The whole server was not tried: there is no C compiler here.")
    else:
        await whole_server(ctx, report)
    return report


async def whole_server(ctx: Context, report: ScenarioReport) -> None:
    """Fill the disk under the server, make room, and at last fail its syncs."""
    name = "server"
    disk = PowerCut(ctx.directory / f"{name}-disk", ctx.directory / name / "data")
    config: dict[str, dict[str, object]] = {"limits": {"link_rate": 0}, "store": {"segment_bytes": 262_144}}
    rounds = ctx.size(short=1, full=20)
    async with World(ctx, report, name, config=config, environment=disk.environment) as world:
        devices = await world.people(4)
        conv = await world.group("g.r6", devices[0], [device.party for device in devices])
        pid = world.server.pid
        load = asyncio.create_task(world.send_many(devices, 10_000_000, window=2, padding_bytes=2_000))
        for _ in range(rounds):
            await asyncio.sleep(0.3)
            disk.full.touch()
            report.faults += 1
            await _refused_definitely(world, conv, report)
            head = len(await world.read_log(conv))
            if head == 0:
                report.check("the whole server: reads keep working on a full disk", False)
            disk.full.unlink()
            room_s = time.monotonic()
            await _acked_after(world, room_s)
            report.recovery_s.append(time.monotonic() - room_s)
        report.check("the whole server: no restart was needed", world.server.pid == pid and world.server.running)
        disk.eio.touch()
        report.faults += 1
        async with asyncio.timeout(15):
            while await world.server.health() != 503:
                await asyncio.sleep(0.02)
        report.check("the whole server: after a failed sync it is not ready", True)
        disk.eio.unlink()
        failed_s = time.monotonic()
        await asyncio.sleep(0.3)
        late = [at for device in world.devices for at in device.acked_at_s[-50:] if at > failed_s]
        report.check("the whole server: after a failed sync nothing is accepted", not late, f"{len(late)} were")
        await world.server.restart()
        await _acked_after(world, world.server.started_at_s)
        world.stop_sending()
        await load
        await world.judge()
    report.notes.append(f"The whole server met a full disk {rounds} times and a failed sync once, under load.")


async def _refused_definitely(world: World, conv: str, report: ScenarioReport) -> None:
    """Ask past the SDK, which would wait for room: the answer says that nothing was applied."""
    with httpx.Client(base_url=world.server.url, auth=(world.server.key, world.server.secret)) as api:
        for _ in range(200):  # until then there may be reserved room
            said = await asyncio.to_thread(
                api.post,
                f"/v1/conversations/{conv}/messages",
                json={"type": "custom", "content": {"data": "x" * 10_000}},
                headers={"Trunkline-Party": world.devices[0].party},
            )
            if said.status_code != 201:
                problem = said.json()
                definite = (said.status_code, problem.get("name"), problem.get("applied")) == (507, "disk_full", False)
                if not definite:
                    report.check("the whole server: a full disk gives a definite error", False, said.text[:200])
                return
    report.check("the whole server: a full disk refuses", False, "200 messages were accepted")


async def _acked_after(world: World, moment_s: float) -> None:
    async with asyncio.timeout(30):
        while not any(device.acked_at_s and device.acked_at_s[-1] > moment_s for device in world.devices):
            await asyncio.sleep(0.01)


def _full_disk(ctx: Context, number: int, report: ScenarioReport) -> None:
    """Run out of space several times; what was there stays readable, and appends go on as soon as there is room."""
    rng = ctx.rng("R6 full", number)
    io = FaultyIo(rng.randrange(1 << 32), capacity_bytes=rng.randint(16_000, 60_000))
    history = JournalHistory(io, rng)
    journal = history.open()
    for _ in range(3):
        while history.append():
            pass
        report.faults += 1
        before = [lsn for lsn, _ in journal.read(0)]
        if not _is_definite(history):
            report.check("a full disk gives a definite error", False, f"seed part {number}")
        if [lsn for lsn, _ in journal.read(0)] != before:
            report.check("reads keep working on a full disk", False, f"seed part {number}")
        if journal.failure is not None:
            report.check("a full disk does not stop the journal", False, journal.failure)
        assert io.capacity_bytes is not None
        io.capacity_bytes += rng.randint(3_000, 20_000)
        if not history.append():
            report.check("appends go on without a restart once there is room", False, f"seed part {number}")
    io.lose_power(rng.choice(list(Loss)))
    try:
        history.open()
    except JournalFailed:
        assert io.capacity_bytes is not None
        # Repairing a torn tail can need room that the full disk does not have: it says so, and starts once there is.
        io.capacity_bytes += 64_000
        history.open()
    history.append()
    report.judge(history.verdict())


def _is_definite(history: JournalHistory) -> bool:
    """Say whether an append of a whole segment's size, which cannot fit, is refused as not applied."""
    assert history.journal is not None
    try:
        history.journal.append(bytes(64_000))
    except JournalNotApplied:
        return True
    return False


def _failed_sync(ctx: Context, number: int, report: ScenarioReport) -> None:
    """Fail one sync: the outcome of that append is unknown, and the journal takes no more until it is opened again."""
    rng = ctx.rng("R6 sync", number)
    io = FaultyIo(rng.randrange(1 << 32))
    history = JournalHistory(io, rng)
    journal = history.open()
    for _ in range(rng.randint(1, 30)):
        history.append()
    io.fail_fsync(errno.EIO, cache_shows_lost_data=rng.random() < 0.5)
    report.faults += 1
    if history.append():
        report.check("a failed sync is no acknowledgement", False, f"seed part {number}")
    try:
        journal.append(b"o,after")
        report.check("after a failed sync nothing is accepted", False, f"seed part {number}")
    except JournalFailed:
        pass
    if journal.failure is None:
        report.check("the store is marked as failed", False, f"seed part {number}")
    if rng.random() < 0.5:
        io.crash()
    else:
        io.lose_power(rng.choice(list(Loss)))
    history.open()
    for _ in range(3):
        history.append()
    report.judge(history.verdict())
