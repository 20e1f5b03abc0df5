"""What a scenario reports, and the table of all reports.

Lives here: the numbers of one scenario, checks with a name, percentiles, and text tables. Does not live here: running
(`runner`), the published page (`page`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from trunkline.domain.history import Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a scenario besides the invariants, with the numbers it was decided by."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(slots=True)
class ScenarioReport:
    """How a scenario went.

    Attributes:
        scenario: `R2`.
        title: What was done, in a few words.
        n: How many accepted operations the result stands on (the denominator).
        faults: How many faults were injected.
        fault_kinds: Which, in words.
        verdicts: Of the history checker; a scenario may have several runs.
        checks: The other pass criteria.
        latency_ms: Of accepted sends, from the call to the acknowledgement.
        recovery_s: From each fault to the first success after it.
        notes: What a reader must know to read the numbers, limits included.
    """

    scenario: str
    title: str
    n: int = 0
    faults: int = 0
    fault_kinds: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seed: int = 0
    elapsed_s: float = 0.0

    def check(self, name: str, passed: bool, detail: str = "") -> None:
        """Add a condition; one that is not met fails the scenario."""
        self.checks.append(Check(name, passed, detail))

    def judge(self, verdict: Verdict) -> None:
        """Add a verdict of the history checker, and its accepted sends to the denominator."""
        self.verdicts.append(verdict)
        self.n += verdict.accepted

    @property
    def violations(self) -> int:
        """Violated invariants and unmet conditions together."""
        return sum(v.total_violations for v in self.verdicts) + sum(not c.passed for c in self.checks)

    @property
    def passed(self) -> bool:
        """A scenario without a single accepted operation has shown nothing, and does not pass."""
        return self.violations == 0 and self.n > 0

    @property
    def harmed(self) -> tuple[int, int, int]:
        """Lost, duplicated, reordered over all verdicts."""
        return (
            sum(v.lost for v in self.verdicts),
            sum(v.duplicated for v in self.verdicts),
            sum(v.reordered for v in self.verdicts),
        )

    @property
    def bound_95(self) -> float | None:
        """The bound of the harm rate: only a clean scenario has one worth printing."""
        return 3 / self.n if self.passed and self.n else None

    def failures(self) -> list[str]:
        """Say what went wrong, one line each."""
        lines = [sentence for verdict in self.verdicts for sentence in verdict.sentences()]
        lines += [f"{c.name}: {c.detail or 'not met'}" for c in self.checks if not c.passed]
        if self.n == 0:
            lines.append("nothing was accepted, so nothing was shown")
        return lines


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that `share` of the values do not exceed (nearest rank); None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * len(ordered) * 1000) // 1000) - 1))]


def number(value: float | None, digits: int = 3) -> str:
    """Write a number shortly, a dash for none."""
    return "-" if value is None else f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"


HEADINGS = (
    "scenario", "N", "faults", "seed", "p50 ms", "p99 ms", "recovery s", "lost", "dup", "reord", "violations",
    "95 % bound", "result",
)  # fmt: skip


def row(report: ScenarioReport) -> tuple[str, ...]:
    """Return the cells of one report, as in `HEADINGS`."""
    lost, duplicated, reordered = report.harmed
    return (
        f"{report.scenario} {report.title}",
        f"{report.n:,}",
        f"{report.faults:,}",
        str(report.seed),
        number(percentile(report.latency_ms, 0.5)),
        number(percentile(report.latency_ms, 0.99)),
        number(max(report.recovery_s, default=None)),
        str(lost),
        str(duplicated),
        str(reordered),
        str(report.violations),
        number(report.bound_95, 2),
        "pass" if report.passed else "FAIL",
    )


def text_table(reports: Iterable[ScenarioReport]) -> str:
    """Return a table for the terminal."""
    rows = [HEADINGS, *(row(report) for report in reports)]
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(HEADINGS))]
    lines = []
    for cells in rows:
        first, rest = cells[0].ljust(widths[0]), [c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True)]
        lines.append("  ".join([first, *rest]))
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def markdown_table(reports: Iterable[ScenarioReport]) -> str:
    """Return the same table for the published page."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---" * len(HEADINGS) + "|"]
    lines += ["| " + " | ".join(row(report)) + " |" for report in reports]
    return "\n".join(lines)
