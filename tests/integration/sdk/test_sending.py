"""The outbox at work: every message accepted once, in order, whatever happens to connections and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.sdk.conftest import texts, until
from tests.reference_link.server import ReferenceServer
from trunkline.client import Client, ClientStopped, OutboxFull, RequestFailed, SendOutcome, SendStatus, StoreInUse
from trunkline.client.options import Options

Make = Callable[..., Client]


def logged(server: ReferenceServer, conversation: str) -> list[str]:
    return [e["content"]["text"] for e in server.conversations[conversation].log if e["type"] == "text"]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_message_is_accepted_and_enters_the_history(server: ReferenceServer, client: Make, encoding: str):
    async with client("user/alice", encoding=encoding) as alice:
        sent = await alice.send("user/bob", "héllo 你好 🚀")
        await until(lambda: len(alice.local_history("user/bob")) == 2)
        assert texts(alice.local_history("user/bob")) == ["héllo 你好 🚀"]
        assert alice.local_history("user/bob")[-1].seq == sent.seq
        assert alice.unsent("user/bob") == []


async def test_messages_written_offline_leave_when_the_server_comes(
    server: ReferenceServer, client: Make, tmp_path: Path
):
    server.group("g.team", "user/alice", "user/bob")
    await server.shut()
    async with client("user/alice", store=tmp_path / "alice.db") as alice:
        handles = [alice.send_nowait("g.team", f"m{i}") for i in range(5)]
        await handles[-1].persisted()
        assert [row.status for row in alice.unsent("g.team")] == [SendStatus.PENDING] * 5
    with pytest.raises(ClientStopped):
        await handles[0]
    await server.listen(server.port)
    outcomes: list[SendOutcome] = []
    async with client("user/alice", store=tmp_path / "alice.db", on_sent=outcomes.append) as alice:
        await until(lambda: len(outcomes) == 5)
    assert logged(server, "g.team") == [f"m{i}" for i in range(5)]
    assert [outcome.seq for outcome in outcomes] == [2, 3, 4, 5, 6]


async def test_a_pipeline_is_accepted_in_order(server: ReferenceServer, client: Make):
    server.group("g.team", "user/alice", "user/bob")
    server.window = 7
    async with client("user/alice") as alice:
        handles = [alice.send_nowait("g.team", f"m{i}") for i in range(300)]
        positions = [(await handle).seq for handle in handles]
    assert positions == list(range(2, 302))
    assert logged(server, "g.team") == [f"m{i}" for i in range(300)]
    assert any("after" in params for _, method, params in server.requests if method == "message.send")


@pytest.mark.parametrize("when", ["cut_before_apply", "cut_after_apply"])
async def test_connections_cut_around_the_apply_neither_lose_nor_double(
    server: ReferenceServer, client: Make, when: str
):
    server.group("g.team", "user/alice", "user/bob")
    setattr(server.faults, when, 0.15)
    async with client("user/alice") as alice:
        handles = [alice.send_nowait("g.team", f"m{i}") for i in range(40)]
        hurry = asyncio.create_task(keep_reconnecting(alice))
        positions = [(await handle).seq for handle in handles]
        hurry.cancel()
        assert positions == list(range(2, 42))
        await until(lambda: not alice.unsent("g.team"))
    assert server.connections > 1
    assert logged(server, "g.team") == [f"m{i}" for i in range(40)]


async def keep_reconnecting(client: Client) -> None:
    """Spare the test the back-off: connect at once whenever the client is offline."""
    while True:
        if client.state == "offline":
            client.reconnect()
        await asyncio.sleep(0.005)


async def test_a_refused_message_does_not_stop_those_behind_it(server: ReferenceServer, client: Make):
    server.group("g.team", "user/alice", "user/bob")
    async with client("user/alice") as alice:
        await alice.online()
        handles = [alice.send_nowait("g.team", text) for text in ("one", "refuse me", "two", "three")]
        with pytest.raises(RequestFailed) as refused:
            await handles[1]
        assert (refused.value.code, refused.value.applied) == (3004, False)
        assert (await handles[0]).seq < (await handles[2]).seq < (await handles[3]).seq
        assert logged(server, "g.team") == ["one", "two", "three"]
        (row,) = [row for row in alice.unsent("g.team") if row.status is SendStatus.REFUSED]
        assert row.error_code == 3004
        assert alice.discard(row.id)
        assert not [row for row in alice.unsent("g.team") if row.status is SendStatus.REFUSED]


@pytest.mark.parametrize("code", [4001, 5003])
async def test_later_and_unknown_are_repeated_under_the_same_id(server: ReferenceServer, client: Make, code: int):
    server.group("g.team", "user/alice", "user/bob")
    server.faults.refuse["message.send"] = [code]
    async with client("user/alice") as alice:
        first, second = alice.send_nowait("g.team", "one"), alice.send_nowait("g.team", "two")
        assert ((await first).seq, (await second).seq) == (2, 3)
    numbers = [params["n"] for _, method, params in server.requests if method == "message.send"]
    assert numbers[0] == first.n
    assert numbers.count(first.n) == 2


async def test_the_outbox_is_bounded(server: ReferenceServer, client: Make):
    await server.shut()
    async with client("user/alice", options=Options(max_outbox=3)) as alice:
        for i in range(3):
            alice.send_nowait("user/bob", f"m{i}")
        with pytest.raises(OutboxFull):
            alice.send_nowait("user/bob", "one too many")


async def test_a_lost_answer_is_made_up_for_by_the_entry(server: ReferenceServer, client: Make):
    """The entry itself, coming back by sync, proves that its send was accepted."""
    server.group("g.team", "user/alice", "user/bob")
    server.faults.cut_after_apply = 1.0
    async with client("user/alice") as alice:
        handle = alice.send_nowait("g.team", "only once")
        await until(lambda: len(server.conversations["g.team"].log) == 2)
        server.faults.cut_after_apply = 0.0
        alice.reconnect()
        assert (await handle).seq == 2
    assert logged(server, "g.team") == ["only once"]


async def test_a_restored_store_mints_a_new_outbox_and_loses_nothing(
    server: ReferenceServer, client: Make, tmp_path: Path
):
    server.group("g.team", "user/alice", "user/bob")
    path = tmp_path / "alice.db"
    async with client("user/alice", store=path) as alice:
        await alice.send("g.team", "before the backup")
        await until(lambda: not alice.unsent("g.team"))
    backup = path.read_bytes()
    async with client("user/alice", store=path) as alice:
        old_outbox = alice.send_nowait("g.team", "after the backup").outbox
        fillers = [alice.send_nowait("g.team", f"filler {i}") for i in range(200)]
        await fillers[-1]
    path.write_bytes(backup)
    before = len(server.conversations["g.team"].log)
    async with client("user/alice", store=path) as alice:
        handle = alice.send_nowait("g.team", "written on the restored device")
        assert (await handle).seq == before + 1
        assert handle.outbox != old_outbox
        await until(lambda: len(alice.local_history("g.team", limit=500)) == before + 1)
    assert logged(server, "g.team").count("written on the restored device") == 1


async def test_a_message_pending_in_the_backup_is_not_doubled(server: ReferenceServer, client: Make, tmp_path: Path):
    """Pending when the disk was copied, accepted afterwards: the restored device must ask under the old id."""
    server.group("g.team", "user/alice", "user/bob")
    path = tmp_path / "alice.db"
    await server.shut()
    async with client("user/alice", store=path) as alice:
        await alice.send_nowait("g.team", "pending at the backup").persisted()
    backup = path.read_bytes()
    await server.listen(server.port)
    async with client("user/alice", store=path) as alice:
        await until(lambda: len(alice.local_history("g.team")) == 2)
        fillers = [alice.send_nowait("g.team", f"filler {i}") for i in range(200)]
        await fillers[-1]
    path.write_bytes(backup)
    async with client("user/alice", store=path) as alice:
        sent = await alice.send("g.team", "new")
        assert sent.seq == 203
        assert not [row for row in alice.unsent("g.team") if row.status is SendStatus.PENDING]
    assert logged(server, "g.team").count("pending at the backup") == 1
    assert logged(server, "g.team")[-1] == "new"


async def test_two_clients_cannot_share_a_store(client: Make, tmp_path: Path):
    async with client("user/alice", store=tmp_path / "a.db"):
        with pytest.raises(StoreInUse, match="store of its own"):
            async with client("user/alice", store=tmp_path / "a.db"):
                pass


async def test_an_unanswered_send_times_out_and_is_repeated(server: ReferenceServer, client: Make):
    server.group("g.team", "user/alice", "user/bob")
    server.faults.swallow["message.send"] = 1
    async with client("user/alice", options=Options(request_timeout_s=0.2)) as alice:
        assert (await alice.send("g.team", "patience")).seq == 2
    assert [method for _, method, _ in server.requests].count("message.send") == 2
    assert logged(server, "g.team") == ["patience"]
