"""The reference of the command line, from argparse itself, with the prose that argparse cannot hold."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from trunkline.server.cli import build_parser

_HEAD = """# The command line

Generated from the commands themselves (`src/trunkline/server/commands`); a test fails when the two differ.

`trunkline COMMAND --help` says the same. Commands that print data take `--json`, and print one JSON value then. The
commands of the operator (`app`, `backup`) work on the data directory when no server holds it, and ask the running
server otherwise; give them the same `--config`, `--data`, `--host` and `--port` as the server has. Secrets are
best given on standard input (`--secret -`).

## Exit statuses

| status | meaning |
|---|---|
| 0 | done |
| 1 | it failed: the store, the port or the server cannot be used, or `doctor` found something to repair |
| 2 | wrong usage or configuration, or the server refused; nothing was changed |
| 3 | the command needs the server, and only the client is installed: `pip install 'trunkline[server]'` |
"""


def command_line_markdown() -> str:
    """The text of `docs/reference/cli.md`."""
    return _HEAD + "".join(
        _describe(name, about, parser) for name, about, parser in _leaves("trunkline", build_parser())
    )


def _leaves(
    name: str, parser: argparse.ArgumentParser, about: str = ""
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Every command that can be run, in the order of the help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for word, inner in action.choices.items():
                yield from _leaves(f"{name} {word}", inner, helps.get(word, ""))
            return
    yield name, about, parser


def _describe(name: str, about: str, parser: argparse.ArgumentParser) -> str:
    lines = [
        "",
        f"## {name}",
        "",
        f"{about[:1].upper()}{about[1:]}.",
        "",
        "| argument | default | meaning |",
        "|---|---|---|",
    ]
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        shown = ", ".join(action.option_strings) or str(action.metavar or action.dest).upper()
        if action.option_strings and action.nargs != 0:
            shown += f" {action.metavar or action.dest.upper()}"
        default = "" if action.default in (None, False) else f"`{action.default}`"
        default = "required" if action.required else default
        meaning = (action.help or "").replace("%%", "%").replace("|", r"\|")
        lines.append(f"| `{shown}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"
