"""``trunkline doctor``: checks the machine and the configuration, and says what to do."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from trunkline.server.commands.options import add_config, config_of
from trunkline.server.config import Config
from trunkline.server.doctor.finding import Finding

_SIGNS = {"ok": "ok  ", "warning": "note", "failure": "FAIL"}
_COLOURS = {"ok": "\x1b[32m", "warning": "\x1b[33m", "failure": "\x1b[31m"}


def add(commands: Any) -> None:
    """Offer the command."""
    parser: argparse.ArgumentParser = commands.add_parser("doctor", help="check this machine and say what to do")
    add_config(parser)
    parser.add_argument("--health", metavar="URL", help="only ask the server at URL whether it is ready")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check; 1 when something fails."""
    from trunkline.server.doctor.machine import check_health

    findings = [check_health(options.health)] if options.health else _examine(config_of(options))
    failed = any(finding.verdict == "failure" for finding in findings)
    if options.json:
        print(json.dumps({"ok": not failed, "findings": msgspec.to_builtins(findings)}))
    else:
        _show(findings, colour=sys.stdout.isatty())
    return int(failed)


def _examine(config: Config) -> list[Finding]:
    from trunkline.server.doctor import disk, machine

    return [
        machine.check_versions(config),
        machine.check_port(config),
        disk.check_directory(config),
        disk.check_space(config),
        disk.check_sync(config),
        disk.check_master_key(config),
        disk.check_tls(config),
        machine.check_files(),
        machine.check_memory(),
        machine.check_clock(_epoch_of(config)),
    ]


def _epoch_of(config: Config) -> int:
    try:
        return int(json.loads((config.directory / "store.json").read_bytes())["epoch"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _show(findings: Sequence[Finding], *, colour: bool) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        sign = _SIGNS[finding.verdict]
        if colour:
            sign = f"{_COLOURS[finding.verdict]}{sign}\x1b[0m"
        print(f"  {sign}  {finding.check:<{width}}  {finding.found}")
        if finding.advice:
            print(f"        {'':<{width}}  -> {finding.advice}")
    failures = sum(finding.verdict == "failure" for finding in findings)
    print(f"{failures} to repair." if failures else "Fit to serve.")
