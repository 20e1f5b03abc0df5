"""A run of the demo with its site, for tests: built from the sources, served by the demo's own command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class DemoSite:
    """Where it is, what it printed, and the files it serves."""

    url: str
    output: Path
    built: Path

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a page."""
        request = urllib.request.Request(self.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        context = None
        if self.url.startswith("https"):
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def session(self) -> dict[str, object]:
        """What the demo tells its page."""
        found: dict[str, object] = json.loads(self.get("/demo/session.json")[2])
        return found


def build(into: Path) -> Path:
    """Build the pages from the sources: the site and the documentation at the same time."""
    scripts = ("packages/demo/build.mjs", "packages/demo/docs/build.mjs")
    builds = [
        subprocess.Popen(
            ["node", script, str(into)], cwd=ROOT / "web", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for script in scripts
    ]
    for running_build in builds:
        said, _ = running_build.communicate()
        assert running_build.returncode == 0, said
    return into


@contextlib.contextmanager
def running(folder: Path, built: Path, *options: str) -> Iterator[DemoSite]:
    """The demo's command, without its story in the console; ended as by Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = folder / "demo.out"
    command = [sys.executable, "-m", "trunkline.server.cli", "demo", "--site-only", "--port", str(port)]
    with output.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "runs"), "--web", str(built), *options],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    scheme = "https" if "--tls" in options else "http"
    site = DemoSite(f"{scheme}://127.0.0.1:{port}", output, built)
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
