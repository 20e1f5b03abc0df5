"""Writes docs/reliability.md from the reports of a full run."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from tests.claims.report import ScenarioReport, markdown_table, number
from trunkline.domain.history import INVARIANTS

_PROMISED = """\
## What is promised

A message that was acknowledged is on disk. It is delivered to every device that may see it, once, in the order of its
conversation, also when the server is killed, the machine loses power, the disk fills up, or connections break at any
byte. A send that got a definite error was not applied and never will be. A send without an answer is in the log once
or not at all, and the device finds out which when it is connected again.
"""

_NOT_PROMISED = """\
## What is not promised

* **The disk itself.** One machine with one copy: a disk that dies takes what it held since the last backup. Damage to
  committed bytes is found and reported, and the store refuses to start rather than serve a shorter log; it is not
  repaired. A disk or controller that reports a sync as done when it is not is outside of what software can see.
* **After a restore from a backup**, what was accepted after the backup was taken is gone. Clients are told by a new
  epoch and start over from what was kept.
* **Beyond retention**: a device that was away for longer gets an explicit resync and continues from the present.
* **The application's own callback.** The SDK hands over every entry once and in order to what it stores in its own
  database. A process that dies after its callback ran and before the SDK could note it sees that entry again, unless
  the application keeps its results in the same transaction.
* **Wall-clock time.** Order never depends on it, and it says nothing about order.
"""


_MOSTLY_JOURNAL = ("R3", "R4", "R5", "R6")


def write_page(
    path: Path, reports: list[ScenarioReport], missing: list[str], commit: str, differing: list[str]
) -> None:
    """Write the page; `differing` are files that are not as in the commit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(reports, missing, commit, differing), encoding="utf-8")


def page(reports: list[ScenarioReport], missing: list[str], commit: str, differing: list[str]) -> str:
    """Return the page as Markdown."""
    lost, duplicated, reordered = (sum(report.harmed[i] for report in reports) for i in range(3))
    # What the checker's self-test makes up (R26) is no operation of the system.
    real = [report for report in reports if report.scenario != "R26"]
    alone = sum(report.n for report in real if report.scenario in _MOSTLY_JOURNAL)
    total = sum(report.n for report in real)
    passed = sum(report.passed for report in reports)
    parts = [
        "# Reliability, measured",
        f"Written by `make claims` on {datetime.now(UTC):%Y-%m-%d} from commit `{commit}`, on {_machine()}."
        " Do not edit: run it again.",
        _warning(differing),
        f"**Lost {lost}, duplicated {duplicated}, reordered {reordered} of {total:,} accepted operations**, in"
        f" {len(real)} scenarios with {sum(report.faults for report in real):,} injected faults; {passed} of"
        f" {len(reports)} scenarios passed, the checker's self-test (R26) included. Of these operations,"
        f" {total - alone:,} went from real clients over sockets to the real server; {alone:,} are of R3 to R6: appends"
        " to the journal alone on a simulated disk, and in R4 and R6 sends to the whole server on a disk that fails.",
        _PROMISED,
        _NOT_PROMISED,
        "## Results",
        "N is the number of accepted operations that the result stands on. With no failure in N, the true rate is below"
        " 3/N with 95 % confidence: that is the bound. Times are those of this machine, which is shared by the server,"
        " the clients and the faults.",
        markdown_table(reports),
        "\n".join(_section(report) for report in reports),
        "## What was checked",
        "Every client writes down what it did and saw; after the faults the final logs are read from the server and"
        " compared (`src/trunkline/domain/history`):",
        "\n".join(f"* **{name}** {text}." for name, text in INVARIANTS.items()),
        "The checker itself is tested by planting faults into clean histories (R26).",
        "## What was not measured",
        _not_measured(missing),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _warning(differing: list[str]) -> str:
    """Say that the results are not those of the commit, when they are not."""
    if not differing:
        return ""
    names = ", ".join(f"`{name}`" for name in differing[:10]) + (", ..." if len(differing) > 10 else "")
    return f"**This is not what the commit does**: {len(differing)} files differed from it or were changed: {names}."


def _section(report: ScenarioReport) -> str:
    lines = [f"### {report.scenario} {report.title}", ""]
    if report.fault_kinds:
        lines.append(f"Faults: {report.fault_kinds}.")
    lines += [
        f"* {c.name}: {'yes' if c.passed else '**no**'}{f' ({c.detail})' if c.detail else ''}" for c in report.checks
    ]
    lines += [f"* {note}" for note in report.notes]
    lines += [f"* **failed**: {failure}" for failure in report.failures()[:10]]
    deliveries = sum(v.deliveries for v in report.verdicts)
    if deliveries:
        lines.append(f"* {deliveries:,} deliveries checked in {number(report.elapsed_s)} s.")
    return "\n".join(lines) + "\n"


def _not_measured(missing: list[str]) -> str:
    lines = [
        "* Networks between machines: client and server shared one machine, and bad networks were simulated by a proxy"
        " in front of the server (delay, cuts, stalls, resets), not by the kernel.",
        "* Real power loss: it was simulated, under the journal by a file system in memory and under the whole server"
        " by a library that notes every write and sync; both drop, keep, tear or reorder what was not synced.",
        "* Clusters, replicas and failover: this version is one process.",
        "* More than 2,000 clients at once (R10), all in one process beside the server.",
        "* Runs longer than minutes, and machines with more than the cores named above.",
    ]
    if missing:
        lines.append(f"* Not run at all: {', '.join(missing)}.")
    return "\n".join(lines)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
