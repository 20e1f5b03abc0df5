"""Runs the server with a wall clock that a test moves: `python -m tests.claims.skewed_server --clock FILE serve ...`.

The file holds two little-endian doubles: an offset in seconds, and a drift in parts per million since the start. It is
read at every look at the clock, so a test can let the clock jump while the server runs. The monotonic clock is left
alone, as it is by the kernel when somebody sets the time.
"""

from __future__ import annotations

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
    if sys.argv[1] != "--clock":
        raise SystemExit("usage: python -m tests.claims.skewed_server --clock FILE COMMAND...")
    install(Path(sys.argv[2]))
    from trunkline.server.cli import main as cli

    return cli(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
