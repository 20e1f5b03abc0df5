"""The demo's site as the benchmarks need it: built from the sources, run by the demo's own command."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a demo of one's own; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as name, socket.socket() as free:
        folder = Path(name)
        built = folder / "dist"
        subprocess.run(["node", "packages/demo/build.mjs", str(built)], cwd=ROOT / "web", check=True)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        output = folder / "demo.out"
        command = [sys.executable, "-m", "trunkline.server.cli", "demo", "--site-only", "--port", str(port)]
        with output.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--data", str(folder / "runs"), "--web", str(built)], stdout=out, stderr=subprocess.STDOUT
            )
        try:
            while "Ctrl-C" not in output.read_text():
                if process.poll() is not None:
                    raise RuntimeError(output.read_text())
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
