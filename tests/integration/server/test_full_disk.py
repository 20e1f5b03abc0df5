"""A full disk under the whole server: definite refusals, reads go on, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.claims.server_process import ServerNotReadyError, ServerProcess
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.sdk.conftest import QUICK, texts, until
from trunkline.base.errors import Code
from trunkline.client import Client, ClientState

pytestmark = [pytest.mark.timeout(120), pytest.mark.chaos]
DISK_BYTES = 6 << 20
BLOCK = "x" * 15_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    options = f"size={DISK_BYTES},mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


class Writer:
    """A party that writes down what was acknowledged and what was refused."""

    def __init__(self, process: ServerProcess, party: str) -> None:
        self.client = WireClient(process.url)
        self.acked: dict[int, str] = {}
        self.refused: list[str] = []
        self._number = 0
        self.client.call("hello", token=process.token(party), device="d1", outbox=f"outbox-{party[5:]:>08}")

    def send(self) -> bool:
        """Send one message of some size; False when it was refused because of the disk."""
        self._number += 1
        text = f"{self._number}:{BLOCK}"
        try:
            sent = self.client.call("message.send", conversation="g.full", content={"text": text}, n=self._number)
        except Refused as refusal:
            assert (refusal.code, refusal.error["name"]) == (Code.DISK_FULL.number, "disk_full")
            assert refusal.error["applied"] is False
            assert (refusal.error["retry"], refusal.error["retry_ms"] > 0) == ("later", True)
            self.refused.append(text)
            return False
        self.acked[sent["seq"]] = text
        return True

    def log(self) -> dict[int, str]:
        """All texts, as the server has them."""
        found: dict[int, str] = {}
        first, more = 1, True
        while more:
            page: dict[str, Any] = self.client.call("history.get", conversation="g.full", from_seq=first, limit=100)
            found |= {e["seq"]: e["content"]["text"] for e in page["entries"] if e["type"] == "text"}
            first, more = first + len(page["entries"]), page.get("more", False)
        return found


def fill(disk: Path) -> Path:
    """Take what is left of the disk."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    return ballast


@contextmanager
def index_without_spare_room(index: Path) -> Iterator[None]:
    """Keep the index from reusing its write-ahead log: whatever it writes from here on needs new room on the disk.

    The log is cut to nothing, and an open reader keeps it from being started over. Without this it depends on the
    checkpoints of the moment whether a full disk stops the index.
    """
    with closing(sqlite3.connect(index, timeout=10, isolation_level=None)) as db:
        while db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            pass
        db.execute("BEGIN")
        db.execute("SELECT 1 FROM sqlite_schema").fetchone()
        yield


async def test_a_full_disk_refuses_definitely_and_loses_nothing(tmp_path: Path, disk: Path):
    config: dict[str, dict[str, object]] = {
        "store": {"segment_bytes": 262_144, "project_every_s": 0.1},
        "limits": {"link_rate": 0, "party_rate": 0},
    }
    process = ServerProcess(tmp_path / "server", config=config, data_dir=disk / "data")
    async with process:
        await process.create_app()
        writer = Writer(process, "user/writer")
        writer.client.call("group.create", id="g.full", members=["user/reader", "user/offline"])
        for _ in range(20):
            assert writer.send()

        for _ in range(2):
            with index_without_spare_room(disk / "data" / "index.db"):
                ballast = fill(disk)
                assert writer.send(), "the open segment has room for something that the index will lack"
                while writer.send():
                    pass
                fill(disk)  # again: a segment that was being prepared gave back what it had taken
                assert [writer.send() for _ in range(20)] == [False] * 20
                # Everything that needs no room goes on: reading, signing in, health.
                assert writer.log() == writer.acked
                with httpx.Client(base_url=process.url, auth=(process.key, process.secret)) as backend:
                    said = backend.post(
                        "/v1/conversations/g.full/messages",
                        json={"type": "text", "content": {"text": BLOCK}},
                        headers={"Trunkline-Party": "user/writer"},
                    )
                    problem = said.json()
                    assert (said.status_code, problem["name"], problem["applied"]) == (507, "disk_full", False)
                    found = backend.get("/v1/conversations/g.full", headers={"Trunkline-Party": "user/reader"})
                    assert found.json()["head"] == max(writer.acked)
                assert await process.health() == 200
                with WireClient(process.url) as newcomer:
                    newcomer.call("hello", token=process.token("user/reader"), device="new")
                    assert newcomer.call("conversation.get", conversation="g.full")["head"] == max(writer.acked)
                    assert newcomer.call("history.get", conversation="g.full", limit=1)["entries"]
                    with pytest.raises(Refused, match="disk_full"):
                        newcomer.call("sync", epoch=0, pts=0)  # it needs the index, which lacks room as well
                async with Client(process.url, process.token("user/reader"), options=QUICK) as reader:
                    waiting = reader.send_nowait("g.full", "written on a full disk")
                    await until(lambda: reader.state is ClientState.SYNCING)
                    ballast.unlink()
                    position = await waiting
                    await reader.online()
                    assert texts(reader.local_history("g.full"))[-1] == "written on a full disk"
                writer.acked[position.seq] = "written on a full disk"
                for _ in range(5):
                    assert writer.send()
                assert writer.log() == writer.acked

        fill(disk)
        while writer.send():
            pass
        await process.kill()
        (disk / "ballast").unlink()
        await process.start()
        again = Writer(process, "user/writer")
        assert again.log() == writer.acked
        assert len(writer.refused) > 40
        assert not set(writer.refused) & set(again.log().values())
        again.client.socket.close()
        writer.client.socket.close()


async def test_a_start_on_a_full_disk_says_so_and_works_once_there_is_room(tmp_path: Path, disk: Path):
    process = ServerProcess(tmp_path / "server", data_dir=disk / "data", config={"limits": {"link_rate": 0}})
    async with process:
        await process.create_app()
        writer = Writer(process, "user/writer")
        writer.client.call("group.create", id="g.full", members=["user/reader"])
        for _ in range(50):
            assert writer.send()
        ballast = fill(disk)
        await process.kill()
        with process.log_path.open("wb"):
            pass
        with pytest.raises(ServerNotReadyError, match=r"ended with 1\nCannot serve: the disk is full .*; free space"):
            await process.start()
        assert len(process.log_path.read_text().splitlines()) == 1
        ballast.unlink()
        await process.start()
        again = Writer(process, "user/writer")
        assert again.log() == writer.acked
        again.client.socket.close()
        writer.client.socket.close()
