"""The guides are true: their programs run, their command lines are understood, their figures are the measured ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.rest.running import serving
from trunkline.server.cli import build_parser

ROOT = Path(__file__).resolve().parents[3]
GUIDES = ROOT / "docs/guides"


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (GUIDES / name).read_text(), re.DOTALL)


@pytest.mark.timeout(120)
def test_getting_started_works_as_it_is_written(tmp_path: Path) -> None:
    serve, create = (block.strip() for block in blocks("getting-started.md", "sh"))
    assert serve == "trunkline serve"
    backend, talk = blocks("getting-started.md", "python")
    assert (backend.splitlines()[0], talk.splitlines()[0]) == ("# backend.py", "# talk.py")
    (tmp_path / "backend.py").write_text(backend)
    (tmp_path / "talk.py").write_text(talk)
    with serving(tmp_path, LIVE__ENABLED="true") as server:
        where = ["--data", str(tmp_path / "data"), "--port", server.url.rpartition(":")[2]]
        command = [sys.executable, "-m", "trunkline.server.cli", *create.split()[1:], *where]
        made = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        names = {"TRUNKLINE_URL": server.url, "TRUNKLINE_KEY": made["key"], "TRUNKLINE_SECRET": made["secret"]}
        ran = subprocess.run(
            [sys.executable, "talk.py"],
            cwd=tmp_path,
            env=os.environ | names,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "user/ann says: Hello, Bob",
        "bob has 200 messages, the last is number 199",
        "unread: 201",
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in GUIDES.glob("*.md")))
def test_command_lines_of_the_guides_are_understood(name: str) -> None:
    lines = [line for block in blocks(name, "sh") for line in block.splitlines() if line.startswith("trunkline ")]
    assert lines or name not in ("getting-started.md", "operations.md")
    for line in lines:
        assert callable(build_parser().parse_args(line.split()[1:]).run), line


def test_the_chinese_guide_shows_the_same_programs() -> None:
    for language in ("sh", "python"):
        assert blocks("../zh/getting-started.md", language) == blocks("getting-started.md", language)


def test_the_figures_for_planning_are_those_of_the_report() -> None:
    report = (ROOT / "docs/benchmarks.md").read_text()
    guide = (GUIDES / "operations.md").read_text()
    planning = guide[guide.index("## How big a machine") :]
    for figure in re.findall(r"\d+,\d{3}(?= per second, (?:p99|one))", planning):
        assert figure in report, f"{figure} is not in the benchmark report any more"


def test_the_metrics_to_watch_exist(tmp_path: Path) -> None:
    named = set(re.findall(r"`(trunkline_\w+)`", (GUIDES / "operations.md").read_text()))
    with serving(tmp_path, LIVE__ENABLED="true") as server, server.operator() as operator:
        shown = operator.get("/metrics").text
        ready = [operator.get(path).status_code for path in ("/health/live", "/health/ready")]
    assert len(named) >= 5
    assert {name for name in named if name not in shown} == set()
    assert ready == [200, 200]
