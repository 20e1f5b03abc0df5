"""What measures hand to the report.

Lives here: sections, tables, verdicts against targets, medians over rounds. Does not live here: Markdown or plots.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass
class Table:
    """Rows of text under a heading row."""

    columns: list[str]
    rows: list[list[str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Verdict:
    """One target of the project and what this run found."""

    target: str
    measured: str
    met: bool | None
    """None when it could not be decided in this run."""
    note: str = ""


@dataclasses.dataclass
class Section:
    """One measure: how it was done, what came out."""

    name: str
    title: str
    method: str
    tables: list[Table] = dataclasses.field(default_factory=list)
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    plots: list[str] = dataclasses.field(default_factory=list)
    """File names of plots under ``docs/img``, in order."""
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Numbers for plots, for other measures and for the raw file."""


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median and range over rounds: ``55,007 (53,100-56,200)``; the bare value when there is one."""
    median = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return median
    return f"{median} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Round by round, so that slow minutes of the host cancel out."""
    return [a / b for a, b in zip(ours, theirs, strict=False) if b > 0]


def ratio_verdict(target: str, found: Sequence[float], least: float, flags: Sequence[str] = ()) -> Verdict:
    """A verdict on a ratio that must be at least ``least``; undecided without a peer."""
    if not found:
        return Verdict(target, "not measured", None)
    # Details of a disturbance are in the rows; here the word is enough.
    remarks = sorted({"disturbed" if flag.startswith("disturbed") else flag for flag in flags})
    return Verdict(target, spread(found, 2) + " x", statistics.median(found) >= least, "; ".join(remarks))
