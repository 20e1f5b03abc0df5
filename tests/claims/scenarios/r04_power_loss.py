"""R4: power is lost at a random moment; without fsync the same test must find losses."""

from __future__ import annotations

from tests.claims.context import Context
from tests.claims.journal_history import JournalHistory
from tests.claims.report import ScenarioReport
from tests.faults.faulty_io import FaultyIo, Loss, SimulatedCrash
from trunkline.domain.history import Verdict
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
    return report


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
