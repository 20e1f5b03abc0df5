"""Building and running the load generator (``bench/gen``).

Lives here: the compiler call, the command line, the typed result. Does not live here: what a result means.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.processes import pin_and_bind
from bench.settings import BUILD_DIR, Settings

SOURCES = Path(__file__).parent / "gen"
BUSY_PCT = 90.0
"""A generator busier than this may be the limit: the server's figure is then a lower bound."""
DISTURBED_PCT = 5.0
"""Other programs on a measured core above this share disturb the row."""


class GeneratorFailed(Exception):
    """The generator gave up; the message says why."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What one run of the generator counted. Times are milliseconds."""

    raw: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.raw[name]
        except KeyError:
            raise AttributeError(name) from None

    def ack_ms(self, quantile: str) -> float:
        """Latency of the acknowledgement at p50, p90, p99, p999 or max."""
        return float(self.raw["ack_ms"][quantile])

    def delivery_ms(self, quantile: str) -> float:
        """Latency of the delivery at p50, p90, p99, p999 or max."""
        return float(self.raw["delivery_ms"][quantile])

    @property
    def flags(self) -> list[str]:
        """What a reader must know about this row."""
        flags = []
        if self.raw["generator_cpu_pct"] >= BUSY_PCT:
            flags.append("generator limit: lower bound")
        for core in ("generator", "server"):
            other = self.raw.get(f"{core}_core_other_pct", -1)
            if other > DISTURBED_PCT:
                flags.append(f"disturbed: other programs used {other:.0f} % of the {core}'s core")
        if self.raw.get("stolen_pct", 0) > DISTURBED_PCT:
            flags.append(f"disturbed: the host took {self.raw['stolen_pct']:.0f} %")
        for name in ("missing", "repeated", "refused", "overrun", "unfinished"):
            if self.raw.get(name, 0):
                flags.append(f"{name}: {self.raw[name]}")
        return flags


def build() -> Path:
    """Compiles the generator when a source is newer than the binary; returns the binary."""
    target = BUILD_DIR / "loadgen"
    sources = sorted(SOURCES.glob("*.c"))
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    if target.exists() and target.stat().st_mtime > newest:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(target), *map(str, sources)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GeneratorFailed("gcc is missing: install a C compiler (Debian: apt-get install gcc libc6-dev)") from None
    if done.returncode:
        raise GeneratorFailed(f"the generator does not compile:\n{done.stderr}")
    return target


def run(settings: Settings, workload: str, *, server_pids: Sequence[int], timeout_s: float, **options: object) -> Load:
    """Runs the generator pinned to its core.

    Args:
        settings: The cores to use.
        workload: ``pair``, ``fan`` or ``idle``.
        server_pids: Processes whose CPU time and memory the generator reads.
        timeout_s: When to give up on the whole run.
        **options: Further options, ``in_flight=32`` for ``--in-flight 32``; True for a bare flag, None to leave out.

    Raises:
        GeneratorFailed: With what the generator printed.
    """
    command = [str(build()), workload, "--server-pids", ",".join(map(str, server_pids))]
    command += ["--server-core", str(settings.server_core), "--generator-core", str(settings.generator_core)]
    for name, value in options.items():
        if value is None or value is False:
            continue
        command.append("--" + name.replace("_", "-"))
        if value is not True:
            command.append(str(value))
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            preexec_fn=pin_and_bind(settings.generator_core),
        )
    except subprocess.TimeoutExpired as late:
        said = late.stderr.decode(errors="replace") if isinstance(late.stderr, bytes) else ""
        raise GeneratorFailed(f"the generator was not done after {timeout_s:.0f} s: {said}") from None
    if done.returncode:
        raise GeneratorFailed(done.stderr.strip() or f"the generator ended with code {done.returncode}")
    if done.stderr:
        print(done.stderr.strip())
    return Load(json.loads(done.stdout))
