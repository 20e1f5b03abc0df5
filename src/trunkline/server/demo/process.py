"""The server as a process of its own, so that it can be killed."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path


class ServerProcess:
    """Starts, kills and restarts ``trunkline serve`` on one data directory.

    Args:
        data: the data directory.
        port: to serve on.
        log: where the server's output goes.
        url: how this machine reaches it.
        settings: further configuration, as ``SECTION__OPTION``.

    Attributes:
        trust: what TLS connections to it accept; None for plain HTTP.
    """

    def __init__(
        self, data: Path, port: int, log: Path, *, url: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        self.url = url or f"http://127.0.0.1:{port}"
        self.trust: ssl.SSLContext | None = None
        self._log = log
        self._settings = {f"TRUNKLINE_{name}": value for name, value in (settings or {}).items()}
        self._command = [
            *(sys.executable, "-m", "trunkline.server.cli", "serve"),
            *("--data", str(data), "--port", str(port)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 30) -> float:
        """Start and wait until it is ready; how many seconds that took.

        Raises:
            RuntimeError: it ended or did not become ready.
        """
        began_s = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=os.environ | self._settings)
        while time.monotonic() < began_s + timeout_s:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended at once:\n{self._log.read_text()[-800:]}")
            try:
                address = f"{self.url}/health/ready"
                with urllib.request.urlopen(address, timeout=1, context=self.trust):  # noqa: S310 - our own address
                    return time.monotonic() - began_s
            except OSError:
                time.sleep(0.01)
        raise RuntimeError(f"the server was not ready within {timeout_s} s; see {self._log}")

    def kill(self) -> None:
        """SIGKILL: no chance to save anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: a graceful end."""
        self._end(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until it ends by itself."""
        if self._process is not None:
            self._process.wait()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
