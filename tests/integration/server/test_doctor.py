"""``trunkline doctor`` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.claims.server_process import ServerProcess, free_port
from trunkline.server.cli import main


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    status = main(["doctor", "--json", *arguments])
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is (status == 0)
    return status, {one["check"]: one for one in report["findings"]}


def test_a_sound_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _, found = findings(capsys, "--data", str(tmp_path / "data"), "--port", str(free_port()))
    for check in ("versions", "port", "data directory", "master key", "tls", "clock"):
        assert found[check]["verdict"] == "ok", found[check]
    assert " ms" in found["sync"]["found"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_is_named_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    (tmp_path / "store").mkdir()
    (tmp_path / "store/store.json").write_text('{"format": 1, "epoch": 99999999999999}')
    (tmp_path / "open").mkdir()
    (tmp_path / "open.master.key").write_text("k" * 64)
    (tmp_path / "open.master.key").chmod(0o644)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        cases = (
            (("--port", str(other.getsockname()[1])), "port"),
            (("--data", str(tmp_path / "file/data")), "data directory"),
            (("--data", str(tmp_path / "store")), "master key"),
            (("--data", str(tmp_path / "store")), "clock"),
            (("--data", str(tmp_path / "open")), "master key"),
        )
        for arguments, check in cases:
            status, found = findings(capsys, *arguments)
            assert status == 1
            assert found[check]["verdict"] == "failure", found[check]
            assert found[check]["advice"]


async def test_health_of_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    async with ServerProcess(tmp_path) as process:
        report = json.loads(await process.command("doctor", "--health", process.url, "--json"))
        assert report["ok"] is True
        found = json.loads(await process.command("doctor", "--json"))["findings"]
        assert [one["verdict"] for one in found if one["check"] == "port"] == ["ok"]
    status, found_now = findings(capsys, "--health", process.url)
    assert (status, found_now["health"]["verdict"]) == (1, "failure")
