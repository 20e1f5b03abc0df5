"""The contract of the index port, as tests that any adapter's test class inherits.

A subclass provides ``open_index``: opens (or reopens) an index in a directory. Nothing here knows
how an index stores things.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.record_maker import ALL_PARTIES, APPS, CONVERSATIONS, PARTIES, Step, World, encode, steps
from tests.support.memory_directory import memory_directory
from trunkline.domain.conversation import state as conversation_state
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.conversation.unread import unread_of
from trunkline.domain.log.records import (
    CursorMoved,
    DeviceChanged,
    PartyErased,
    ProfileChanged,
    Record,
    RequestRemembered,
    SettingsChanged,
)
from trunkline.domain.parties.state import Party
from trunkline.services.log.index_port import ConversationListItem, InboxChange, IndexReader, OutboxState, Projector
from trunkline.wire import entries as types
from trunkline.wire.calls.session import MemberSettings

DAY_MS = 24 * 3600 * 1000
APP = APPS[0]


class Index(Protocol):
    """An open index."""

    @property
    def reader(self) -> IndexReader: ...
    @property
    def projector(self) -> Projector: ...
    async def prune(self, now_ms: int) -> None: ...
    async def backup(self, target: Path) -> int: ...
    async def close(self) -> None: ...


OpenIndex = Callable[[Path], Awaitable[Index]]


async def project(index: Index, groups: Sequence[tuple[int, Sequence[Record]]]) -> None:
    """Submit groups and wait until they are visible."""
    if not groups:
        return
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    last = groups[-1][0]

    def progress(lsn: int) -> None:
        if lsn >= last and not done.done():
            done.set_result(None)

    def failure(error: BaseException) -> None:
        if not done.done():
            done.set_exception(error)

    index.projector.on_progress(progress)
    index.projector.on_failure(failure)
    for lsn, records in groups:
        index.projector.submit(lsn, records)
    index.projector.hurry()
    if index.projector.projected_lsn < last:
        await done


def fields(thing: object) -> dict[str, Any]:
    """All slots of an object."""
    return {name: getattr(thing, name) for name in type(thing).__slots__}  # type: ignore[attr-defined]


def conversation_fields(state: Conversation) -> dict[str, Any]:
    """All facts of a conversation, comparable."""
    facts = fields(state)
    facts["members"] = {party: fields(member) for party, member in state.members.items()}
    facts["mentions_all"] = list(state.mentions_all.items())
    return facts


async def check_against(index: Index, world: World) -> None:
    """Every query answers as the model does."""
    for app in APPS:
        for name in CONVERSATIONS:
            await check_conversation(index.reader, world, app, name)
        for party in ALL_PARTIES:
            await check_party(index.reader, world, app, party)
    await check_store(index.reader, world)


async def check_conversation(reader: IndexReader, world: World, app: str, name: str) -> None:
    model = world.conversations.get((app, name))
    loaded = await reader.conversation(app, name)
    if model is None:
        assert loaded is None
        assert await reader.entries(app, name, 1, 100, 100, False) == []
        assert await reader.seq_at(app, name, 0) == 0
        return
    assert loaded is not None
    assert conversation_fields(loaded) == conversation_fields(model)
    for party in ALL_PARTIES:
        assert unread_of(loaded, party) == unread_of(model, party)
    log = world.logs[app, name]
    head = model.head
    assert await reader.entries(app, name, 1, head + 5, 10_000, False) == log
    middle = head // 2
    assert await reader.entries(app, name, middle, head, 3, False) == log[max(middle - 1, 0) :][:3]
    assert await reader.entries(app, name, 1, middle, 3, True) == log[:middle][-3:]
    assert await reader.overlays(app, name, 1, head) == world.overlays[app, name]
    half = {seq: overlay for seq, overlay in world.overlays[app, name].items() if seq <= middle}
    assert await reader.overlays(app, name, 1, middle) == half
    for at_ms in {0, log[0].at_ms + 1, log[middle].at_ms if middle < head else 0, log[-1].at_ms, log[-1].at_ms + 1}:
        expected = next((entry.seq for entry in log if entry.at_ms >= at_ms), 0)
        assert await reader.seq_at(app, name, at_ms) == expected


async def check_party(reader: IndexReader, world: World, app: str, party: str) -> None:
    model = world.parties.get((app, party), Party(app, party))
    assert fields(await reader.party(app, party)) == fields(model)
    changes = [InboxChange(subject, pts) for subject, pts in world.inboxes[app, party].items()]
    found = await reader.inbox(app, party, 0, 1000)
    assert sorted(found) == sorted(changes)
    assert [change.pts for change in found] == sorted(change.pts for change in found)
    if changes:
        after = changes[0].pts
        assert sorted(await reader.inbox(app, party, after, 1000)) == sorted(c for c in changes if c.pts > after)
    mine = {n: c for (owner, n), c in world.conversations.items() if owner == app and party in c.members}
    present = {n: c for n, c in mine.items() if c.members[party].present}
    assert sorted(await reader.memberships(app, party)) == sorted(mine)
    assert sorted(await reader.large_conversations(app, party)) == sorted(n for n, c in present.items() if c.large)
    assert await reader.conversation_list(app, party, None, 50) == listed(party, present)
    assert await pages(reader, app, party) == listed(party, present)
    for outbox in ("outbox-aa", "outbox-bb"):
        await check_outbox(reader, world, app, party, outbox)


def listed(party: str, present: dict[str, Conversation]) -> list[ConversationListItem]:
    """The conversation list, naively."""
    items = []
    for name, conversation in present.items():
        own = conversation.members[party].settings or MemberSettings()
        if not own.hidden:
            order = own.order if own.pinned else 0
            items.append(ConversationListItem(name, own.pinned, order, conversation.active_at_ms))
    return sorted(items, key=lambda i: (not i.pinned, i.order, -i.active_at_ms, i.conversation))


async def pages(reader: IndexReader, app: str, party: str) -> list[ConversationListItem]:
    """The conversation list, one item a page."""
    found: list[ConversationListItem] = []
    while page := await reader.conversation_list(app, party, found[-1] if found else None, 1):
        found += page
    return found


async def check_outbox(reader: IndexReader, world: World, app: str, party: str, outbox: str) -> None:
    key = (app, party, outbox)
    floor = world.floors.get(key, 0)
    sent = world.sent[key]
    assert await reader.outbox(*key) == OutboxState(max(sent, default=0), floor)
    for n in range(1, max(sent, default=0) + 2):
        found = await reader.sent(*key, n)
        if n <= floor:
            assert found is not None and found.seq == 0
        else:
            assert found == sent.get(n)


async def check_store(reader: IndexReader, world: World) -> None:
    assert await reader.apps() == list(world.apps.values())
    assert await reader.keys() == list(world.keys.values())
    expiring = sorted(((*key, at) for key, at in world.expiry.items()), key=lambda row: (row[3], *row[:3]))
    assert await reader.expiring(10**12, 1000) == expiring
    assert len(await reader.expiring(10**12, 2)) == min(2, len(expiring))
    for app in APPS:
        for key in ("r0", "r1", "r2"):
            found, model = await reader.remembered(app, key), world.remembered.get((app, key))
            assert found == ((model.request_hash, model.status, model.body) if model is not None else None)
        profiles = {p: party.profile for (a, p), party in world.parties.items() if a == app and party.profile}
        assert await reader.profiles(app, PARTIES) == [profiles[p] for p in PARTIES if p in profiles]
        assert await reader.search_profiles(app, "ÜNÏ", "", "", "", 100) == sorted(profiles.items())
        teamed = [(p, profile) for p, profile in sorted(profiles.items()) if profile.custom["team"] == "t1"]
        assert await reader.search_profiles(app, "", "team", "t1", "", 100) == teamed
        assert await reader.search_profiles(app, "", "team", "t1", PARTIES[2], 100) == [
            (p, profile) for p, profile in teamed if p > PARTIES[2]
        ]


class IndexSuite:
    """Inherit and provide ``open_index``."""

    async def open_index(self, directory: Path) -> Index:
        """Open or reopen the index in a directory; it projects only when hurried or full."""
        raise NotImplementedError

    def __init_subclass__(cls) -> None:
        # Each adapter gets a property of its own: Hypothesis keeps examples and findings by function.
        @given(steps=steps, cuts=st.lists(st.integers(1, 12), min_size=1, max_size=8), large=st.sampled_from([4, 1000]))
        @settings(max_examples=60)
        def test(self: IndexSuite, steps: list[Step], cuts: list[int], large: int) -> None:
            self.answers_as_the_domain_does(steps, cuts, large)

        cls.test_answers_as_the_domain_does_however_records_are_batched = test  # type: ignore[attr-defined]

    def answers_as_the_domain_does(self, steps: list[Step], cuts: list[int], large: int) -> None:
        """Project random records in random batches, with restarts, and compare every answer with the model."""

        async def run() -> None:
            world = World()
            world.run(steps)
            groups = world.finished()
            with memory_directory() as directory:
                index = await self.open_index(Path(directory))
                position = 0
                for turn in range(len(groups)):
                    size = cuts[turn % len(cuts)]
                    await project(index, groups[position : position + size])
                    position += size
                    if position >= len(groups):
                        break
                    if turn == 1:
                        await index.close()
                        index = await self.open_index(Path(directory))
                        await project(index, groups[:position])
                await check_against(index, world)
                await index.close()
                index = await self.open_index(Path(directory))
                await project(index, groups)
                assert index.projector.projected_lsn == len(groups)
                await check_against(index, world)
                await index.close()

        with mock.patch.object(conversation_state, "LARGE_MEMBER_COUNT", large):
            asyncio.run(run())

    async def test_a_missing_group_is_refused_and_a_known_one_ignored(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 255, 1), (5, 0, 1, 1), (4, 0, 1, 1), (4, 0, 1, 1)])
        groups = world.finished()
        assert len(groups) >= 3
        await project(index, groups[:1])
        try:
            index.projector.submit(3, groups[2][1])
        except ValueError as error:
            assert "3" in str(error)
        else:
            raise AssertionError("a gap was accepted")
        index.projector.submit(1, groups[0][1])
        await project(index, groups)
        await check_against(index, world)
        await index.close()

    async def test_groups_wait_to_be_batched_and_stop_projects_them(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 255, 1)])
        index.projector.submit(1, world.groups[0])
        assert index.projector.queued_records == 1
        assert await index.reader.conversation(APP, CONVERSATIONS[0]) is None
        await index.close()
        assert index.projector.projected_lsn == index.projector.durable_lsn == 1
        assert index.projector.queued_records == 0
        index = await self.open_index(tmp_path)
        assert index.projector.projected_lsn == 1
        await check_against(index, world)
        await index.close()

    async def test_long_logs_with_large_contents_read_back(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        name = CONVERSATIONS[0]
        world.run([(9, 0, 3, 1)])
        for number in range(1500):
            size = 50_000 if number % 400 == 7 else number % 200
            world.append(
                APP, name, PARTIES[number % 2], types.TEXT, {"text": "x" * size}, counts=True, outbox="outbox-aa"
            )
            if number % 100 == 0:
                world.end_group()
        await project(index, world.finished()[:7])
        await project(index, world.finished())
        await check_against(index, world)
        log = world.logs[APP, name]
        for first in (1, 2, 250, 1000, 1450):
            assert await index.reader.entries(APP, name, first, first + 99, 100, False) == log[first - 1 : first + 99]
        for at_ms in sorted({entry.at_ms for entry in log})[::97]:
            expected = next(entry.seq for entry in log if entry.at_ms >= at_ms)
            assert await index.reader.seq_at(APP, name, at_ms) == expected
        await index.close()

    async def test_one_lsn_is_never_cut_in_an_inbox_page(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 1, 0), (9, 2, 1, 0), (9, 4, 1, 0)])
        assert len(world.finished()) == 1
        world.end_group()
        world.append(APP, CONVERSATIONS[1], PARTIES[0], types.TEXT, {"text": "hi"}, counts=True)
        await project(index, world.finished())
        page = await index.reader.inbox(APP, PARTIES[0], 0, 1)
        assert {change.subject for change in page} == {CONVERSATIONS[0], CONVERSATIONS[2]}
        assert await index.reader.inbox(APP, PARTIES[0], page[-1].pts, 1) == [InboxChange(CONVERSATIONS[1], 2)]
        await index.close()

    async def test_sends_are_forgotten_after_a_week_and_stay_refused(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 3, 1)])
        for _ in range(3):
            world.append(
                APP, CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": "old"}, counts=True, outbox="outbox-aa"
            )
        old = sorted(world.sent[APP, PARTIES[0], "outbox-aa"])
        old_at_ms = world.logs[APP, CONVERSATIONS[0]][-1].at_ms
        await project(index, world.finished())
        world.end_group()
        world._now_ms += 2 * DAY_MS
        world.append(APP, CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": "new"}, counts=True, outbox="outbox-aa")
        await project(index, world.finished())
        key = (APP, PARTIES[0], "outbox-aa")
        await index.prune(old_at_ms + 7 * DAY_MS)
        await check_against(index, world)
        await index.prune(old_at_ms + 7 * DAY_MS + 1)
        world.floors[key] = old[-1]
        await check_against(index, world)
        await index.prune(old_at_ms + 70 * DAY_MS)
        highest = max(world.sent[key])
        assert await index.reader.outbox(*key) == OutboxState(highest, highest)
        await index.close()

    async def test_a_late_lower_number_keeps_its_whole_row_known(self, tmp_path: Path) -> None:
        """A send accepted after a higher one keeps both from being forgotten before it is a week old itself."""
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 3, 1)])
        key = (APP, PARTIES[0], "outbox-aa")
        for n, later_ms in ((10, 0), (5, 3 * DAY_MS)):
            world._now_ms += later_ms
            world.append(
                APP, CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": str(n)}, counts=True, outbox="outbox-aa", n=n
            )
            await project(index, world.finished())
            world.end_group()
        assert set(world.sent[key]) == {5, 10}
        first_at_ms = world.sent[key][10].at_ms
        await index.prune(first_at_ms + 8 * DAY_MS)
        await check_against(index, world)
        await index.prune(first_at_ms + 11 * DAY_MS)
        assert await index.reader.outbox(*key) == OutboxState(10, 10)
        await index.close()

    async def test_answers_are_forgotten_after_a_day(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        await project(index, [(1, [RequestRemembered(APP, "r", b"h", 201, b"body", 1_000)])])
        await index.prune(1_000 + DAY_MS)
        assert await index.reader.remembered(APP, "r") == (b"h", 201, b"body")
        await index.prune(1_001 + DAY_MS)
        assert await index.reader.remembered(APP, "r") is None
        await index.close()

    async def test_old_tombstones_raise_the_inbox_floor(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 3, 1)])
        world.end_group()
        name = CONVERSATIONS[0]
        left = world.append(APP, name, PARTIES[0], types.MEMBERS_REMOVED, {"parties": [PARTIES[1]]})
        world.end_group()
        world.append(APP, name, PARTIES[0], types.TEXT, {"text": "after"}, counts=True)
        await project(index, world.finished())
        assert await index.reader.inbox(APP, PARTIES[1], 0, 10) == [InboxChange(name, 2)]
        await index.prune(left.at_ms + 90 * DAY_MS)
        assert await index.reader.inbox(APP, PARTIES[1], 0, 10) == [InboxChange(name, 2)]
        assert await index.reader.inbox_floor(APP, PARTIES[1]) == 0
        await index.prune(left.at_ms + 90 * DAY_MS + 1)
        assert await index.reader.inbox(APP, PARTIES[1], 0, 10) == []
        assert await index.reader.inbox_floor(APP, PARTIES[1]) == 2
        assert await index.reader.inbox_floor(APP, PARTIES[0]) == 0
        assert await index.reader.memberships(APP, PARTIES[1]) == [name]
        world.end_group()
        world.append(APP, name, PARTIES[0], types.MEMBERS_ADDED, {"parties": [PARTIES[1]]})
        await project(index, world.finished())
        assert await index.reader.inbox(APP, PARTIES[1], 2, 10) == [InboxChange(name, 4)]
        await index.close()

    async def test_erasure_takes_the_content_and_keeps_the_retry_answer(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 3, 1)])
        name = CONVERSATIONS[0]
        secret = "do-not-keep-this-secret"
        sent = world.append(APP, name, PARTIES[0], types.TEXT, {"text": secret}, counts=True, outbox="outbox-aa")
        world.append(APP, name, PARTIES[0], types.EDITED, {"content": {"text": secret}}, target=sent.seq)
        world.append(APP, name, PARTIES[1], types.TEXT, {"text": "stays"}, counts=True)
        world.add(SettingsChanged(APP, PARTIES[0], name, encode(MemberSettings(draft=secret, pinned=True))))
        world.add(ProfileChanged(APP, PARTIES[0], secret, "", {"team": secret}, 5))
        world.add(DeviceChanged(APP, PARTIES[0], "d1", "web", 5))
        await project(index, world.finished())
        world.end_group()
        world.add(PartyErased(APP, PARTIES[0], 6))
        await project(index, world.finished())
        await check_against(index, world)
        assert await index.reader.devices(APP, PARTIES[0]) == []
        found = await index.reader.sent(APP, PARTIES[0], "outbox-aa", sent.n)
        assert found == world.sent[APP, PARTIES[0], "outbox-aa"][sent.n]
        world.end_group()
        world.add(PartyErased(APP, PARTIES[0], 7))
        await project(index, world.finished())
        await check_against(index, world)
        copy = tmp_path / "copy"
        await index.backup(copy)
        assert secret.encode() not in copy.read_bytes()
        await index.close()

    async def test_a_backup_taken_under_writes_is_consistent(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        world.run([(9, 0, 3, 1)])
        for _ in range(200):
            world.append(APP, CONVERSATIONS[0], PARTIES[0], types.TEXT, {"text": "x" * 2000}, counts=True)
            world.add(CursorMoved(APP, CONVERSATIONS[0], PARTIES[1], world.lsn + 1, 0, 0, 0))
            world.end_group()
        groups = world.finished()
        await project(index, groups[:50])
        (tmp_path / "copied").mkdir()
        copying = asyncio.ensure_future(index.backup(tmp_path / "copied" / "index.db"))
        for lsn, records in groups[50:]:
            index.projector.submit(lsn, records)
            index.projector.hurry()
            await asyncio.sleep(0)
        lsn = await copying
        assert 50 <= lsn <= len(groups)
        copy = await self.open_index(tmp_path / "copied")
        assert copy.projector.projected_lsn == lsn
        await project(copy, groups)
        await check_against(copy, world)
        await copy.close()
        await index.close()

    async def test_large_groups_load_whole_and_touch_inboxes_once(self, tmp_path: Path) -> None:
        index = await self.open_index(tmp_path)
        world = World()
        name = CONVERSATIONS[0]
        crowd = [f"user/m{number:05d}" for number in range(2500)]
        world.run([(9, 0, 3, 0)])
        for start in range(0, 2500, 500):
            world.end_group()
            world.append(APP, name, PARTIES[0], types.MEMBERS_ADDED, {"parties": crowd[start : start + 500]})
        world.end_group()
        for number in range(50):
            world.append(APP, name, crowd[number], types.TEXT, {"text": "hi"}, counts=True, mentions=(crowd[-1],))
        await project(index, world.finished())
        world.end_group()
        world.append(APP, name, PARTIES[0], types.MEMBERS_REMOVED, {"parties": crowd[:2]})
        world.append(APP, name, PARTIES[0], types.TRANSFERRED, {"party": crowd[7]})
        world.add(CursorMoved(APP, name, crowd[-1], 30, 30, 20, 0))
        await project(index, world.finished())
        await check_conversation(index.reader, world, APP, name)
        for party in (crowd[0], crowd[1], crowd[2], crowd[-1], PARTIES[0]):
            await check_party(index.reader, world, APP, party)
        world.end_group()
        world.append(APP, name, PARTIES[0], types.DISMISSED, None)
        await project(index, world.finished())
        await check_conversation(index.reader, world, APP, name)
        await check_party(index.reader, world, APP, crowd[-1])
        await index.close()
