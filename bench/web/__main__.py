"""`python -m bench.web`: measures, prints, and ends with 1 when a target is missed.

A full run writes `docs/bench-web.md`. `--only` measures some parts and keeps the others from `build/bench/web.json`,
for machines on which nobody has ten quiet minutes at a time; `--report` then writes the page from what is there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bench.machine import commit
from bench.settings import BUILD_DIR, ROOT
from bench.web import demo_site, first_interaction, live_room, pages, plots, report, scrolling, sizes
from bench.web.usage import Usage

RAW = BUILD_DIR / "web.json"


async def _scrolling(options: argparse.Namespace) -> dict[str, Any]:
    with pages.served("gallery") as url:
        async with pages.chromium() as browser:
            return await scrolling.measure(await browser.new_page(), f"{url}/gallery/index.html", options.seconds)


async def _first_interaction(_options: argparse.Namespace) -> dict[str, Any]:
    with demo_site.running() as url:
        async with pages.chromium() as browser:
            before = Usage.now()
            found = await first_interaction.measure(browser, url)
            return found | {"cores": Usage.now().since(before)}


async def _live_room(options: argparse.Namespace, seconds: float = 0.0) -> dict[str, Any]:
    with demo_site.running() as url:
        async with pages.chromium() as browser:
            return await live_room.measure(browser, url, seconds or options.room_seconds)


async def _memory(options: argparse.Namespace) -> dict[str, Any]:
    return await _live_room(options, options.memory_seconds)


async def _sizes(_options: argparse.Namespace) -> dict[str, Any]:
    return sizes.measure()


PARTS: dict[
    str,
    tuple[Callable[[argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]], Callable[[dict[str, Any]], list[str]]],
] = {
    "scrolling": (_scrolling, scrolling.verdict),
    "live_room": (_live_room, live_room.verdict),
    "memory": (_memory, live_room.memory_verdict),
    "first_interaction": (_first_interaction, first_interaction.verdict),
    "sizes": (_sizes, sizes.verdict),
}


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help=f"parts to measure, with commas between: {', '.join(PARTS)}")
    parser.add_argument(
        "--report", action="store_true", help="measure nothing; write the page from the numbers that are there"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each scroll is measured")
    parser.add_argument("--room-seconds", type=float, default=60.0, help="how long the live room is watched")
    parser.add_argument("--memory-seconds", type=float, default=300.0, help="how long its memory is watched")
    options = parser.parse_args()
    wanted = [] if options.report else options.only.split(",") if options.only else list(PARTS)
    kept: dict[str, Any] = json.loads(RAW.read_text()) if (options.only or options.report) and RAW.exists() else {}
    for name in wanted:
        if name not in PARTS:
            parser.error(f"no part {name}; there are {', '.join(PARTS)}")
        found: dict[str, Any] = asyncio.run(PARTS[name][0](options))
        facts = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit(), "machine": _machine()}
        kept[name] = found | facts
        for line in PARTS[name][1](found):
            print(f"below the target: {line}", file=sys.stderr)
        # Part by part: what was measured stays when a later part fails.
        RAW.parent.mkdir(parents=True, exist_ok=True)
        RAW.write_text(json.dumps(kept, indent=2) + "\n")
    results = {name: kept[name] for name in PARTS if name in kept}
    published = options.report or not options.only
    page = (ROOT / "docs" if published else BUILD_DIR) / "bench-web.md"
    page.write_text(report.render(results))
    if "memory" in results:
        plots.draw(results["memory"], page.parent / "img" / "bench-live-room.png")
    print(page.read_text())
    return 1 if any(PARTS[name][1](results[name]) for name in results) else 0


def _machine() -> str:
    model = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return f"{model.split(':', 1)[1].strip()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main())
