"""ejabberd with message archiving (MAM) in its default store, one scheduler, as few other modules as possible.

The accounts are registered once; every start then begins from a copy of that database with an empty archive.
The Erlang node is started without distribution, so that no port mapper daemon outlives the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench import loadgen
from bench.peers.base import Unavailable
from bench.processes import ServerProcess, free_port
from bench.settings import Settings

_LIBRARIES = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu"
_CONFIG = """\
hosts: [localhost]
loglevel: error
log_rotate_size: infinity
registration_timeout: infinity
auth_method: internal
auth_password_format: plain
shaper: {{}}
shaper_rules: {{}}
acl: {{}}
access_rules:
  c2s: {{allow: all}}
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    access: c2s
    starttls: false
    backlog: 4096
modules:
  mod_mam: {{default: always, db_type: mnesia}}
  mod_register: {{ip_access: all}}
"""


class Ejabberd:
    """The XMPP server."""

    name = "ejabberd"
    label = "ejabberd + MAM"
    durability = "in its archive (Mnesia), no fsync"

    def __init__(self, settings: Settings) -> None:
        found = sorted(_LIBRARIES.glob("ejabberd-*/ebin/ejabberd.app"))
        if not found or not shutil.which("erl"):
            raise Unavailable("ejabberd is missing: run bench/install_peers.sh")
        self._settings = settings
        self._process: ServerProcess | None = None
        self._port = free_port()

    def version(self) -> str:
        """As the package manager says it."""
        query = ["dpkg-query", "-W", "-f", "${Version}", "ejabberd"]
        return subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip() or "unknown"

    def start(self, directory: Path, sessions: int) -> None:
        """Starts from the prepared accounts; prepares them at the first time."""
        template = self._settings.work_dir / f"ejabberd-accounts-{sessions}"
        if not template.exists():
            self._register(directory, template, sessions)
        shutil.rmtree(directory / "spool", ignore_errors=True)
        shutil.copytree(template, directory / "spool")
        self._launch(directory)

    def _register(self, directory: Path, template: Path, sessions: int) -> None:
        self._launch(directory)
        loadgen.run(
            self._settings,
            "idle",
            server_pids=self.pids(),
            timeout_s=300,
            sessions=sessions,
            seconds=1,
            register=True,
            **self.options("idle"),
        )
        self.stop()
        shutil.copytree(directory / "spool", template)

    def _launch(self, directory: Path) -> None:
        config = directory / "ejabberd.yml"
        config.write_text(_CONFIG.format(port=self._port))
        spool = directory / "spool"
        spool.mkdir(exist_ok=True)
        command = ["erl", "-noinput", "+K", "true", "+P", "250000", "+Q", "65536", "+S", "1:1", "+SDcpu", "1:1"]
        command += ["+SDio", "1", "-mnesia", "dir", f'"{spool}"', "-ejabberd", "quiet", "true", "-s", "ejabberd"]
        environment = {
            "ERL_LIBS": str(_LIBRARIES),
            "EJABBERD_CONFIG_PATH": str(config),
            "EJABBERD_LOG_PATH": str(directory / "ejabberd.log"),
            "ERL_CRASH_DUMP_BYTES": "0",
            "HOME": str(directory),
        }
        self._process = ServerProcess(
            command,
            core=self._settings.server_core,
            log=directory / "log",
            environment=environment,
            directory=directory,
        )
        self._process.wait_for_port(self._port, timeout_s=60)

    def stop(self) -> None:
        """Ends the node."""
        if self._process:
            self._process.stop(timeout_s=30)
            self._process = None

    def pids(self) -> list[int]:
        """The virtual machine and its helpers."""
        assert self._process
        return self._process.pids()

    def options(self, workload: str) -> dict[str, Any]:
        """Plain TCP, SASL PLAIN, no stream management: the cheapest session it offers."""
        return {"protocol": "xmpp", "port": self._port}
