"""What a run is asked to do. Lives here: the settings every measure reads; does not: parse the command line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_DIR = ROOT / "build" / "bench"
BODY_BYTES = 100


@dataclasses.dataclass(frozen=True)
class Settings:
    """One run.

    ``quick`` shortens every measure so much that its numbers only show that it works.
    """

    server_core: int = 0
    generator_core: int = 1
    quick: bool = False
    rounds: int = 3
    seconds: float = 10.0
    sustained_s: float = 60.0
    sessions: int = 2000
    subscribers: int = 5000
    idle_connections: int = 10_000
    peers: tuple[str, ...] = ("mosquitto", "ejabberd")
    work_dir: Path = BUILD_DIR / "work"

    @classmethod
    def short(cls, **changes: object) -> Settings:
        """Settings for ``--quick``."""
        base = cls(
            quick=True, rounds=1, seconds=2.0, sustained_s=4.0, sessions=200, subscribers=500, idle_connections=1000
        )
        return dataclasses.replace(base, **changes)  # type: ignore[arg-type]
