"""The command line where only the client is installed, and where the operator's token is kept."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.claims.server_process import ServerProcess
from trunkline.server.cli import main
from trunkline.server.config import load_config
from trunkline.server.master_key import load_admin_token, load_master_key

CLIENT_ONLY = """
import importlib.abc, sys
GONE = {"uvloop", "uvicorn", "httptools", "starlette", "google_crc32c", "prometheus_client"}
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from trunkline.server.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", [["serve"], ["app", "list"], ["backup", "b"]], ids=lambda command: command[0])
def test_without_the_server_one_line_says_what_to_install(command: list[str], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "store.json").write_text("{}")
    ran = subprocess.run(
        [sys.executable, "-c", CLIENT_ONLY, *command, "--data", str(data), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "pip install 'trunkline[server]'" in ran.stderr


def test_without_the_server_tokens_are_minted(tmp_path: Path) -> None:
    command = ["token", "--key", "k_1", "--secret", "s" * 43, "--party", "user/ann"]
    ran = subprocess.run([sys.executable, "-c", CLIENT_ONLY, *command], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.count(".")) == (0, 2), ran.stderr


def test_the_admin_token_is_beside_the_data_wherever_the_master_key_is(tmp_path: Path) -> None:
    names = {"TRUNKLINE_STORE__DIRECTORY": tmp_path / "data", "TRUNKLINE_STORE__MASTER_KEY_FILE": tmp_path / "keys/mk"}
    config = load_config(None, {name: str(path) for name, path in names.items()})
    load_master_key(config)
    token = load_admin_token(config)
    assert (tmp_path / "data.admin.token").read_text().strip() == token.reveal()
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["mk"]


async def test_a_key_is_rotated_while_no_server_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = ServerProcess(tmp_path)
    config = ("--config", str(process.config_path), "--json")

    def run(*arguments: str) -> Any:
        assert main([*arguments, *config]) == 0
        return json.loads(capsys.readouterr().out)

    async def rotated(name: str, overlap_s: int) -> tuple[Any, Any]:
        app = await asyncio.to_thread(run, "app", "create", name)
        return app, await asyncio.to_thread(run, "app", "rotate-key", app["app"], "--overlap", str(overlap_s))

    old, new = await rotated("with overlap", 3600)
    gone, only = await rotated("without", 0)
    assert len({pair["secret"] for pair in (old, new, gone, only)}) == 4
    assert await asyncio.to_thread(main, ["app", "rotate-key", "a_none", *config]) == 2
    assert "not_found" in capsys.readouterr().err
    async with process:
        for pair, status in ((old, 200), (new, 200), (gone, 401), (only, 200)):
            assert httpx.get(f"{process.url}/v1/keys", auth=(pair["key"], pair["secret"])).status_code == status
