"""Runs the server with a wall clock that a test moves: `python -m tests.claims.skewed_server --clock FILE serve ...`.

With `--prune-every-s SECONDS` before the command, what happens once an hour happens that often.

The file holds two little-endian doubles: an offset in seconds, and a drift in parts per million since the start. It is
read at every look at the clock, so a test can let the clock jump while the server runs. The monotonic clock is left
alone, as it is by the kernel when somebody sets the time.
"""

from __future__ import annotations

import argparse
import mmap
import struct
import sys
import time
from pathlib import Path

_LAYOUT = struct.Struct("<dd")


def set_clock(path: Path, offset_s: float, drift_ppm: float = 0.0) -> None:
    """Move the clock of a server that uses this file; eight bytes at a time are written at once."""
    if not path.exists():
        path.write_bytes(_LAYOUT.pack(0.0, 0.0))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), _LAYOUT.size) as shared:
        shared[:8] = struct.pack("<d", offset_s)
        shared[8:16] = struct.pack("<d", drift_ppm)


def install(path: Path) -> None:
    """Replace the wall clock of this process."""
    real_ns, monotonic_ns = time.time_ns, time.monotonic_ns
    with path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), _LAYOUT.size)
    start_ns = monotonic_ns()

    def time_ns() -> int:
        offset_s, drift_ppm = _LAYOUT.unpack(shared[: _LAYOUT.size])
        return real_ns() + int(offset_s * 1e9) + int((monotonic_ns() - start_ns) * drift_ppm * 1e-6)

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def main() -> int:
    """Install the clock, then run the command line as usual."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--prune-every-s", type=float)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    install(options.clock)
    from trunkline.server import cli, lifecycle

    if options.prune_every_s is not None:
        lifecycle.PRUNE_S = options.prune_every_s
    return cli.main(options.command)


if __name__ == "__main__":
    sys.exit(main())
