"""The loss lab judges the mean of its runs and names every one of them."""

from __future__ import annotations

from bench.losslab import report
from bench.losslab.cases import Case, Outcome

COLUMNS = report.COLUMNS["video"]


def runs(*freezes: float, failed: str = "") -> list[Outcome]:
    return [Outcome(Case("video both 30%"), {"freeze": freeze}, failed) for freeze in freezes]


def verdict(outcomes: list[Outcome]) -> str:
    return report._row(outcomes, "on", COLUMNS).split("|")[-2].strip()


def test_the_mean_counts_and_every_run_is_named() -> None:
    assert verdict(runs(0.06, 0.0, 0.012)) == "< 0.05: met (6.0%, 0.0%, 1.2%)"
    assert verdict(runs(0.192, 0.0, 0.0)) == "< 0.05: missed (19.2%, 0.0%, 0.0%)"
    assert report._row(runs(0.02, 0.04), "on", COLUMNS).split("|")[3].strip() == "3.0%"


def test_a_run_that_failed_is_no_success() -> None:
    assert verdict(runs(0.0, failed="disconnected")) == "< 0.05: missed disconnected"
    assert "missed" in verdict([Outcome(Case("video both 30%"), {}, "TimeoutError: the first media")])


def test_cases_keep_their_order_and_their_runs() -> None:
    outcomes = [*runs(0.1), Outcome(Case("video clean")), *runs(0.2)]
    assert [(name, len(found)) for name, found in report.by_case(outcomes).items()] == [
        ("video both 30%", 2),
        ("video clean", 1),
    ]
