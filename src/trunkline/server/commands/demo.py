"""``trunkline demo``: the main job on real clients, with a crash in the middle."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from trunkline.server.config import Config


def add(commands: Any) -> None:
    """Offer the command."""
    parser: argparse.ArgumentParser = commands.add_parser("demo", help="show the main job on real clients")
    parser.add_argument("--port", type=int, default=8080, help="port to serve on")
    parser.add_argument("--data", type=Path, default=Path("build/demo"), help="where runs keep their data")
    parser.add_argument("--once", action="store_true", help="end with the result instead of serving on")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS to the network, for a phone's camera")
    parser.add_argument("--site-only", action="store_true", help="skip the story in the console, serve the site")
    parser.add_argument("--web", type=Path, help="where the built pages are (web/dist of the checkout)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON; the story goes to stderr")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo; 0 when nothing was lost, doubled or reordered."""
    from trunkline.server.demo.serving import Stage
    from trunkline.server.demo.site import find_built
    from trunkline.server.demo.story import Story

    # Ended as by Ctrl-C: the server it started has to end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = Config()
    config.server.port = options.port
    config.store.directory = str(options.data / time.strftime("%Y%m%d-%H%M%S"))
    stage = Stage(config, find_built(options.web), tls=options.tls)
    story = Story(config, stage, once=options.once, told=not options.site_only)
    if not options.json:
        return story.run()
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        return story.run(lambda result: print(json.dumps(result), file=out, flush=True))
