"""R6: a full disk gives definite errors and needs no restart; a failed sync stops the store."""

from __future__ import annotations

import errno

from tests.claims.context import Context
from tests.claims.journal_history import JournalHistory
from tests.claims.report import ScenarioReport
from tests.faults.faulty_io import FaultyIo, Loss
from trunkline.protocol.journal.errors import JournalFailed, JournalNotApplied


async def run(ctx: Context) -> ScenarioReport:
    """Fill disks, make room, and fail syncs, over many seeds."""
    report = ScenarioReport("R6", "disk full, EIO on fsync", fault_kinds="ENOSPC at any byte, EIO on a sync")
    for number in range(ctx.size(short=40, full=1_000)):
        _full_disk(ctx, number, report)
        _failed_sync(ctx, number, report)
    return report


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
