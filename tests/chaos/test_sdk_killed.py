"""R13: the SDK is killed at each of its fault points; nothing is lost, doubled or reordered, no bubble shows twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.sdk_child import TEXTS
from tests.claims.server_process import ServerProcess
from trunkline.base.faultpoints import FaultPoint
from trunkline.client import Client
from trunkline.wire.entries import EntryView

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]
SDK_POINTS = {point for point in FaultPoint if point.value.startswith("sdk.")}
ONLY_CALLBACKS = {FaultPoint.SDK_AFTER_DELIVERY, FaultPoint.SDK_AFTER_CURSOR}
DELIVERY = sorted(ONLY_CALLBACKS | {FaultPoint.SDK_AFTER_APPLY, FaultPoint.SDK_BEFORE_DELIVERY})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path_factory.mktemp("server")) as running:
        await running.create_app("killed")
        yield running


class Scene:
    """A group of alice, who is killed, and bob, who is not, each made for one test."""

    def __init__(self, server: ServerProcess, store: Path, name: str, mode: str) -> None:
        self.server = server
        self.store = store
        self.group = f"g.{name}"
        self.alice = f"user/alice-{name}"
        self.mode = mode
        self.bob = Client(server.url, server.token(f"user/bob-{name}"))

    async def prepare(self) -> None:
        await self.bob.groups.create(self.group, members=[self.alice])
        for i in range(3):
            await self.bob.send(self.group, f"from bob {i}")

    async def child(self, point: str = "-", hits: int = 1) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.sdk_child"),
            *(self.server.url, self.server.token(self.alice), str(self.store), self.group, self.mode),
            *(point, str(hits)),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, errors = await asyncio.wait_for(process.communicate(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return process.returncode, errors.decode()

    async def killed_and_restarted(self, point: FaultPoint, hits: int) -> list[EntryView]:
        """Returns the group's log."""
        async with self.bob:
            await self.prepare()
            code, errors = await self.child(point.value, hits)
            # A point reached fewer times than asked for ends the run well; the first hit must always be reached.
            assert code == -signal.SIGKILL or (hits > 1 and code == 0), errors
            for _ in range(2):
                code, errors = await self.child()
                assert code == 0, errors
            log = await self.bob.history_between(self.group, limit=500)
        assert [e.content["text"] for e in log if e.type == "text" and e.sender == self.alice] == TEXTS
        return log


@pytest.mark.parametrize("hits", [1, 3])
@pytest.mark.parametrize("point", sorted(SDK_POINTS - ONLY_CALLBACKS), ids=lambda point: point.value)
async def test_in_a_transaction_every_entry_counts_exactly_once(
    server: ServerProcess, point: FaultPoint, hits: int, tmp_path: Path
):
    scene = Scene(server, tmp_path / "alice.db", f"t-{point.value}-{hits}", "transaction")
    log = await scene.killed_and_restarted(point, hits)
    with contextlib.closing(sqlite3.connect(scene.store)) as db:
        seen = [seq for (seq,) in db.execute("SELECT seq FROM app_seen ORDER BY rowid")]
        left = db.execute("SELECT COUNT(*) FROM outbox").fetchone()
    assert seen == [entry.seq for entry in log] == list(range(1, len(log) + 1))
    assert left == (0,)


@pytest.mark.parametrize("hits", [1, 3])
@pytest.mark.parametrize("point", DELIVERY, ids=lambda point: point.value)
async def test_a_plain_callback_may_hear_the_last_entry_again_and_misses_none(
    server: ServerProcess, point: FaultPoint, hits: int, tmp_path: Path
):
    scene = Scene(server, tmp_path / "alice.db", f"c-{point.value}-{hits}", "callback")
    log = await scene.killed_and_restarted(point, hits)
    heard = [int(line) for line in Path(f"{scene.store}.seen").read_text().split()]
    assert list(dict.fromkeys(heard)) == list(range(1, len(log) + 1)), "in order, none missing"
    again = len(heard) - len(set(heard))
    assert again == (1 if point is FaultPoint.SDK_AFTER_DELIVERY else 0)
