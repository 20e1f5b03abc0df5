"""Starting, pinning and surely ending the processes of a run.

Lives here: one child with its core, its log and its tree of descendants; free ports; waiting for a port.
Does not live here: what the processes are.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class ServerFailed(Exception):
    """A server did not start or ended by itself; the message holds the end of its log."""


def pin_and_bind(core: int | None) -> Callable[[], None]:
    """A hook for the child: run on one core, and die with the benchmark so that no daemon is ever left behind."""

    def hook() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if core is not None:
            os.sched_setaffinity(0, {core})

    return hook


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """The process and everything it started."""
    found = [pid]
    for parent in found:
        # Processes and threads end while they are looked at.
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found.extend(int(child) for child in task.read_text().split())
    return found


class ServerProcess:
    """A pinned child process with a log file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int | None,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                cwd=directory,
                start_new_session=True,
                preexec_fn=pin_and_bind(core),
            )

    @property
    def pid(self) -> int:
        """The process id of the child itself."""
        return self._process.pid

    def pids(self) -> list[int]:
        """The child and its descendants, for CPU time and memory."""
        return descendants(self.pid)

    def log_tail(self, lines: int = 15) -> str:
        """The end of what the child printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def wait_for_port(self, port: int, timeout_s: float = 120.0) -> None:
        """Returns when the port accepts connections; raises ServerFailed with the log otherwise."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerFailed(f"it ended with code {self._process.returncode}:\n{self.log_tail()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.02)
        raise ServerFailed(f"port {port} is closed after {timeout_s:.0f} s:\n{self.log_tail()}")

    def stop(self, timeout_s: float = 20.0) -> None:
        """Asks the child to end; kills its whole session when it does not. Safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
