"""Trunkline itself: ``trunkline serve`` with its defaults, rate limits lifted, data on the real disk."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench.linkclient import LinkClient, mint_token
from bench.processes import ServerFailed, ServerProcess, free_port
from bench.settings import ROOT, Settings

_CONFIG = """\
[server]
host = "127.0.0.1"
port = {port}
# How long a stopping server waits for clients to leave is not measured.
drain_s = 0
log_level = "warning"

[store]
directory = "{directory}/data"

[limits]
# One generator stands for thousands of users, some of whom are set up faster than people click.
link_rate = 0
"""
_INVITE_AT_ONCE = 1000


class Trunkline:
    """The server of this repository, as its command line starts it."""

    name = "trunkline"
    label = "Trunkline"
    durability = "on disk (fdatasync)"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: ServerProcess | None = None
        self._command = [sys.executable, "-m", "trunkline.server.cli"]
        self.directory = Path()
        self._key = self._secret = ""
        self._sessions = 0
        self.port = 0
        self.environment: dict[str, str] = {}
        """Options of the servers started from now on."""

    def version(self) -> str:
        """The package's version."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("trunkline")
        except PackageNotFoundError:
            return "this checkout"

    def start(self, directory: Path, sessions: int) -> None:
        """A fresh store, one app, a token for every user."""
        self.directory = directory
        self._sessions = sessions
        self.port = free_port()
        (directory / "bench.toml").write_text(_CONFIG.format(directory=directory, port=self.port))
        self.launch()
        self._create_app()
        tokens = (self.token(f"user/u{index}") for index in range(sessions))
        (directory / "tokens").write_text("".join(f"{token}\n" for token in tokens))

    def launch(self, *, wait: bool = True) -> None:
        """Starts the process on the store that is there."""
        self._process = ServerProcess(
            [*self._command, "serve", "--config", str(self.directory / "bench.toml")],
            core=self._settings.server_core,
            log=self.directory / "log",
            directory=self.directory,
            environment={"PYTHONPATH": str(ROOT / "src")} | self.environment,
        )
        if wait:
            self._process.wait_for_port(self.port)

    def _create_app(self) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/admin/apps",
            data=json.dumps({"name": "bench"}).encode(),
            headers={
                "Authorization": "Bearer " + (self.directory / "data.admin.token").read_text().strip(),
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                key = json.load(response)["key"]
        except urllib.error.HTTPError as refused:
            raise ServerFailed(f"the app was not created: {refused.read().decode()}\n{self.log_tail()}") from None
        self._key, self._secret = key["key"], key["secret"]

    @property
    def credentials(self) -> tuple[str, str]:
        """The app's key and secret."""
        return self._key, self._secret

    def token(self, party: str) -> str:
        """A token for a party, minted offline."""
        return mint_token(self._key, self._secret, party)

    def log_tail(self) -> str:
        """The end of the server's log."""
        return self._process.log_tail() if self._process else ""

    def wait_projected(self, timeout_s: float = 60.0) -> None:
        """Returns when the index holds everything written so far: set-up work must not weigh on a measure."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as response:
                lines = response.read().decode().splitlines()
            if "trunkline_projection_lag_records 0.0" in lines:
                return
            time.sleep(0.05)
        raise ServerFailed(f"the projections are still behind after {timeout_s:.0f} s:\n{self.log_tail()}")

    def stop(self) -> None:
        """Ends the server."""
        if self._process:
            self._process.stop()
            self._process = None

    def pids(self) -> list[int]:
        """The server's processes."""
        assert self._process
        return self._process.pids()

    def options(self, workload: str) -> dict[str, Any]:
        """Every call names a new run: outboxes are never used twice. For a fan-out, the group is made first."""
        options: dict[str, Any] = {
            "protocol": "link",
            "port": self.port,
            "tokens": str(self.directory / "tokens"),
            "run_tag": os.urandom(6).hex(),
        }
        if workload == "fan":
            options["conversation"] = self._make_group()
        if workload == "room":
            options["conversation"] = self.make_room("r." + options["run_tag"])
        return options

    def make_room(self, room: str, **settings: Any) -> str:
        """A room with a reliable type and one that is sampled beyond the room's budget."""
        types = {"x.say": {"delivery": "reliable"}, "x.chat": {"delivery": "sample"}}
        with LinkClient(self.port, self.token("user/u0")) as host:
            host.call("room.create", {"id": room, "types": types, "reliable_per_s": 20_000, **settings})
        return room

    def room_stats(self, room: str) -> dict[str, Any]:
        """What the room counted."""
        with LinkClient(self.port, self.token("user/u0")) as host:
            return host.call("room.stats", {"conversation": room})

    def _make_group(self) -> str:
        everybody = [f"user/u{index}" for index in range(1, self._sessions)]
        with LinkClient(self.port, self.token("user/u0")) as owner:
            group = "g.bench"
            owner.call("group.create", {"id": group, "name": "bench", "members": everybody[:_INVITE_AT_ONCE]})
            for at in range(_INVITE_AT_ONCE, len(everybody), _INVITE_AT_ONCE):
                members = everybody[at : at + _INVITE_AT_ONCE]
                owner.call("group.invite", {"conversation": group, "parties": members})
        self.wait_projected()
        return group
