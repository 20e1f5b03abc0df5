"""The SDK against the real server as a process: every method, several devices, kills and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.claims.server_process import ServerProcess
from tests.integration.sdk.conftest import QUICK, take, texts, until
from trunkline.client import (
    Client,
    ClientState,
    ClientStopped,
    CursorMoved,
    Options,
    Presence,
    RequestFailed,
    Resync,
    Typing,
)
from trunkline.wire.entries import EntryView

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path / "server") as running:
        await running.create_app("sdk")
        yield running


@pytest.fixture
def real(process: ServerProcess) -> Callable[..., Client]:
    def make(party: str, device: str | None = None, **settings: Any) -> Client:
        settings.setdefault("options", QUICK)
        return Client(process.url, lambda: process.token(party), device=device, **settings)

    return make


Make = Callable[..., Client]


async def refused(call: Awaitable[object]) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        await call
    return caught.value


async def all_online(*clients: Client) -> None:
    for client in clients:
        await client.online()


def has(client: Client, conversation: str, seq: int) -> bool:
    return any(entry.seq == seq for entry in client.local_history(conversation))


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_two_users_talk(real: Make, encoding: str):
    async with real("user/alice", encoding=encoding) as alice, real("user/bob", encoding=encoding) as bob:
        await all_online(alice, bob)
        sent = await alice.send("user/bob", "héllo 你好 🚀")
        (heard,) = await take(bob.messages(types={"text"}), 1)
        assert (heard.sender, heard.content, heard.seq) == ("user/alice", {"text": "héllo 你好 🚀"}, sent.seq)
        await bob.send("user/alice", "hi", reply_to=heard.seq)
        (answer,) = await take(alice.messages("user/bob", types={"text"}, consumer="second"), 1)
        assert answer.seq == sent.seq
        await until(lambda: texts(alice.local_history("user/bob")) == ["héllo 你好 🚀", "hi"])
        assert alice.unsent("user/bob") == []


async def test_custom_content_passes_unchanged(real: Make):
    content = {"kind": "order", "items": [{"sku": "a", "n": 2}], "total": 12.5, "gift": None, "paid": True}
    async with real("user/alice") as alice, real("user/bob") as bob:
        await all_online(alice, bob)
        await alice.send("user/bob", content, type="custom")
        (heard,) = await take(bob.messages(types={"custom"}), 1)
        assert heard.content == content


async def test_groups_from_creation_to_the_end(real: Make):
    async with real("user/alice") as alice, real("user/bob") as bob, real("user/carol") as carol:
        await all_online(alice, bob, carol)
        made = await alice.groups.create("g.team", name="Team", members=["user/bob"], join="open")
        assert made.conversation == "g.team"
        assert (await refused(alice.groups.create("g.team"))).name == "already_exists"
        await alice.groups.update("g.team", name="The team", custom={"colour": "red"})
        assert (await alice.groups.invite("g.team", "user/carol", "user/bob")).changed == ["user/carol"]
        await alice.groups.change_member("g.team", "user/bob", role="admin")
        members = await carol.groups.members("g.team", limit=2)
        assert members.count == 3
        rest = await carol.groups.members("g.team", after=members.next)
        assert {m.party: m.role for m in members.members + rest.members} == {
            "user/alice": "owner",
            "user/bob": "admin",
            "user/carol": "member",
        }
        assert (await refused(carol.groups.kick("g.team", "user/bob"))).name == "forbidden"
        assert (await carol.groups.leave("g.team")).changed == ["user/carol"]
        assert (await carol.groups.join("g.team")).changed == ["user/carol"]
        assert (await bob.groups.kick("g.team", "user/carol")).changed == ["user/carol"]
        assert (await refused(alice.groups.leave("g.team"))).name == "owner_must_transfer"
        await alice.groups.transfer("g.team", "user/bob")
        view = await bob.conversations.fetch("g.team")
        assert (view.name, view.custom, view.role, view.member_count) == ("The team", {"colour": "red"}, "owner", 2)
        await until(lambda: (shown := alice.conversations.get("g.team")) is not None and shown.name == "The team")
        await bob.groups.dismiss("g.team")
        with pytest.raises(RequestFailed, match="dismissed"):
            await alice.send("g.team", "too late")


async def test_messages_are_edited_recalled_pinned_reacted_to_hidden_forwarded(real: Make):
    async with real("user/alice") as alice, real("user/bob") as bob, real("user/bob", device="second") as second:
        await all_online(alice, bob, second)
        await alice.groups.create("g.one", members=["user/bob"])
        first = (await alice.send("g.one", "helo")).seq
        other = (await alice.send("g.one", "regretted")).seq
        await alice.entries.edit("g.one", first, "hello")
        await alice.entries.recall("g.one", other)
        await bob.entries.react("g.one", first, "+1")
        await bob.entries.react("g.one", first, "-1")
        await bob.entries.react("g.one", first, "-1", on=False)
        last = (await alice.entries.pin("g.one", first)).seq
        assert [entry.seq for entry in (await bob.entries.pins("g.one")).entries] == [first]
        await until(lambda: all(has(client, "g.one", last) for client in (alice, bob, second)))
        for client in (alice, bob, second):
            entries = {entry.seq: entry for entry in client.local_history("g.one")}
            now = entries[first].now
            assert now is not None
            assert entries[first].content == {"text": "hello"}
            assert (now.pinned, now.reactions) == (True, {"+1": ["user/bob"]})
            assert entries[other].content is None
        # A device that comes later sees the same through history as those that were there.
        async with real("user/bob", device="third") as third:
            await third.online()
            assert third.local_history("g.one") == bob.local_history("g.one")
        sent = await alice.entries.forward("g.one", [first], "user/bob", merged=True, title="From the group")
        assert len(sent.sent) == 1
        await until(lambda: any(e.type == "forward" for e in bob.local_history("user/alice")))
        await bob.entries.hide("g.one", first)
        assert first not in [entry.seq for entry in bob.local_history("g.one")]


async def test_reading_is_counted_and_told(real: Make):
    moves: list[CursorMoved] = []
    async with real("user/alice", on_cursor=moves.append) as alice, real("user/bob") as bob:
        await all_online(alice, bob)
        await alice.groups.create("g.one", members=["user/bob", "user/carol"])
        await alice.send("g.one", "m0")
        await alice.send("g.one", "m1")
        sent = await alice.send("g.one", "m2", mentions=["user/bob"])
        await until(lambda: (view := bob.conversations.get("g.one")) is not None and view.unread == 3)
        view = await bob.conversations.fetch("g.one")
        assert (view.unread, view.unread_mentions) == (3, 1)
        bob.mark_read("g.one")
        assert bob.conversations.unread_total() == 0
        await until(lambda: any(m.party == "user/bob" and m.read == sent.seq for m in moves))
        receipt = await alice.entries.receipt("g.one", sent.seq)
        assert (receipt.audience, receipt.read, receipt.readers) == (2, 1, ["user/bob"])


async def test_on_an_event_loop_whose_timers_are_no_timer_handles(process: ServerProcess, real: Make):
    async def talk() -> int:
        async with real("user/alice") as alice, real("user/bob") as bob:
            await all_online(alice, bob)
            sent = await alice.send("user/bob", "hello")
            conversation = bob.conversation_of("user/alice")
            await until(lambda: has(bob, conversation, sent.seq))
            bob.mark_read("user/alice", sent.seq)
            bob.mark_read("user/alice", sent.seq)  # while the report of the first is planned
            await until(lambda: (v := alice.conversations.get(conversation)) is not None and v.peer_read == sent.seq)
            return sent.seq

    def on_uvloop() -> int:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(talk())

    assert await asyncio.to_thread(on_uvloop) > 0


async def test_settings_and_read_state_reach_the_other_device(real: Make):
    async with (
        real("user/alice", device="phone") as phone,
        real("user/alice", device="desk") as desk,
        real("user/bob") as bob,
    ):
        await all_online(phone, desk, bob)
        await bob.send("user/alice", "hello")
        await until(lambda: desk.conversations.unread_total() == 1 and phone.conversations.unread_total() == 1)
        phone.mark_read("user/bob")
        await until(lambda: desk.conversations.unread_total() == 0)
        view = await phone.conversations.configure(phone.conversation_of("user/bob"), pinned=True, draft="dear b")
        assert view.settings.draft == "dear b"
        await until(lambda: desk.conversations.list()[0].settings.pinned)
        shown = desk.conversations.list()[0]
        assert (shown.settings.draft, shown.peer) == ("dear b", "user/bob")
        page = await desk.conversations.fetch_list()
        assert [v.conversation for v in page.conversations] == [shown.conversation]


async def test_profiles_blocks_devices(real: Make):
    async with real("user/alice", device="phone") as alice, real("user/bob") as bob:
        await all_online(alice, bob)
        await alice.profiles.set(name="Alice", custom={"team": "red"})
        (profile,) = await bob.profiles.get("user/alice", "user/nobody")
        assert (profile.name, profile.custom) == ("Alice", {"team": "red"})
        assert await alice.blocks.set("user/bob") == ["user/bob"]
        assert alice.blocks.known() == ["user/bob"]
        with pytest.raises(RequestFailed, match="blocked"):
            await bob.send("user/alice", "let me in")
        assert await alice.blocks.set("user/bob", on=False) == []
        assert await alice.blocks.fetch() == []
        await bob.send("user/alice", "thank you")
        assert [device.device for device in (await alice.devices.list()).devices] == ["phone"]


async def test_a_revoked_device_is_put_out_and_stays_out(process: ServerProcess, real: Make):
    async with real("user/alice", device="desk") as desk:
        fixed = process.token("user/alice")
        async with Client(process.url, fixed, device="lost", options=QUICK) as lost:
            await all_online(desk, lost)
            await desk.devices.revoke("lost")
            await until(lambda: lost.state is ClientState.STOPPED)
            with pytest.raises(ClientStopped):
                await lost.online()
        assert desk.state is ClientState.ONLINE


async def test_typing_and_presence(real: Make):
    typing: list[Typing] = []
    presence: list[Presence] = []
    async with real("user/alice", on_typing=typing.append, on_presence=presence.append) as alice:
        await alice.online()
        await alice.groups.create("g.one", members=["user/bob"])
        (now,) = await alice.presence.watch("user/bob")
        assert not now.online
        async with real("user/bob", device="phone") as bob:
            await bob.online()
            await until(lambda: any(p.party == "user/bob" and p.online for p in presence))
            (now,) = await alice.presence.get("user/bob")
            assert (now.online, now.devices) == (True, ["phone"])
            await bob.typing("g.one")
            await until(lambda: typing == [Typing("g.one", "user/bob", True)])
        await until(lambda: presence[-1].online is False)
        await alice.presence.unwatch("user/bob")


async def test_history_by_seq_and_time(real: Make):
    async with real("user/alice") as alice:
        await alice.online()
        await alice.groups.create("g.one")
        handles = [alice.send_nowait("g.one", f"m{i}") for i in range(120)]
        for handle in handles:
            await handle
        await until(lambda: alice.local_history("g.one")[-1].seq == 121)
        async with real("user/alice", device="new", options=Options(initial_history=10)) as new:
            await new.online()
            assert len(new.local_history("g.one", limit=500)) == 10
            assert [e.seq for e in await new.history("g.one", limit=50)] == list(range(72, 122))
            assert await new.history("g.one", limit=500) == alice.local_history("g.one", limit=500)
        middle = alice.local_history("g.one", limit=500)[60]
        found = await alice.history_between("g.one", to_ms=middle.at_ms, limit=500)
        assert [e.seq for e in found][:3] == [1, 2, 3]
        assert all(e.at_ms <= middle.at_ms for e in found)


async def test_a_member_sees_nothing_from_before_it_joined_nor_after_it_left(real: Make):
    async with real("user/alice") as alice, real("user/bob") as bob:
        await all_online(alice, bob)
        await alice.groups.create("g.one")
        await alice.send("g.one", "before")
        await alice.groups.invite("g.one", "user/bob")
        await alice.send("g.one", "between")
        await until(lambda: texts(bob.local_history("g.one")) == ["between"])
        await alice.groups.kick("g.one", "user/bob")
        await alice.send("g.one", "after")
        await alice.groups.invite("g.one", "user/bob")
        await alice.send("g.one", "again")
        await until(lambda: texts(bob.local_history("g.one"))[-1:] == ["again"])
        assert texts(bob.local_history("g.one")) == ["between", "again"]
        seqs = [entry.seq for entry in bob.local_history("g.one", limit=500)]
        assert seqs == sorted(set(seqs))


@pytest.mark.slow
async def test_the_server_is_killed_under_load_and_nothing_is_lost(process: ServerProcess, real: Make, tmp_path: Path):
    seen: list[EntryView] = []
    async with (
        real("user/alice", store=tmp_path / "alice.db") as alice,
        real("user/bob", store=tmp_path / "bob.db", on_entry=seen.append) as bob,
    ):
        await all_online(alice, bob)
        await alice.groups.create("g.one", members=["user/bob"])
        handles = []
        for round_ in range(3):
            handles += [alice.send_nowait("g.one", f"{round_}.{i}") for i in range(100)]
            await handles[-50]
            await process.restart()
            alice.reconnect()
            bob.reconnect()
        positions = [(await handle).seq for handle in handles]
        assert positions == list(range(2, 302))
        await until(lambda: len(seen) >= 301)
        assert [entry.seq for entry in seen] == list(range(1, 302))
        expected = [f"{round_}.{i}" for round_ in range(3) for i in range(100)]
        assert texts(seen) == expected
        await until(lambda: texts(alice.local_history("g.one", limit=500)) == expected)
        assert alice.unsent("g.one") == []


@pytest.mark.slow
async def test_a_server_started_anew_has_a_new_epoch(process: ServerProcess, real: Make, tmp_path: Path):
    """Another data directory under the same keys stands for a restore: local history is dropped, loudly."""
    resyncs: list[Resync] = []
    async with real("user/alice", store=tmp_path / "alice.db", on_resync=resyncs.append) as alice:
        await alice.online()
        await alice.send("user/bob", "in the first life")
        await until(lambda: len(alice.local_history("user/bob")) == 2)
        await process.kill()
        (process.data_dir).rename(tmp_path / "old")
        await asyncio.to_thread(_copy_key, tmp_path / "old", process.data_dir)
        await process.start()
        await process.create_app("sdk again")
        alice.reconnect()
        await until(lambda: resyncs)
        await alice.online()
        assert [resync.history_dropped for resync in resyncs] == [True]
        assert alice.local_history("user/bob") == []
        assert (await alice.send("user/bob", "in the second life")).seq == 2


def _copy_key(old: Path, new: Path) -> None:
    new.mkdir(parents=True, exist_ok=True)
    for name in ("master.key",):
        if (old / name).exists():
            (new / name).write_bytes((old / name).read_bytes())
            (new / name).chmod(0o600)


async def test_a_client_that_sends_faster_than_it_may_is_slowed_down_and_loses_nothing(tmp_path: Path):
    async with ServerProcess(tmp_path / "server", config={"limits": {"link_rate": 100, "link_burst": 20}}) as process:
        await process.create_app("slow")
        async with Client(process.url, process.token("user/alice")) as alice:
            await alice.online()
            await alice.groups.create("g.one")
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            handles = [alice.send_nowait("g.one", f"m{i}") for i in range(150)]
            positions = [(await handle).seq for handle in handles]
            took_s = loop.time() - began_s
    assert positions == list(range(2, 152))
    assert took_s < 10, "about 1.3 s are needed at that rate"
