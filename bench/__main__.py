"""``python -m bench``: measures, compares and writes ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import (
    cold_start,
    durable_sends,
    fanout,
    latency,
    machine,
    media,
    memory,
    plots,
    report,
    room,
    search,
    search_server,
    sync_cost,
)
from bench.loadgen import GeneratorFailed
from bench.peers import System, Unavailable
from bench.peers.ejabberd import Ejabberd
from bench.peers.mosquitto import Mosquitto
from bench.peers.trunkline import Trunkline
from bench.processes import ServerFailed
from bench.results import Section
from bench.settings import BUILD_DIR, ROOT, Settings

MEASURES = (
    "durable_sends",
    "latency",
    "fanout",
    "room",
    "media",
    "memory",
    "sync_cost",
    "cold_start",
    "search",
    "search_server",
)
SYSTEMS: dict[str, Callable[[Settings], System]] = {
    "mosquitto": Mosquitto,
    "trunkline": Trunkline,
    "ejabberd": Ejabberd,
}


def main() -> int:
    """Parses the command line, measures, writes the report; 0 when every decided target was met."""
    arguments = _parser().parse_args()
    settings = _settings(arguments)
    cores = os.sched_getaffinity(0)
    if settings.server_core not in cores or settings.generator_core not in cores:
        wanted = f"cores {settings.server_core} and {settings.generator_core} are needed"
        print(f"{wanted}; this process may use {sorted(cores)}")
        return 2
    # The benchmark itself must not run where the server is measured.
    os.sched_setaffinity(0, {settings.generator_core})
    skipped: dict[str, str] = {}
    if not arguments.no_install:
        _install()
    systems = _systems(settings, arguments.systems, skipped)
    sections: dict[str, Section] = {}
    facts = machine.facts(settings)
    try:
        for name in MEASURES:
            if name in arguments.only:
                _measure(name, settings, systems, sections, skipped)
            else:
                skipped[name] = "left out with --only"
    finally:
        shutil.rmtree(settings.work_dir, ignore_errors=True)
    return _finish(arguments, settings, facts, sections, skipped)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", type=_names(MEASURES), default=list(MEASURES), metavar="A,B", help="of " + ", ".join(MEASURES)
    )
    parser.add_argument(
        "--systems", type=_names(tuple(SYSTEMS)), default=list(SYSTEMS), metavar="A,B", help="of " + ", ".join(SYSTEMS)
    )
    parser.add_argument("--no-install", action="store_true", help="skip a peer that is missing, install nothing")
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, measures nothing")
    parser.add_argument("--rounds", "--repeat", type=int, help="how often the systems take turns (3)")
    parser.add_argument("--seconds", type=float, help="length of a burst (10)")
    parser.add_argument("--sustained", type=float, help="length of the sustained load (60)")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--generator-core", type=int, default=1)
    parser.add_argument("--work-dir", type=Path, help="where servers keep their data: a real disk (build/bench)")
    parser.add_argument(
        "--output", type=Path, help="the report (docs/benchmarks.md; with --quick or --only build/bench/benchmarks.md)"
    )
    return parser


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return names

    return parse


def _settings(arguments: argparse.Namespace) -> Settings:
    changes: dict[str, Any] = {
        "server_core": arguments.server_core,
        "generator_core": arguments.generator_core,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "sustained_s": arguments.sustained,
        # Runs at the same time, and they happen, must not erase each other's stores.
        "work_dir": (arguments.work_dir or BUILD_DIR).resolve() / f"work-{os.getpid()}",
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return Settings.short(**given) if arguments.quick else dataclasses.replace(Settings(), **given)


def _install() -> None:
    """Installs missing peers where that is possible; what is still missing then is skipped and named in the report."""
    script = ROOT / "bench" / "install_peers.sh"
    if subprocess.run([str(script)], stdin=subprocess.DEVNULL, check=False).returncode:
        print("not everything could be installed: the measures that need it will be skipped")


def _systems(settings: Settings, wanted: list[str], skipped: dict[str, str]) -> dict[str, System]:
    systems: dict[str, System] = {}
    for name, make in SYSTEMS.items():
        if name not in wanted:
            skipped[name] = "left out with --systems"
            continue
        try:
            systems[name] = make(settings)
        except Unavailable as why:
            print(why)
            skipped[name] = str(why)
    return systems


def _measure(
    name: str, settings: Settings, systems: dict[str, System], sections: dict[str, Section], skipped: dict[str, str]
) -> None:
    print(f"{name}:", flush=True)
    subject = systems.get("trunkline")
    measures: dict[str, Callable[[], Section]] = {
        "durable_sends": lambda: durable_sends.measure(settings, systems),
        "latency": lambda: latency.measure(settings, systems, _bursts(sections)),
        "fanout": lambda: fanout.measure(settings, systems),
        "room": lambda: room.measure(settings, systems),
        "media": lambda: media.measure(settings),
        "memory": lambda: memory.measure(settings, systems),
        "search": lambda: search.measure(settings),
    }
    if isinstance(subject, Trunkline):
        measures["sync_cost"] = lambda: sync_cost.measure(settings, subject)
        measures["search_server"] = lambda: search_server.measure(settings, subject)
        measures["cold_start"] = lambda: cold_start.measure(settings, subject)
    if name not in measures:
        skipped[name] = "needs Trunkline"
        return
    try:
        sections[name] = measures[name]()
    except (GeneratorFailed, ServerFailed) as why:
        # The other measures are still worth having; the report and the exit code name this one.
        print(f"  FAILED: {why}")
        skipped[name] = f"FAILED: {why}"


def _bursts(sections: dict[str, Section]) -> dict[str, list[float]]:
    return sections["durable_sends"].data["burst"] if "durable_sends" in sections else {}


def _finish(
    arguments: argparse.Namespace,
    settings: Settings,
    facts: dict[str, str],
    sections: dict[str, Section],
    skipped: dict[str, str],
) -> int:
    partial = settings.quick or set(arguments.only) != set(MEASURES) or set(arguments.systems) != set(SYSTEMS)
    default = BUILD_DIR / "benchmarks.md" if partial else ROOT / "docs" / "benchmarks.md"
    output: Path = arguments.output or default
    output.parent.mkdir(parents=True, exist_ok=True)
    plots.draw(sections, output.parent / "img")
    ordered = [sections[name] for name in MEASURES if name in sections]
    output.write_text(report.render(ordered, facts, skipped, quick=settings.quick))
    raw = {
        "facts": facts,
        "skipped": skipped,
        "sections": {name: dataclasses.asdict(section) for name, section in sections.items()},
    }
    BUILD_DIR.mkdir(parents=True, exist_ok=True)
    (BUILD_DIR / "results.json").write_text(json.dumps(raw, indent=1))
    print()
    verdicts = [verdict for section in ordered for verdict in section.verdicts]
    for verdict in verdicts:
        state = {True: "met   ", False: "MISSED", None: "-     "}[verdict.met]
        print(f"{state}  {verdict.target}: {verdict.measured}{'  [' + verdict.note + ']' if verdict.note else ''}")
    print(f"report: {output}")
    failed = any(why.startswith("FAILED") for why in skipped.values())
    return 1 if failed or any(verdict.met is False for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
