"""The checks of the house bite: each planted violation is reported, and a clean tree is not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("base", "wire", "crypto", "protocol", "domain", "services", "store", "edges", "server", "client")

# Each line of code is planted in the named module of an otherwise empty package, and breaks the named contract.
VIOLATIONS = [
    ("base", "import trunkline.wire", "Outer layers import inner ones"),
    ("wire", "from trunkline.domain import log", "Outer layers import inner ones"),
    ("services", "import trunkline.store", "Outer layers import inner ones"),
    ("edges", "import trunkline.store", "Edges and store are strangers"),
    ("client", "import trunkline.domain", "The SDK carries no server along"),
    ("client", "import starlette", "The SDK carries no server along"),
    ("services", "import trunkline.client", "Only the composition root knows the SDK"),
    ("base", "import time", "Inner layers do no input or output"),
    ("domain", "def later() -> None:\n    import random", "Inner layers do no input or output"),
    ("protocol", "from asyncio import Queue", "Inner layers do no input or output"),
    ("crypto", "import secrets", "Inner layers do no input or output"),
    ("services", "import sqlite3", "Services name no technology"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The package with its layers and nothing in them, under the project's own configuration."""
    package = tmp_path / "src" / "trunkline"
    for layer in LAYERS:
        (package / layer).mkdir(parents=True)
        (package / layer / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "domain" / "log.py").write_text("")
    for edge in ("link", "http", "livekit", "webhooks"):
        (package / "edges" / edge).mkdir()
        (package / "edges" / edge / "__init__.py").write_text("")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(tree: Path) -> tuple[int, list[str]]:
    """Runs the contracts on a tree; returns the exit code and the names of the broken contracts."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"],
        cwd=tree,
        env={"PYTHONPATH": str(tree / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return done.returncode, re.findall(r"^(.*) BROKEN$", done.stdout, re.MULTILINE)


def test_contracts_accept_a_clean_tree(tree: Path) -> None:
    (tree / "src/trunkline/server/__init__.py").write_text("import trunkline.client\nimport trunkline.store\n")
    (tree / "src/trunkline/client/__init__.py").write_text("import asyncio\nimport trunkline.wire\n")
    assert lint_imports(tree) == (0, [])


@pytest.mark.parametrize(("layer", "code", "contract"), VIOLATIONS)
def test_contracts_report_a_planted_import(tree: Path, layer: str, code: str, contract: str) -> None:
    (tree / "src/trunkline" / layer / "__init__.py").write_text(code + "\n")
    exit_code, broken = lint_imports(tree)
    assert exit_code != 0
    assert any(name.startswith(contract) for name in broken), broken


def test_contracts_report_an_edge_that_nobody_declared(tree: Path) -> None:
    (tree / "src/trunkline/edges/fax").mkdir()
    (tree / "src/trunkline/edges/fax/__init__.py").write_text("")
    assert lint_imports(tree) == (1, ["Edges are strangers to one another"])


def test_contracts_report_one_edge_importing_another(tree: Path) -> None:
    (tree / "src/trunkline/edges/link/__init__.py").write_text("import trunkline.edges.http\n")
    exit_code, broken = lint_imports(tree)
    assert exit_code != 0
    assert broken == ["Edges are strangers to one another"]


def check_sizes(tree: Path) -> tuple[int, str]:
    """Runs the size check on a tree; returns the exit code and its output."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "check_sizes.py"), str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def lines(count: int) -> str:
    return "x = 1\n" * count


def function(count: int) -> str:
    return "def f() -> None:\n" + "    pass\n" * (count - 1)


@pytest.mark.parametrize(
    ("folder", "content", "exit_code", "finding"),
    [
        ("src", lines(400), 0, ""),
        ("src", lines(401), 0, "warning: src/m.py: the module has 401 lines"),
        ("src", lines(600), 0, "warning"),
        ("src", lines(601), 1, "error: src/m.py: the module has 601 lines (limit 600)"),
        ("tests", lines(800), 0, "warning"),
        ("tests", lines(801), 1, "error: tests/m.py"),
        ("src", function(60), 0, ""),
        ("src", function(61), 0, "warning: src/m.py:1: f() has 61 lines"),
        ("src", function(81), 1, "error: src/m.py:1: f() has 81 lines (limit 80)"),
        ("tests", function(81), 0, ""),
    ],
)
def test_sizes_are_graded_at_the_documented_limits(
    tmp_path: Path, folder: str, content: str, exit_code: int, finding: str
) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "m.py").write_text(content)
    code, output = check_sizes(tmp_path)
    assert code == exit_code
    assert output.startswith(finding) if finding else output == ""


def test_lock_files_pin_everything_and_name_no_registry() -> None:
    for name in ("client", "server", "dev"):
        locked = (ROOT / "requirements" / f"{name}.txt").read_text().split()
        assert locked
        assert all(re.fullmatch(r"[a-z0-9._-]+==[0-9][A-Za-z0-9.+]*", line) for line in locked), name


def test_lock_files_agree_and_nest() -> None:
    client, server, dev = (
        set((ROOT / "requirements" / f"{name}.txt").read_text().split()) for name in ("client", "server", "dev")
    )
    assert client < server < dev


def test_the_client_brings_nothing_of_the_server_at_run_time() -> None:
    """The contracts see import statements; this sees what is really loaded, through libraries too."""
    script = (
        "import sys, trunkline.client\n"
        "inner = {'client', 'protocol', 'crypto', 'wire', 'base'}\n"
        "print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('trunkline.')} - inner))\n"
        "server_only = {'uvloop', 'uvicorn', 'starlette', 'httptools', 'prometheus_client', 'google_crc32c'}\n"
        "print(*sorted(server_only & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "\n\n"


def test_every_test_directory_is_a_package() -> None:
    # Two modules of one name in directories that are not packages all the way up shadow each other, and which of the
    # two runs depends on the order of collection.
    directories = {path.parent for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts}
    parents = {parent for path in directories for parent in path.parents if parent.is_relative_to(ROOT / "tests")}
    assert sorted(str(path) for path in directories | parents if not (path / "__init__.py").is_file()) == []
