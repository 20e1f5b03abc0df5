"""R13: the SDK is killed at each of its fault points; nothing is lost, doubled or reordered, no bubble shows twice."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.chaos.sdk_child import TEXTS
from tests.reference_link.server import Conversation, ReferenceServer
from trunkline.base.faultpoints import FaultPoint
from trunkline.client import mint_token

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).parents[2]
SDK_POINTS = {point for point in FaultPoint if point.value.startswith("sdk.")}
ONLY_CALLBACKS = {FaultPoint.SDK_AFTER_DELIVERY, FaultPoint.SDK_AFTER_CURSOR}
DELIVERY = sorted(ONLY_CALLBACKS | {FaultPoint.SDK_AFTER_APPLY, FaultPoint.SDK_BEFORE_DELIVERY})


async def child(url: str, store: Path, mode: str, point: str = "-", hits: int = 1) -> tuple[int, str]:
    token = mint_token("k_test", "s" * 32, "user/alice")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.sdk_child"),
        *(url, token, str(store), "g.team", mode, point, str(hits)),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, errors.decode()


async def killed_and_restarted(url: str, store: Path, mode: str, point: FaultPoint, hits: int) -> None:
    code, errors = await child(url, store, mode, point.value, hits)
    # A point reached fewer times than asked for ends the run well; the first hit must always be reached.
    assert code == -signal.SIGKILL or (hits > 1 and code == 0), errors
    for _ in range(2):
        code, errors = await child(url, store, mode)
        assert code == 0, errors


def a_group(server: ReferenceServer) -> Conversation:
    group = server.group("g.team", "user/bob", "user/alice")
    for i in range(3):
        server.append(group, "user/bob", "text", {"text": f"from bob {i}"})
    return group


def by_alice(group: Conversation) -> list[str]:
    return [e["content"]["text"] for e in group.log if e["type"] == "text" and e["sender"] == "user/alice"]


@pytest.mark.parametrize("hits", [1, 3])
@pytest.mark.parametrize("point", sorted(SDK_POINTS - ONLY_CALLBACKS), ids=lambda point: point.value)
async def test_in_a_transaction_every_entry_counts_exactly_once(point: FaultPoint, hits: int, tmp_path: Path):
    store = tmp_path / "alice.db"
    async with ReferenceServer() as server:
        group = a_group(server)
        await killed_and_restarted(server.url, store, "transaction", point, hits)
    assert by_alice(group) == TEXTS
    with contextlib.closing(sqlite3.connect(store)) as db:
        assert [seq for (seq,) in db.execute("SELECT seq FROM app_seen ORDER BY rowid")] == list(
            range(1, len(group.log) + 1)
        )
        assert db.execute("SELECT COUNT(*) FROM outbox").fetchone() == (0,)


@pytest.mark.parametrize("hits", [1, 3])
@pytest.mark.parametrize("point", DELIVERY, ids=lambda point: point.value)
async def test_a_plain_callback_may_hear_the_last_entry_again_and_misses_none(
    point: FaultPoint, hits: int, tmp_path: Path
):
    store = tmp_path / "alice.db"
    async with ReferenceServer() as server:
        group = a_group(server)
        await killed_and_restarted(server.url, store, "callback", point, hits)
    assert by_alice(group) == TEXTS
    heard = [int(line) for line in Path(f"{store}.seen").read_text().split()]
    assert list(dict.fromkeys(heard)) == list(range(1, len(group.log) + 1)), "in order, none missing"
    again = len(heard) - len(set(heard))
    assert again == (1 if point is FaultPoint.SDK_AFTER_DELIVERY else 0)
