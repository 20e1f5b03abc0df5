"""The scanner hook, with real programs: verdicts, deadlines, and what holds when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.base.errors import Code, TrunklineError
from trunkline.media.scan.command import CommandScanner
from trunkline.services.files.ports import ScanSubject

SUBJECT = ScanSubject(
    app="a_one", file="f_1", owner="user/ann", name="x; rm -rf $HOME", mime="text/plain", size_bytes=5, sha256="ab"
)
NO_VERDICT = [["sh", "-c", "exit 2"], ["sh", "-c", "kill -9 $$"], ["sleep", "600"], ["/no/such/program"]]


async def test_the_exit_code_is_the_verdict(tmp_path: Path) -> None:
    """A program that really reads the file it is given."""
    scanner = CommandScanner(
        ["sh", "-c", 'if grep -q EICAR "$0"; then exit 1; else exit 0; fi', "{path}"], 10, fail_open=False
    )
    path = tmp_path / "a file; true"
    path.write_text("harmless")
    assert await scanner.scan(SUBJECT, path) == ""
    path.write_text("X5O EICAR test")
    assert await scanner.scan(SUBJECT, path) != ""


async def test_the_hash_and_the_type_are_offered(tmp_path: Path) -> None:
    script = 'test "$0" = ab && test "$1" = text/plain'
    scanner = CommandScanner(["sh", "-c", script, "{sha256}", "{mime}"], 10, fail_open=False)
    assert await scanner.scan(SUBJECT, tmp_path) == ""


@pytest.mark.parametrize("command", NO_VERDICT)
async def test_without_a_verdict_failing_closed_refuses_for_now(tmp_path: Path, command: list[str]) -> None:
    with pytest.raises(TrunklineError) as caught:
        await CommandScanner(command, 0.3, fail_open=False).scan(SUBJECT, tmp_path)
    assert caught.value.code is Code.SCAN_UNAVAILABLE
    assert caught.value.retry_ms > 0


@pytest.mark.parametrize("command", NO_VERDICT)
async def test_without_a_verdict_failing_open_accepts(tmp_path: Path, command: list[str]) -> None:
    assert await CommandScanner(command, 0.3, fail_open=True).scan(SUBJECT, tmp_path) == ""


async def test_the_scanner_gets_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", "m" * 40)
    scanner = CommandScanner(["sh", "-c", 'test -z "$TRUNKLINE_MASTER_KEY"'], 10, fail_open=False)
    assert await scanner.scan(SUBJECT, tmp_path) == ""
