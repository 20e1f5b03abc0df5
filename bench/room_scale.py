"""What a live room costs: ``python -m bench.room_scale`` measures the constants of ``docs/scale.md`` and checks them.

The model: a core-second pays for so many writes to connections, so many bytes in them, and so many messages taken in.
Constants come from one process under different loads; they are then asked what several processes on one core must cost.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np

from bench import loadgen
from bench.peers.trunkline import Trunkline
from bench.settings import BUILD_DIR, Settings

ITEM_BYTES = 132
"""Of a message with a body of 100 bytes in a batch."""
TICK_S = 0.05
LOADS = (
    (5_000, 0.5, 0),
    (5_000, 10, 0),
    (5_000, 20, 0),
    (5_000, 250, 0),
    (5_000, 1_000, 0),
    (100, 200, 0),
    (100, 1_000, 0),
    (100, 1_000, 4_000),
)
"""Members, and (reliable, sampled) messages a second. The budget lets 1,200 a second through."""
WARMUP_S = 1.5
BUDGET = 1_200
PROCESSES = 3


@dataclasses.dataclass(frozen=True)
class Cost:
    """Core-seconds, by cause."""

    base: float
    write: float
    byte: float
    message: float

    def cpu(self, members: int, per_s: float, in_per_s: float) -> float:
        """Cores that a process needs: its members, messages a second to each of them, and messages taken in."""
        writes = members * min(per_s, 1 / TICK_S)
        return self.base + writes * self.write + members * per_s * ITEM_BYTES * self.byte + in_per_s * self.message


def run(settings: Settings, name: str, members: int, reliable: float, sampled: float) -> loadgen.Load:
    """One room on one fresh process."""
    server = Trunkline(settings)
    directory = settings.work_dir / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        server.start(directory, members)
        room = server.make_room("r.scale", messages_per_s=BUDGET)
        return loadgen.run(
            settings,
            "room",
            server_pids=server.pids(),
            timeout_s=settings.seconds + 60,
            sessions=members,
            conversation=room,
            rate=reliable,
            volatile_rate=sampled or None,
            seconds=settings.seconds,
            **server.options("idle"),
        )
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def constants(settings: Settings) -> Cost:
    """Fit the constants to the loads, as relative errors so that small loads count as much as large ones."""
    rows, measured = [], []
    for members, reliable, sampled in LOADS:
        result = run(settings, "one", members, reliable, sampled)
        delivered = result.deliveries_per_s / members + (BUDGET - reliable if sampled else 0)
        # As many ticks as there were: on a busy core they become fewer.
        writes = members * result.raw["batches"] / (result.raw["seconds"] + WARMUP_S)
        rows.append([1.0, writes, members * delivered * ITEM_BYTES, reliable + sampled])
        measured.append(result.server_cpu_pct / 100)
        print(
            f"  {reliable:,} + {sampled:,} messages/s to {members:,}: {writes:,.0f} writes/s, "
            f"{result.server_cpu_pct:.1f} % of a core, p99 {result.delivery_ms('p99'):.0f} ms, "
            f"generator {result.generator_cpu_pct:.0f} % {result.flags or ''}"
        )
    weights = 1 / np.array(measured)
    scale = np.array([1.0, 1e-5, 1e-9, 1e-4])
    solved, *_ = np.linalg.lstsq(np.array(rows) * scale * weights[:, None], np.ones(len(rows)), rcond=None)
    return Cost(*(float(value) for value in solved * scale))


def several(settings: Settings, cost: Cost) -> None:
    """Several processes share the server's core, each with a room of its own; the generators share theirs."""
    for members, per_s in ((1_000, 100), (1_500, 200)):
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            started = [pool.submit(run, settings, f"p{n}", members, per_s, 0) for n in range(PROCESSES)]
            results = [future.result() for future in started]
        found = sum(result.server_cpu_pct for result in results) / 100
        expected = PROCESSES * cost.cpu(members, per_s, per_s)
        late = max(result.delivery_ms("p99") for result in results)
        print(
            f"  {PROCESSES} processes with {members:,} members each, {per_s} messages/s: {found:.2f} cores, "
            f"the model says {expected:.2f} ({found / expected:.2f} x), p99 {late:.0f} ms"
        )


def main() -> None:
    """Measure, check, and print what a million members would need."""
    parser = argparse.ArgumentParser(prog="python -m bench.room_scale", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    work_dir = Path(BUILD_DIR).resolve() / f"scale-{os.getpid()}"
    settings = dataclasses.replace(Settings(), seconds=arguments.seconds, work_dir=work_dir)
    os.sched_setaffinity(0, {settings.generator_core})
    try:
        cost = constants(settings)
        print(
            f"  base {cost.base * 100:.1f} % of a core, {cost.write * 1e6:.2f} us per write, "
            f"{cost.byte * 1e9:.3f} ns per byte, {cost.message * 1e6:.0f} us per message taken in"
        )
        several(settings, cost)
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)
    for per_s in (1, 20, 200, 1_000):
        one = cost.cpu(1_000_000, per_s, 0) - cost.base
        print(f"  1,000,000 members, {per_s:,} messages/s: {one:,.0f} cores")


if __name__ == "__main__":
    main()
