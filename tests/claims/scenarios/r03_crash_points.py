"""R3: the process dies at every named point of the journal, by kill and by power loss."""

from __future__ import annotations

import errno

from tests.claims.context import Context
from tests.claims.journal_history import JournalHistory
from tests.claims.report import ScenarioReport
from tests.faults.faulty_io import FaultyIo, Loss, SimulatedCrash
from trunkline.base import faultpoints
from trunkline.base.faultpoints import FaultPoint

POINTS = [point for point in FaultPoint if point.value.startswith("journal.")]
_APPENDS = 60


async def run(ctx: Context) -> ScenarioReport:
    """Crash at each point, at its first, second... time of being reached, and go on afterwards."""
    report = ScenarioReport(
        "R3", "crash at every fault point of append", fault_kinds="kill and power loss at each point"
    )
    times = ctx.size(short=3, full=40)
    crashed_at: dict[FaultPoint, int] = dict.fromkeys(POINTS, 0)
    for point in POINTS:
        for number in range(1, times + 1):
            for loss in (None, Loss.EVERYTHING, Loss.NOTHING, Loss.RANDOM_SECTORS, Loss.TORN):
                history = JournalHistory(
                    FaultyIo(ctx.rng(point, number, loss).randrange(1 << 32)), ctx.rng("payload", point, number, loss)
                )
                if _crash_once(history, point, number, loss):
                    crashed_at[point] += 1
                    report.faults += 1
                report.judge(history.verdict())
                assert history.journal is not None
                history.journal.close()
    missed = [point.value for point, count in crashed_at.items() if count == 0]
    report.check(
        "every point named in the code was crashed at",
        not missed,
        f"{len(POINTS)} points" if not missed else ", ".join(missed),
    )
    report.notes.append("Every crash is followed by a start and more appends; 5 kinds of loss at each point.")
    return report


def _crash_once(history: JournalHistory, point: FaultPoint, number: int, loss: Loss | None) -> bool:
    """Append, with the odd refused write, trim and restart in between, until the crash; then recover and go on."""
    reached = 0

    def hook(at: FaultPoint) -> None:
        nonlocal reached
        if at is point:
            reached += 1
            if reached == number:
                raise SimulatedCrash(at.value)

    crashed = False
    faultpoints.install(hook)
    try:
        _work(history)
    except SimulatedCrash:
        crashed = True
    finally:
        faultpoints.uninstall()
    if crashed:
        if loss is None:
            history.io.crash()
        else:
            history.io.lose_power(loss)
        history.open()
    for _ in range(5):
        history.append()
    return crashed


def _work(history: JournalHistory) -> None:
    """Reach every point again and again: appends and rolls, a refused write, trimming, a torn tail, a restart."""
    history.open()
    for step in range(1, _APPENDS + 1):
        history.append()
        assert history.journal is not None
        if step % 10 == 0:
            history.io.fail_write(errno.ENOSPC, after_bytes=7)
            history.append()
        if step % 12 == 0:
            history.prepare_segment()
        if step % 20 == 0:
            history.journal.trim(max(1, history.journal.last_lsn - 15))
        if step % 7 == 0:
            # A kill inside an append, so that the next start has something to repair: half a frame, or a whole one.
            if step % 2:
                history.io.shorten_write(9)
            _die_before(history, "pwrite" if step % 2 else "fdatasync", 2 if step % 2 else 1)
            history.io.crash()
            history.open()


def _die_before(history: JournalHistory, operation: str, number: int) -> None:
    """Append, and die before the operation of that number."""
    message = f"before {operation} {number}"
    seen = 0

    def die(name: str) -> None:
        nonlocal seen
        seen += name == operation
        if seen == number:
            raise SimulatedCrash(message)

    history.io.before_each(die)
    try:
        history.append()
    except SimulatedCrash as crash:
        if str(crash) != message:
            raise
    finally:
        history.io.before_each(None)
