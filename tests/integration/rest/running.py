"""A real server in its own process, and an app on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from trunkline.client import mint_token


@dataclass(slots=True)
class Running:
    """A server that answers.

    ``admin`` is the operator's token.
    """

    url: str
    admin: str
    log: Path
    process: subprocess.Popen[str]

    def client(self, auth: Any = None, **headers: str) -> httpx.Client:
        """An HTTP client; underscores in header names become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Client(base_url=self.url, auth=auth, headers=named, timeout=30)

    def operator(self) -> httpx.Client:
        """The operator's client."""
        return self.client(Authorization=f"Bearer {self.admin}")

    def create_app(self, name: str = "test") -> App:
        """A new tenant."""
        with self.operator() as operator:
            answer = operator.post("/v1/admin/apps", json={"name": name})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return App(self, made["app"]["app"], made["key"]["key"], made["key"]["secret"])


@dataclass(slots=True)
class App:
    """A tenant and its first key."""

    server: Running
    id: str
    key: str
    secret: str

    def acting(self, party: str | None = None) -> httpx.Client:
        """The app server's client, acting as a party or as the system."""
        headers = {"Trunkline_Party": party} if party else {}
        return self.server.client((self.key, self.secret), **headers)

    def token(self, party: str, device: str | None = None) -> str:
        """A client token, minted offline."""
        return mint_token(self.key, self.secret, party, device=device)

    def as_client(self, party: str, device: str | None = None) -> httpx.Client:
        """A party's own client."""
        return self.server.client(Authorization=f"Bearer {self.token(party, device)}")


@contextmanager
def serving(directory: Path, **options: str) -> Iterator[Running]:
    """Run a server on a free port; options as ``SECTION__OPTION``.

    Without live sessions, unless they are asked for (``LIVE__ENABLED="true"``): it starts in two thirds of the time.
    """
    log = directory / "server.log"
    settings = {
        "LIMITS__KEY_RATE": "0",
        "LIMITS__PARTY_RATE": "0",
        "LIVE__ENABLED": "false",
        "STORE__DIRECTORY": str(directory / "data"),
    } | options
    environment = (
        os.environ | {"PYTHONFAULTHANDLER": "1"} | {f"TRUNKLINE_{name}": value for name, value in settings.items()}
    )
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline.server.cli", "serve", "--port", "0", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        admin = (directory / "data.admin.token").read_text().strip()
        yield Running(json.loads(line)["url"], admin, log, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise AssertionError(f"the server did not stop:\n{log.read_text()[-8000:]}") from None
        finally:
            assert process.stdout is not None
            process.stdout.close()
