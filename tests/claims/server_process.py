"""The real server as a process: started, waited for, killed, stopped and started again.

Lives here: the process and its configuration file. Does not live here: clients (`device`), what is done with it
(`scenarios`). Nothing here sleeps for a fixed time: it waits for a condition, up to a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from trunkline.client import mint_token

_READY_TIMEOUT_S = 60.0
"""Long, because it judges nothing: how long a start takes is what scenarios measure, on a machine they may share."""
_POLL_S = 0.01


class ServerNotReadyError(RuntimeError):
    """The server did not come up; the message ends with the end of its log."""


class ServerProcess:
    """One data directory, and the process that serves it.

    Args:
        directory: Holds the configuration, the data (in `data`) and the log.
        config: Options by section, on top of those a test server needs.
        prefix: Put before the command, for example `("faketime", "-f", "+1h")`.
        module: What `python -m` runs; a wrapper may be put in the server's place.
        arguments: Given to the module before `serve`.
        port: Fixed, so that clients find it again after a restart; a free one by default.
        data_dir: The data directory, if not `data`.
        environment: Variables for the server, on top of those of this process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        config: Mapping[str, Mapping[str, object]] | None = None,
        prefix: Sequence[str] = (),
        module: str = "trunkline.server.cli",
        arguments: Sequence[str] = (),
        port: int | None = None,
        data_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.environment = dict(environment or {})
        self.data_dir = data_dir or directory / "data"
        self.port = port or free_port()
        self.config_path = directory / "trunkline.toml"
        self.log_path = directory / "server.log"
        self.prefix = tuple(prefix)
        self.module = module
        self.arguments = tuple(arguments)
        self.started_at_s = 0.0
        self.clock_offset_s = 0.0
        self.key = ""
        self.secret = ""
        self._process: asyncio.subprocess.Process | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.write_config(config or {})

    def write_config(self, more: Mapping[str, Mapping[str, object]]) -> None:
        """Write the configuration file; takes effect at the next start."""
        sections: dict[str, dict[str, object]] = {
            "server": {"host": "127.0.0.1", "port": self.port, "drain_s": 1.0},
            "store": {"directory": str(self.data_dir)},
        }
        for name, options in more.items():
            sections.setdefault(name, {}).update(options)
        lines = []
        for name, options in sections.items():
            # The values used here are written alike in TOML and JSON.
            lines += [f"[{name}]", *(f"{option} = {json.dumps(value)}" for option, value in options.items())]
        self.config_path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the server itself, also when a prefix is its parent."""
        assert self._process is not None
        if not self.prefix:
            return self._process.pid
        children = psutil.Process(self._process.pid).children(recursive=True)
        return children[-1].pid if children else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self, *, wait: bool = True) -> None:
        """Start the process and wait until it is ready."""
        if self.running:
            raise RuntimeError("the server is running")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(("src", ".")),
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }
        self.started_at_s = time.monotonic()
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.prefix,
                sys.executable,
                "-m",
                self.module,
                *self.arguments,
                "serve",
                "--config",
                str(self.config_path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=Path(__file__).resolve().parents[2],
            )
        if wait:
            try:
                await self.ready()
            except BaseException:
                await self.kill()  # nobody leaves a block that was never entered
                raise

    async def ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until /health/ready says yes."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            if not self.running:
                code = None if self._process is None else self._process.returncode
                raise ServerNotReadyError(f"the server ended with {code}\n{self.log_tail()}")
            if await self.health() == 200:
                return
            await asyncio.sleep(_POLL_S)
        raise ServerNotReadyError(f"not ready after {timeout_s} s\n{self.log_tail()}")

    async def health(self) -> int:
        """Return the status of /health/ready, 0 when nobody answers."""
        return await asyncio.to_thread(_status, f"{self.url}/health/ready")

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        await self._end(signal.SIGKILL, 10)

    async def terminate(self, timeout_s: float = 15) -> int:
        """SIGTERM, and wait until it has ended by itself; returns its exit code."""
        await self._end(signal.SIGTERM, timeout_s)
        assert self._process is not None
        assert self._process.returncode is not None
        return self._process.returncode

    def pause(self) -> None:
        """SIGSTOP: the process is there and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    async def restart(self) -> float:
        """Kill and start; returns the seconds from the start of the process until it was ready."""
        await self.kill()
        await self.start()
        return time.monotonic() - self.started_at_s

    def signal(self, number: signal.Signals) -> None:
        """Send a signal that does not end it."""
        os.kill(self.pid, number)

    def cpu_s(self) -> float:
        """Processor time the server has used."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def rss_bytes(self) -> int:
        """Resident memory of the server."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def log_tail(self, size: int = 3_000) -> str:
        """Return the end of the log."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes()[-size:].decode(errors="replace")

    async def command(self, *arguments: str) -> str:
        """Run another command of the CLI on this configuration; returns what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "trunkline.server.cli",
            *arguments,
            "--config",
            str(self.config_path),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(("src", "."))},
            cwd=Path(__file__).resolve().parents[2],
        )
        out, err = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"trunkline {' '.join(arguments)} ended with {process.returncode}: {err.decode()}")
        return out.decode()

    def trusting(self) -> ssl.SSLContext | None:
        """What a client needs that trusts this server; None without TLS."""
        return None

    async def create_app(self, name: str = "claims") -> None:
        """Create an app and keep its key; the server runs."""
        answer = await asyncio.to_thread(self._create_app, name)
        self.key, self.secret = answer["key"]["key"], answer["key"]["secret"]

    def _create_app(self, name: str) -> dict[str, dict[str, str]]:
        admin = self.data_dir.with_name(f"{self.data_dir.name}.admin.token").read_text(encoding="utf-8").strip()
        request = urllib.request.Request(
            f"{self.url}/v1/admin/apps",
            data=json.dumps({"name": name}).encode(),
            headers={"Authorization": f"Bearer {admin}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30, context=self.trusting()) as answer:
            made: dict[str, dict[str, str]] = json.load(answer)
        return made

    def token(self, party: str, device: str | None = None, *, now_s: float | None = None) -> str:
        """Mint a client token offline, by the clock the server goes by."""
        minted_at_s = time.time() + self.clock_offset_s if now_s is None else now_s
        return mint_token(self.key, self.secret, party, device=device, now_s=minted_at_s)

    async def _end(self, number: int, timeout_s: float) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            os.kill(self.pid, number)
        try:
            await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            raise ServerNotReadyError(f"the server did not end within {timeout_s} s\n{self.log_tail()}") from None


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
