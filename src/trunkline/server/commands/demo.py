"""``trunkline demo``: the main job on real clients, with a crash in the middle."""

from __future__ import annotations

import argparse
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
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo; 0 when nothing was lost, doubled or reordered."""
    from trunkline.server.demo.story import Story

    config = Config()
    config.server.port = options.port
    config.store.directory = str(options.data / time.strftime("%Y%m%d-%H%M%S"))
    return Story(config, once=options.once).run()
