"""The ``trunkline`` command: what it offers; each command lives in ``server/commands``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trunkline.server.commands import app, backup, bench, chat, demo, doctor, serve
from trunkline.server.commands.options import CommandError
from trunkline.server.config import ConfigError

NOT_INSTALLED = 3
"""Exit status of a command that needs ``trunkline[server]`` where only the client is installed."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="trunkline", description="A communications cloud that you run yourself.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (serve, app, chat, bench, backup, doctor, demo):
        module.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 no server installed."""
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "trunkline":
            raise
        needs = f"trunkline {options.command} needs the server, and {error.name} is not installed"
        sys.stderr.write(f"{needs}: pip install 'trunkline[server]'\n")
        return NOT_INSTALLED
    except (ConfigError, CommandError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
