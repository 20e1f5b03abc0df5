"""Runs scenarios and prints their reports.

Lives here: the order, the deadline of each scenario, and what happens when one breaks. Does not live here: the
scenarios, and the published page (`page`).
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import uvloop

from tests.claims.context import Context
from tests.claims.registry import REQUIRED, Scenario, found
from tests.claims.report import ScenarioReport, text_table

ROOT = Path(__file__).resolve().parents[2]
_JUDGED = ("src", "tests")
_DEADLINE_S = {False: 120.0, True: 1_200.0}


def commit() -> str:
    """Return the commit that is being judged, marked when the working tree differs from it."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return (head or "unknown") + ("+changes" if changed_since("HEAD") else "")


def changed_since(revision: str) -> list[str]:
    """Return the files of the product and its tests that differ from a commit, new ones included."""
    changed = _git("diff", "--name-only", revision, "--", *_JUDGED).splitlines()
    return sorted({*changed, *_git("ls-files", "--others", "--exclude-standard", "--", *_JUDGED).splitlines()})


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


async def run_one(name: str, scenario: Scenario, ctx: Context) -> ScenarioReport:
    """Run one scenario; whatever it raises becomes a failed report."""
    start_s = time.monotonic()
    try:
        async with asyncio.timeout(_DEADLINE_S[ctx.full]):
            report = await scenario(ctx)
    except Exception as error:
        traceback.print_exc()
        report = ScenarioReport(name, "broke off")
        report.check("ran to its end", False, f"{type(error).__name__}: {error}")
    report.seed = ctx.seed
    report.elapsed_s = time.monotonic() - start_s
    return report


def run(
    *, only: list[str] | None, full: bool, seed: int, minutes: float | None, keep: Path | None = None
) -> tuple[list[ScenarioReport], list[str]]:
    """Run the scenarios; return the reports, and the names of required scenarios that do not exist."""
    known = found()
    wanted = [name for name in known if only is None or name in only]
    missing = [name for name in (only or REQUIRED) if name not in known]
    reports = []
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        directory = Path(tempfile.mkdtemp(prefix=f"claims-{name}-", dir=keep))
        print(f"{name} ...", end=" ", flush=True)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(run_one(name, known[name], Context(seed, full, minutes, directory)))
        print(f"{'pass' if report.passed else 'FAIL'} in {report.elapsed_s:.1f} s: {report.title}", flush=True)
        for line in report.failures()[:30]:
            print(f"    {line}", flush=True)
        if report.passed:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f"    data, logs and histories are kept in {directory}", flush=True)
        reports.append(report)
    print()
    print(text_table(reports))
    print(f"commit {commit()}, seed {seed}, {'full' if full else 'short'} sizes")
    if missing:
        print(f"not run, because there is no such scenario: {', '.join(missing)}", file=sys.stderr)
    return reports, missing
