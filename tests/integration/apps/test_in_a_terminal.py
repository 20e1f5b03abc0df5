"""``trunkline chat`` as two people see it, each in a terminal of their own; and ``trunkline bench``."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.integration.rest.running import App, serving

pytestmark = pytest.mark.timeout(120)
COMMAND = (sys.executable, "-m", "trunkline.server.cli")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program that has a terminal, and the person before it."""

    def __init__(self, *arguments: str) -> None:
        self._own, theirs = pty.openpty()
        self._raw = b""
        self.process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own)

    @property
    def shown(self) -> str:
        """Everything on the screen so far, without colours."""
        return ESCAPES.sub("", self._raw.decode(errors="replace")).replace("\r\n", "\n")

    @property
    def coloured(self) -> bool:
        """Whether the program used colours."""
        return ESCAPES.search(self._raw.decode(errors="replace")) is not None

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._own, f"{line}\n".encode())

    def see(self, pattern: str, timeout_s: float = 15) -> re.Match[str]:
        """Wait until the screen shows something."""
        deadline_s = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.shown, re.MULTILINE)) is None:
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"no {pattern!r} in:\n{self.shown}"
            if select.select([self._own], [], [], left_s)[0]:
                try:
                    self._raw += os.read(self._own, 65536)
                except OSError:  # how Linux says that the other side is closed
                    raise AssertionError(f"it ended without {pattern!r}:\n{self.shown}") from None
        return found


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with serving(tmp_path) as server:
        yield server.create_app()


def chat(app: App, party: str, to: str) -> Terminal:
    return Terminal("chat", "--url", app.server.url, "--token", app.token(party), "--to", to)


def test_two_people_chat(app: App) -> None:
    with chat(app, "user/ann", "user/bob") as ann, chat(app, "user/bob", "user/ann") as bob:
        ann.see("you are user/ann; talking to user/bob; /help shows commands")
        bob.see("you are user/bob")
        ann.type("hello Bob, 你好")
        seq = bob.see(r"(\d+) user/ann: hello Bob, 你好$")[1]
        bob.type("hi Ann")
        ann.see(r"user/bob: hi Ann$")
        assert ann.coloured
        bob.type(f"/react {seq} :+1:")
        ann.see(rf":\+1: on {seq}$")
        ann.type(f"/edit {seq} hello again")
        bob.see(rf"changed {seq} to: hello again$")
        ann.type("/who")
        ann.see(r"^  user/bob  member, has read up to \d+$")
        ann.type("/nonsense")
        ann.see("there is no /nonsense")
        ann.type("/edit x y")
        ann.see("that is not how it is used")
        ann.type("/edit 99 y")
        ann.see("refused: ")
        bob.type("\x1b[31mred\x1b[0m")
        ann.see(r"user/bob: \?\[31mred\?\[0m$")
        bob.type("/quit")
        assert bob.process.wait(10) == 0
        ann.type("are you there?")
        ann.see("are you there")
        os.write(ann._own, b"\x04")  # Ctrl-D
        assert ann.process.wait(10) == 0
    with chat(app, "user/bob", "user/ann") as bob:
        bob.see(r"user/ann: are you there\?$")
        bob.type("/recall 2")
        bob.see("refused: ")


def test_a_program_chats(app: App) -> None:
    words = ["chat", "--json", "--url", app.server.url, "--token", app.token("user/ann"), "--to", "user/bob"]
    with subprocess.Popen([*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ann:
        assert ann.stdin is not None and ann.stdout is not None
        assert "you are user/ann" in json.loads(ann.stdout.readline())["note"]
        ann.stdin.write("hello\n")
        ann.stdin.flush()
        while (entry := json.loads(ann.stdout.readline()).get("entry", {})).get("type") != "text":
            pass
        assert (entry["sender"], entry["content"]) == ("user/ann", {"text": "hello"})
        ann.stdin.write("/who\n/nonsense\n")
        ann.stdin.close()
        rest = [json.loads(line) for line in ann.stdout]
        assert ann.wait(10) == 0
    assert {line["member"]["party"] for line in rest if "member" in line} == {"user/ann", "user/bob"}
    assert any("there is no /nonsense" in line.get("note", "") for line in rest)


def test_who_is_turned_away_is_told_so(app: App) -> None:
    wrong = App(app.server, app.id, app.key, "w" * 43)
    with chat(wrong, "user/ann", "user/bob") as ann:
        ann.see("the server turned us away: .*bad_signature")
        assert ann.process.wait(10) == 1
        assert "Traceback" not in ann.shown


def test_bench_prints_what_it_measured(app: App) -> None:
    bench = [*COMMAND, "bench", "--url", app.server.url, "--key", app.key, "--users", "4", "--seconds", "0.5"]
    done = subprocess.run(
        [*bench, "--secret", "-", "--json"], input=app.secret, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["users"], found["window"], found["missing"]) == (4, 1, 0)
    assert found["messages"] > 10
    assert found["messages_per_s"] == pytest.approx(found["messages"] / found["seconds"])
    assert 0.5 <= found["seconds"] < 5
    assert 0 < found["ack_p50_ms"] <= found["ack_p99_ms"]
    refused = subprocess.run([*bench, "--secret", "w" * 43], capture_output=True, text=True, timeout=30, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "bad_signature" in refused.stderr
    assert "Traceback" not in refused.stderr
