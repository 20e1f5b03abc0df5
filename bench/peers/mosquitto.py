"""Mosquitto, QoS 1, persistent sessions (clean_session=0), the Debian package's defaults otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench.peers.base import Unavailable
from bench.processes import ServerProcess, free_port
from bench.settings import Settings

_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
user {user}
# As Debian ships it: kept in memory, saved every 30 minutes and at exit; no fsync per message.
persistence true
persistence_location {directory}/
log_dest none
# In its favour: no delay of small packets, no limit on connections or queued messages.
set_tcp_nodelay true
max_connections -1
max_queued_messages 0
"""


class Mosquitto:
    """The MQTT broker."""

    name = "mosquitto"
    label = "Mosquitto, QoS 1"
    durability = "in memory; saved every 30 min, no fsync"

    def __init__(self, settings: Settings) -> None:
        found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
        if found is None:
            raise Unavailable("Mosquitto is missing: run bench/install_peers.sh")
        self._binary = found
        self._settings = settings
        self._process: ServerProcess | None = None
        self._port = 0

    def version(self) -> str:
        """As the binary says it."""
        done = subprocess.run([self._binary, "-h"], capture_output=True, text=True, check=False)
        return done.stdout.splitlines()[0].removeprefix("mosquitto version ").strip()

    def start(self, directory: Path, sessions: int) -> None:
        """Starts the broker; it needs no users."""
        self._port = free_port()
        config = directory / "mosquitto.conf"
        user = "root" if os.geteuid() == 0 else "mosquitto"
        config.write_text(_CONFIG.format(port=self._port, directory=directory, user=user))
        self._process = ServerProcess(
            [self._binary, "-c", str(config)], core=self._settings.server_core, log=directory / "log"
        )
        self._process.wait_for_port(self._port)

    def stop(self) -> None:
        """Ends the broker."""
        if self._process:
            self._process.stop()
            self._process = None

    def pids(self) -> list[int]:
        """One process."""
        assert self._process
        return self._process.pids()

    def options(self, workload: str) -> dict[str, Any]:
        """Pairs at QoS 1 both ways; a fan-out is published at QoS 1 and delivered at QoS 0, its fastest."""
        fan = workload in ("fan", "room")
        return {
            "protocol": "mqtt",
            "port": self._port,
            "publish_qos": 1,
            "subscribe_qos": 0 if fan else 1,
            "clean_session": fan,
        }
