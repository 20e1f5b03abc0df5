"""`python -m tests.claims [--full] [--only R2,R8] [--seed N] [--minutes M]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.claims.page import write_page
from tests.claims.registry import REQUIRED
from tests.claims.runner import ROOT, changed_since, commit, run


def main(arguments: list[str]) -> int:
    """Run and print; the result is 0 only when every scenario there should be has passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.claims", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="published sizes; writes docs/reliability.md")
    size.add_argument("--short", action="store_true", help="the sizes of `make test` (the default)")
    parser.add_argument("--only", help=f"comma-separated scenarios out of {', '.join(REQUIRED)}")
    parser.add_argument("--seed", type=int, default=20_261, help="decides everything random")
    parser.add_argument("--minutes", type=float, help="time for the scenarios that go by time, each")
    parser.add_argument("--keep", type=Path, help="directory for data and histories of failed scenarios")
    parser.add_argument("--report", type=Path, help="where to write the page, whatever the sizes")
    parser.add_argument("--dirty", action="store_true", help="write the page from uncommitted files; it says so")
    options = parser.parse_args(arguments)
    only = [name.strip().upper() for name in options.only.split(",")] if options.only else None
    if only and (unknown := [name for name in only if name not in REQUIRED]):
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(REQUIRED)}")
    page = options.report or (ROOT / "docs" / "reliability.md" if options.full and only is None else None)
    began = commit()
    if page is not None and began.endswith("+changes") and not options.dirty:
        parser.error("src or tests differ from the commit, which a report must name: commit first, or say --dirty")
    reports, missing = run(only=only, full=options.full, seed=options.seed, minutes=options.minutes, keep=options.keep)
    if page is not None:
        # Servers are started from the working tree throughout: what was changed meanwhile is part of what was judged.
        differing = changed_since(began.removesuffix("+changes"))
        write_page(page, reports, missing, began, differing)
        print(f"wrote {page}")
        if differing and not options.dirty:
            print("src or tests changed while this ran: the report says so and cannot be relied on", file=sys.stderr)
            return 1
    return 0 if reports and not missing and all(report.passed for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
