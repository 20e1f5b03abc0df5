"""R4: power is lost at a random moment; without fsync the same test must find losses.

Twice: the journal alone on a simulated disk, and the whole server with its journal and its SQLite files, under load
from real clients.
"""

from __future__ import annotations

import asyncio
import time

from tests.claims.context import Context
from tests.claims.device import id_of
from tests.claims.journal_history import JournalHistory
from tests.claims.report import ScenarioReport
from tests.claims.server_process import ServerNotReadyError
from tests.claims.world import World
from tests.faults.faulty_io import FaultyIo, Loss, SimulatedCrash
from tests.faults.power_cut import PowerCut, compiler
from trunkline.client import ClientStopped, RequestFailed
from trunkline.domain.history import Ok, Verdict
from trunkline.protocol.journal.errors import JournalError

_LOSSES = (Loss.EVERYTHING, Loss.NOTHING, Loss.RANDOM_SECTORS, Loss.TORN)


async def run(ctx: Context) -> ScenarioReport:
    """Lose power several times in the life of each journal, with fsync and without."""
    seeds = ctx.size(short=40, full=1_000)
    report = ScenarioReport(
        "R4", f"power loss, {seeds} seeds", fault_kinds="un-synced writes lost, kept, torn or mixed"
    )
    for number in range(seeds):
        verdict, losses = _one(ctx, number, fsync=True)
        assert verdict is not None
        report.faults += losses
        report.judge(verdict)
    bitten = lost = accepted = 0
    for number in range(seeds):
        verdict, _ = _one(ctx, number, fsync=False)
        bitten += verdict is None or not verdict.clean
        lost += 0 if verdict is None else verdict.lost
        accepted += 0 if verdict is None else verdict.accepted
    report.check(
        "the same test fails when fsync is switched off",
        bitten > seeds // 2,
        f"{bitten} of {seeds} seeds broke, {lost:,} of {accepted:,} acknowledged frames lost",
    )
    if compiler() is None:
        report.notes.append("The whole server was not tried: there is no C compiler here.")
    else:
        await whole_server(ctx, report)
    return report


async def whole_server(ctx: Context, report: ScenarioReport) -> None:
    """Cut the power of the server under load, several times in the life of each data directory."""
    lives, cuts = ctx.size(short=(1, 1), full=(8, 8))
    lost_bytes = 0
    for number in range(lives):
        lost_bytes += await _server_life(ctx, report, number, cuts)
    missing = acked = 0
    for number in range(ctx.size(short=1, full=4)):
        gone, of = await _without_fsync(ctx, number)
        missing += gone
        acked += of
    report.check(
        "the whole server: messages are lost when the journal's fsync is switched off",
        missing > 0,
        f"{missing:,} of {acked:,} acknowledged messages lost",
    )
    report.notes.append(
        f"The whole server lost power {lives * cuts} times under load; {lost_bytes:,} bytes of its journal and SQLite"
        " files did not survive. The journal is trimmed all the time, so that most of it is in SQLite alone."
    )


def _server_config(*, fsync: bool) -> dict[str, dict[str, object]]:
    return {
        "limits": {"link_rate": 0},
        "store": {"segment_bytes": 262_144, "keep_journal_bytes": 0, "project_every_s": 0.05, "fsync": fsync},
    }


async def _server_life(ctx: Context, report: ScenarioReport, number: int, cuts: int) -> int:
    name = f"server-{number}"
    disk = PowerCut(ctx.directory / f"{name}-disk", ctx.directory / name / "data")
    async with World(
        ctx,
        report,
        name,
        config=_server_config(fsync=True),
        module="tests.claims.hooked_server",
        arguments=("--trim-every-s", "0.2"),
        environment=disk.environment,
    ) as world:
        devices = await world.people(ctx.size(short=4, full=8))
        for group in range(ctx.size(short=2, full=4)):
            members = world.rng.sample(devices, 3)
            await world.group(f"g.{name}-{group}", members[0], [member.party for member in members])
        load = asyncio.create_task(world.send_many(devices, 10_000_000, window=2, padding_bytes=500))
        for _ in range(cuts):
            await asyncio.sleep(world.rng.uniform(0.2, ctx.size(short=0.6, full=1.5)))
            await world.server.kill()
            disk.cut(world.rng, world.rng.choice(_LOSSES))
            report.faults += 1
            await world.server.start()
            await asyncio.gather(*(device.back_online(world.server.started_at_s) for device in devices))
            report.recovery_s.append(time.monotonic() - world.server.started_at_s)
        world.stop_sending()
        await load
        verdict = await world.judge()
        if verdict.unresolved:
            report.check("every send got a definite answer", False, f"{verdict.unresolved} left")
    return disk.lost_bytes


async def _without_fsync(ctx: Context, number: int) -> tuple[int, int]:
    """Acknowledge messages without fsync and cut the power: how many are missing, of how many."""
    name = f"unsynced-{number}"
    disk = PowerCut(ctx.directory / f"{name}-disk", ctx.directory / name / "data")
    judged = ScenarioReport("R4", "without fsync")
    async with World(ctx, judged, name, config=_server_config(fsync=False), environment=disk.environment) as world:
        device = await world.device("user/a")
        conv = await world.group(f"g.{name}", device, ["user/b"])
        for _ in range(50):
            await device.send(conv)
        acked = {event.id for event in device.events if isinstance(event, Ok)}
        await device.stop()
        await world.server.kill()
        disk.cut(world.rng, Loss.EVERYTHING)
        try:
            await world.server.start()
            reader = await world.device("user/a", "reader", start=False)
            await reader.start(online=False)
            world.owners[conv] = reader
            kept = {id_of(entry) for entry in await world.read_log(conv)}
        except (ServerNotReadyError, RequestFailed, ClientStopped):
            kept = set()  # not even the app or the group is there
    return len(acked - kept), len(acked)


def _one(ctx: Context, number: int, *, fsync: bool) -> tuple[Verdict | None, int]:
    """Run one journal through several power losses; without fsync it may end up unreadable, which is None."""
    rng = ctx.rng("R4", number)
    io = FaultyIo(rng.randrange(1 << 32))
    history = JournalHistory(io, rng, fsync=fsync)
    losses = rng.randint(1, 5)
    for _ in range(losses):
        try:
            history.open()
            io.crash_at_operation(io.operations + rng.randint(1, 120))
            while True:
                history.append()
        except SimulatedCrash:
            io.lose_power(rng.choice(_LOSSES))
        except JournalError:
            if fsync:
                raise
            return None, losses
    try:
        history.open()
        return history.verdict(), losses
    except JournalError:
        if fsync:
            raise
        return None, losses
