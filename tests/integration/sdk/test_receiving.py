"""Receiving: each entry once, in order, over lost, doubled and reordered pushes, resumes, resyncs and epochs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.sdk.conftest import QUICK, take, texts, until
from tests.reference_link.server import ReferenceServer
from trunkline.client import Client, CursorMoved, Options, Presence, Resync, Typing
from trunkline.wire.entries import EntryView

Make = Callable[..., Client]


def say(server: ReferenceServer, conversation: str, *words: str) -> None:
    for word in words:
        server.append(server.conversations[conversation], "user/bob", "text", {"text": word})


async def test_callback_and_iterators_each_see_every_entry_once_in_order(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    server.group("g.two", "user/bob", "user/alice")
    seen: list[tuple[str, int]] = []
    async with client("user/alice", on_entry=lambda e: seen.append((e.conversation, e.seq))) as alice:
        await alice.online()
        for i in range(10):
            say(server, "g.one" if i % 2 else "g.two", f"m{i}")
        everything = await take(alice.messages(), 12)
        only_one = await take(alice.messages("g.one"), 6)
        await until(lambda: len(seen) == 12)
    assert [(e.conversation, e.seq) for e in everything] == seen
    assert [e.seq for e in only_one] == [1, 2, 3, 4, 5, 6]
    assert [seq for name, seq in seen if name == "g.two"] == [1, 2, 3, 4, 5, 6]


async def test_types_choose_what_a_loop_sees(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    async with client("user/alice") as alice:
        say(server, "g.one", "hello")
        (entry,) = await take(alice.messages(types={"text"}), 1)
        assert entry.content == {"text": "hello"}


async def test_lost_doubled_and_reordered_pushes_are_made_good(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    server.faults.lose_push = 0.3
    server.faults.double_push = 0.3
    server.faults.delay_push_s = 0.05
    seen: list[int] = []
    async with client("user/alice", on_entry=lambda e: seen.append(e.seq)) as alice:
        await alice.online()
        for i in range(200):
            say(server, "g.one", f"m{i}")
            if i % 10 == 0:
                await asyncio.sleep(0.01)
        server.faults.lose_push = 0.0
        say(server, "g.one", "last")
        await until(lambda: len(seen) >= 202)
    assert seen == list(range(1, 203))


async def test_two_hundred_messages_while_offline_arrive_in_order(
    server: ReferenceServer, client: Make, tmp_path: Path
):
    server.group("g.one", "user/bob", "user/alice")
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        await alice.online()
    for i in range(200):
        say(server, "g.one", f"m{i}")
    seen: list[EntryView] = []
    options = Options(history_page=30)
    async with client("user/alice", store=tmp_path / "a.db", options=options, on_entry=seen.append) as alice:
        await alice.online()
        await until(lambda: len(seen) == 201)
        assert texts(alice.local_history("g.one", limit=500)) == [f"m{i}" for i in range(200)]
    assert [entry.seq for entry in seen] == list(range(1, 202))


async def test_sync_goes_on_page_by_page_and_costs_what_changed(server: ReferenceServer, client: Make, tmp_path: Path):
    for i in range(25):
        server.group(f"g.{i}", "user/bob", "user/alice")
    options = Options(sync_page=10)
    async with client("user/alice", store=tmp_path / "a.db", options=options) as alice:
        await alice.online()
        assert len(alice.conversations.list(limit=100)) == 25
        assert alice.conversations.list(limit=3, offset=24)[0].head == 1
    say(server, "g.7", "only this changed")
    server.requests.clear()
    async with client("user/alice", store=tmp_path / "a.db", options=options) as alice:
        await alice.online()
        assert texts(alice.local_history("g.7")) == ["only this changed"]
    methods = [method for _, method, _ in server.requests]
    assert methods.count("sync") == 1
    assert methods.count("history.get") == 1


async def test_lagged_makes_the_client_sync(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    async with client("user/alice") as alice:
        await alice.online()
        server.faults.lose_push = 1.0
        say(server, "g.one", "a", "b", "c")
        server.push("user/alice", "lagged", {})
        await until(lambda: texts(alice.local_history("g.one")) == ["a", "b", "c"])


async def test_a_push_of_an_unknown_conversation_starts_at_its_join_point(server: ReferenceServer, client: Make):
    async with client("user/alice") as alice:
        await alice.online()
        group = server.group("g.late", "user/bob")
        say(server, "g.late", "not for alice", "nor this")
        group.members.append("user/alice")
        group.joined["user/alice"] = 4
        server.append(group, "user/bob", "members.added", {"parties": ["user/alice"]})
        say(server, "g.late", "for alice")
        await until(lambda: texts(alice.local_history("g.late")) == ["for alice"])
        assert [entry.seq for entry in alice.local_history("g.late")] == [4, 5]


async def test_a_new_epoch_drops_local_history_and_tells(server: ReferenceServer, client: Make, tmp_path: Path):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", "kept", "lost by the restore")
    resyncs: list[Resync] = []
    seen: list[tuple[int, int]] = []
    async with client(
        "user/alice",
        store=tmp_path / "a.db",
        on_resync=resyncs.append,
        on_entry=lambda e: seen.append((e.epoch, e.seq)),
    ) as alice:
        await alice.online()
        await until(lambda: len(seen) == 3)
        server.new_epoch(keep=2)
        server.cut_all()
        alice.reconnect()
        await until(lambda: len(seen) == 5)
        assert texts(alice.local_history("g.one")) == ["kept"]
        assert alice.conversations.list()[0].head == 2
    assert [resync.history_dropped for resync in resyncs] == [True]
    assert seen == [(1000, 1), (1000, 2), (1000, 3), (1001, 1), (1001, 2)]


async def test_a_position_too_old_rebuilds_the_list_and_repeats_nothing(
    server: ReferenceServer, client: Make, tmp_path: Path
):
    server.group("g.one", "user/bob", "user/alice")
    server.group("g.gone", "user/bob", "user/alice")
    seen: list[int] = []
    resyncs: list[Resync] = []
    async with client("user/alice", store=tmp_path / "a.db", on_entry=lambda e: seen.append(e.seq)) as alice:
        await alice.online()
        await until(lambda: len(seen) == 2)
    say(server, "g.one", "news")
    server.conversations["g.gone"].members.remove("user/alice")
    server.resync_below = server.pts
    async with client(
        "user/alice",
        store=tmp_path / "a.db",
        on_entry=lambda e: seen.append(e.seq),
        on_resync=resyncs.append,
    ) as alice:
        await alice.online()
        await until(lambda: len(seen) == 3)
        assert [view.conversation for view in alice.conversations.list()] == ["g.one"]
        await until(lambda: len(resyncs) == 1)
    assert resyncs[0].history_dropped is False
    assert seen == [1, 1, 2]


async def test_refused_and_failed_pulls_are_asked_again(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    server.faults.refuse["history.get"] = [4001, 5003]
    async with client("user/alice") as alice:
        say(server, "g.one", "patience")
        await until(lambda: texts(alice.local_history("g.one")) == ["patience"])


async def test_a_failed_sync_is_asked_again(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    server.faults.refuse["sync"] = [4001]
    async with client("user/alice") as alice:
        await alice.online()
        assert len(alice.local_history("g.one")) == 1


async def test_positions_survive_restarts_per_consumer(server: ReferenceServer, client: Make, tmp_path: Path):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", "a", "b", "c")
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        assert texts(await take(alice.messages(), 3)) == ["a", "b"]
        # Another loop of the same consumer goes on; a consumer of its own begins at the start.
        assert texts(await take(alice.messages(), 1)) == ["c"]
        assert texts(await take(alice.messages(consumer="bot"), 2)) == ["a"]
    say(server, "g.one", "d")
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        assert texts(await take(alice.messages(), 1)) == ["d"]
        assert texts(await take(alice.messages(consumer="bot"), 3)) == ["b", "c", "d"]


async def test_a_stream_without_a_consumer_begins_now(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    async with client("user/alice") as alice:
        await alice.online()
        stream = alice.messages(consumer=None)
        say(server, "g.one", "from now on")
        assert texts(await take(stream, 1)) == ["from now on"]


async def test_what_a_failed_block_was_handed_comes_again(server: ReferenceServer, client: Make, tmp_path: Path):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", "important")
    with pytest.raises(ZeroDivisionError):
        async with client("user/alice", store=tmp_path / "a.db") as alice:
            async for entry in alice.messages(types={"text"}):
                assert 1 / 0, entry
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        assert texts(await take(alice.messages(types={"text"}), 1)) == ["important"]


async def test_a_transaction_commits_the_applications_rows_with_the_position(
    server: ReferenceServer, client: Make, tmp_path: Path
):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", "a", "b")
    with pytest.raises(ZeroDivisionError):
        async with client("user/alice", store=tmp_path / "a.db") as alice:
            with alice.transaction() as db:
                db.execute("CREATE TABLE app_seen (conversation, seq)")
            async for entry in alice.messages():
                with alice.transaction() as db:
                    db.execute("INSERT INTO app_seen VALUES (?, ?)", (entry.conversation, entry.seq))
                    assert entry.seq < 3 or 1 / 0  # the third is rolled back with its position
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        (entry,) = await take(alice.messages(), 1)
        assert entry.seq == 3
        with alice.transaction() as db:
            assert db.execute("SELECT seq FROM app_seen ORDER BY rowid").fetchall() == [(1,), (2,)]


async def test_history_reaches_back_beyond_what_a_new_device_pulled(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", *(f"m{i}" for i in range(100)))
    async with client("user/alice", options=Options(initial_history=10)) as alice:
        await alice.online()
        assert len(alice.local_history("g.one", limit=500)) == 10
        page = await alice.history("g.one", before_seq=92, limit=30)
        assert [entry.seq for entry in page] == list(range(62, 92))
        assert [entry.seq for entry in alice.local_history("g.one", limit=500)] == list(range(62, 102))
        server.requests.clear()
        await alice.history("g.one", before_seq=92, limit=30)
        assert not [method for _, method, _ in server.requests if method == "history.get"]
        assert len(await alice.history("g.one", limit=500)) == 101


async def test_a_recalled_message_loses_its_content_on_this_disk(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    async with client("user/alice") as alice, client("user/bob") as bob:
        sent = await bob.send("g.one", "regretted")
        await until(lambda: texts(alice.local_history("g.one")) == ["regretted"])
        await bob.entries.recall("g.one", sent.seq)
        await until(lambda: len(alice.local_history("g.one")) == 3)
        message = alice.local_history("g.one")[1]
        assert message.content is None
        assert message.now is not None
        assert message.now.recalled


async def test_delivered_and_read_reach_the_sender(server: ReferenceServer, client: Make):
    moves: list[CursorMoved] = []
    async with client("user/alice", on_cursor=moves.append) as alice, client("user/bob") as bob:
        await alice.online()
        sent = await alice.send("user/bob", "did you see this?")
        await until(lambda: any(move.delivered == sent.seq for move in moves))
        assert bob.conversations.unread_total() == 1
        bob.mark_read("user/alice")
        assert bob.conversations.unread_total() == 0
        await until(lambda: any(move.read == sent.seq for move in moves))
        assert alice.conversations.list()[0].peer_read == sent.seq
    moved = [params for party, method, params in server.requests if method == "cursor.move" and party == "user/bob"]
    assert len(moved) <= 3, "deliveries are coalesced"


async def test_read_marks_made_offline_are_told_later(server: ReferenceServer, client: Make, tmp_path: Path):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", "a")
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        await alice.online()
    await server.shut()
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        alice.mark_read("g.one")
    await server.listen(server.port)
    async with client("user/alice", store=tmp_path / "a.db"):
        await until(lambda: server.conversations["g.one"].cursors.get("user/alice") == (2, 2))


async def test_counts_from_the_server_are_not_added_to_what_was_pushed_just_before(
    server: ReferenceServer, client: Make
):
    """Entries wait for the end of the turn to be stored; counts were stored at once, and the entries added to them."""
    server.group("g.one", "user/bob", "user/alice")
    unread: list[int] = []
    async with client("user/alice") as alice:
        await alice.online()
        for round in range(1, 6):
            say(server, "g.one", "one", "two", "three")
            counts = {"delivered": 0, "read": 0, "unread": round * 3, "unread_mentions": 0}
            server.push("user/alice", "cursor", {"conversation": "g.one", "party": "user/alice", **counts})
            await take(alice.messages("g.one"), 4 if round == 1 else 3)
            view = alice.conversations.get("g.one")
            unread.append(view.unread if view is not None else -1)
    assert unread == [3, 6, 9, 12, 15]


async def test_typing_and_presence_reach_their_callbacks(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    typing: list[Typing] = []
    presence: list[Presence] = []
    async with client("user/alice", on_typing=typing.append, on_presence=presence.append) as alice:
        await alice.online()
        async with client("user/bob") as bob:
            await bob.online()
            await bob.typing("g.one")
            await until(lambda: typing == [Typing("g.one", "user/bob", True)])
            (now,) = await alice.presence.watch("user/bob")
            assert now.online
        server.push("user/alice", "presence", {"party": "user/bob", "online": False})
        await until(lambda: [p.online for p in presence] == [False])
        server.requests.clear()
        alice.reconnect()
        await until(lambda: ("user/alice", "presence.watch", {"parties": ["user/bob"]}) in server.requests)


async def test_an_async_callback_is_awaited_before_the_next_entry(server: ReferenceServer, client: Make):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", *"abcdef")
    running = 0
    seen: list[int] = []

    async def slow(entry: EntryView) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.002)
        running -= 1
        seen.append(entry.seq)

    async with client("user/alice", on_entry=slow, options=QUICK):
        await until(lambda: len(seen) == 7)
    assert seen == list(range(1, 8))


async def test_a_failing_callback_is_logged_and_does_not_stop_the_rest(
    server: ReferenceServer, client: Make, caplog: pytest.LogCaptureFixture
):
    server.group("g.one", "user/bob", "user/alice")
    say(server, "g.one", "a", "b")
    seen: list[int] = []

    def fails_once(entry: EntryView) -> None:
        seen.append(entry.seq)
        assert entry.seq != 2, "the application's own mistake"

    async with client("user/alice", on_entry=fails_once):
        await until(lambda: len(seen) == 3)
    assert "the application's callback" in caplog.text
