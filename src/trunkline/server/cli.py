"""The ``trunkline`` command: what it offers; each command lives in ``server/commands``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from trunkline.server.commands.options import CommandError
from trunkline.server.config import ConfigError

NOT_INSTALLED = 3
"""Exit status of a command that needs ``trunkline[server]`` where only the client is installed."""
MODULES = ("serve", "app", "chat", "bench", "backup", "doctor", "demo")


def build_parser(only: str = "") -> argparse.ArgumentParser:
    """The command line; with ``only`` that command alone, if a module has its name.

    A server is not to load the SDK that ``chat`` needs: it would start noticeably later.
    """
    parser = argparse.ArgumentParser(prog="trunkline", description="A communications cloud that you run yourself.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in (only,) if only in MODULES else MODULES:
        import_module(f"trunkline.server.commands.{name}").add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 no server installed."""
    given = sys.argv[1:] if arguments is None else arguments
    options = build_parser(given[0] if given else "").parse_args(given)
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
