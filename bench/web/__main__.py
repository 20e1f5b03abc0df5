"""`python -m bench.web [--seconds S]`: measures, prints, and ends with 1 when a target is missed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bench.web import demo_site, first_interaction, live_room, pages, scrolling


async def run(seconds: float, room_s: float) -> tuple[dict[str, Any], list[str]]:
    """All measures, and what is below its target."""
    with pages.served("gallery") as url:
        async with pages.chromium() as browser:
            page = await browser.new_page()
            found = await scrolling.measure(page, f"{url}/gallery/index.html", seconds)
    with demo_site.running() as url:
        async with pages.chromium() as browser:
            first = await first_interaction.measure(browser, url)
            room = await live_room.measure(browser, url, room_s)
    missed = [*scrolling.verdict(found), *first_interaction.verdict(first), *live_room.verdict(room)]
    return {"scrolling": found, "first_interaction": first, "live_room": room}, missed


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each scroll is measured")
    parser.add_argument("--room-seconds", type=float, default=300.0, help="how long the live room is watched")
    parser.add_argument("--plot", type=Path, default=Path("build/bench/live-room.png"), help="where the plot goes")
    parser.add_argument("--out", type=Path, default=Path("build/bench/web.json"), help="where the numbers go")
    options = parser.parse_args()
    results, missed = asyncio.run(run(options.seconds, options.room_seconds))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    live_room.draw(results["live_room"], options.plot)
    print(json.dumps(results, indent=2))
    print(f"the plot is in {options.plot}")
    for line in missed:
        print(f"below the target: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
