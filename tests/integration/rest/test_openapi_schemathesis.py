"""Schemathesis against the real server: no 5xx, and nothing that the OpenAPI document does not allow.

All checks of schemathesis run, in all its phases. Each caller sees what it may: an app server, a client, the operator.
Keys are exercised apart, by an app that may lock itself out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.rest.running import App, Running

CONFIG = Path(__file__).with_name("schemathesis.toml")
SEED = 2026


class Caller(NamedTuple):
    """Who calls, and which part of the document."""

    name: str
    credentials: Callable[[Running, App], list[str]]
    paths: str
    examples: int
    least_cases: int
    but: str = "--no-color"


def as_server(server: Running, app: App) -> list[str]:
    return ["--auth", f"{app.key}:{app.secret}"]


def as_client(server: Running, app: App) -> list[str]:
    return ["--header", f"Authorization: Bearer {app.token('user/alice', 'phone')}"]


def as_operator(server: Running, app: App) -> list[str]:
    return ["--header", f"Authorization: Bearer {server.admin}"]


OPERATIONS = "--exclude-path-regex=^/v1/(keys$|admin)"
CALLERS = [
    Caller("app server", as_server, OPERATIONS, 6, 500),
    Caller("client", as_client, OPERATIONS, 2, 300),
    # A key that replaces itself without overlap is refused from then on.
    Caller("keys", as_server, "--include-path-regex=^/v1/keys$", 8, 20, "--exclude-checks=positive_data_acceptance"),
    Caller("operator", as_operator, "--include-path-regex=^/v1/admin", 8, 20),
]


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_nothing_breaks_and_nothing_is_undocumented(caller: Caller, server: Running, app: App, tmp_path: Path) -> None:
    with app.acting() as system:
        system.post(
            "/v1/groups", json={"id": "team", "owner": "user/alice", "members": ["user/bob"]}
        ).raise_for_status()
        for text in ("one", "two", "three", "four"):
            message = {"content": {"text": text}}
            system.post("/v1/conversations/team/messages", json=message).raise_for_status()
    report = tmp_path / "report.ndjson"

    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            *(f"{server.url}/v1/openapi.json", caller.paths, *caller.credentials(server, app)),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--seed", str(SEED)),
            *("--max-examples", str(caller.examples), "--warnings", "off", "--no-color", caller.but),
            *("--report", "ndjson", "--report-ndjson-path", str(report)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
    )

    assert run.returncode == 0, run.stdout[-10_000:] + run.stderr[-2_000:]
    statuses = answered(report)
    assert len(statuses) >= caller.least_cases, "most of the document was skipped"
    assert sum(200 <= status < 300 for status in statuses) >= caller.least_cases // 20
    log = server.log.read_text()
    assert not [line for line in log.splitlines() if '"level": "error"' in line]


def answered(report: Path) -> list[int]:
    """The status of every answer in a report."""

    def found(node: object) -> list[int]:
        if isinstance(node, dict):
            own = [node["status_code"]] if isinstance(node.get("status_code"), int) else []
            return own + [status for value in node.values() for status in found(value)]
        if isinstance(node, list):
            return [status for value in node for status in found(value)]
        return []

    return [status for line in report.read_text().splitlines() for status in found(json.loads(line))]
