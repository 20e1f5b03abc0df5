"""R26: the checker catches every planted fault under the right name, and passes every clean history."""

from __future__ import annotations

from tests.claims.context import Context
from tests.claims.report import ScenarioReport
from tests.unit.history.generate import Run, generate
from tests.unit.history.planting import FAULTS


async def run(ctx: Context) -> ScenarioReport:
    """Plant each kind of fault into many random histories."""
    report = ScenarioReport("R26", "checker self-test", fault_kinds=", ".join(FAULTS))
    rng = ctx.rng("R26")
    histories = ctx.size(short=20, full=400)
    for name, (invariant, counter, plant) in FAULTS.items():
        planted = missed = 0
        for _ in range(histories):
            clean = _history(rng.randrange(1 << 32), rng.random() < 0.5, rng.random() < 0.5)
            verdict = clean.check()
            if not verdict.clean:
                report.check("a clean history passes", False, verdict.sentences()[0])
            report.n += verdict.accepted
            if not plant(clean, rng):
                continue
            planted += 1
            found = clean.check()
            missed += invariant not in found.violations or bool(counter and getattr(found, counter) < 1)
        report.faults += planted
        report.check(f"{name} is called {invariant}", planted > 0 and missed == 0, f"{planted - missed} of {planted}")
    report.notes.append("N counts the acknowledged sends of the clean histories, none of which was called a violation.")
    return report


def _history(seed: int, retention: bool, restore: bool) -> Run:
    return generate(seed, steps=400, devices=4, convs=3, retention=retention, restore=restore)
