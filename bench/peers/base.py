"""What every system under test offers a measure."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from bench import loadgen
from bench.settings import Settings


class System(Protocol):
    """A running server, as a measure sees it."""

    name: str
    label: str
    durability: str
    """What has happened to a message when its sender sees it acknowledged."""

    def version(self) -> str:
        """The version measured."""

    def start(self, directory: Path, sessions: int) -> None:
        """Starts with an empty state in ``directory``, ready for this many users."""

    def stop(self) -> None:
        """Ends every process; safe to call twice."""

    def pids(self) -> list[int]:
        """The processes of the server now."""

    def options(self, workload: str) -> dict[str, Any]:
        """Options that make the generator talk to this server."""


class Unavailable(Exception):
    """The system is not installed; the message says how to get it."""


def label(system: System) -> str:
    """Name, version and durability for a table."""
    return f"{system.label} ({system.version()}): {system.durability}"


@contextlib.contextmanager
def running(system: System, settings: Settings, sessions: int) -> Iterator[System]:
    """The system, started fresh in its own directory, and ended and erased whatever happens."""
    directory = settings.work_dir / system.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        system.start(directory, sessions)
        yield system
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


def load(system: System, settings: Settings, workload: str, *, timeout_s: float, **options: object) -> loadgen.Load:
    """One run of the generator against a running system."""
    return loadgen.run(
        settings,
        workload,
        server_pids=system.pids(),
        timeout_s=timeout_s,
        **{**system.options(workload), **options},
    )
