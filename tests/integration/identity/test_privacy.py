"""Export and erasure of a party."""

from __future__ import annotations

import asyncio
import errno
from typing import Any
from unittest import mock

import msgspec
import pytest

from tests.integration.identity.world import Disk, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import LARGE_MEMBER_COUNT
from trunkline.domain.conversation.unread import unread_of
from trunkline.domain.identity import Caller, direct_conversation_id
from trunkline.domain.log.records import EntriesHidden, SettingsChanged
from trunkline.services.messages.changes import Changes, Windows
from trunkline.services.messages.history import Reader
from trunkline.services.privacy import erase
from trunkline.wire import entries as types
from trunkline.wire.calls.conversations import GroupCreate
from trunkline.wire.calls.messages import HistoryGet, MessageEdit, MessageSend, MessageSent
from trunkline.wire.calls.parties import PartyErased, PartyExport, Profile
from trunkline.wire.calls.session import MemberSettings
from trunkline.wire.entries import EntryView

SECRET = "plover"
"""A word in all that the erased party wrote."""


async def say(world: World, caller: Caller, text: str, **where: Any) -> MessageSent:
    request = MessageSend(type="text", content=msgspec.Raw(msgspec.json.encode({"text": text})), **where)
    return await world.durable(world.sender.send(caller, request))


async def log_of(world: World, caller: Caller, conversation: str) -> list[EntryView]:
    request = HistoryGet(conversation=conversation, limit=500)
    return (await world.durable(Reader(world.engine).history(caller, request))).entries


def texts(entries: list[EntryView]) -> list[tuple[str, str | None]]:
    """(sender, text) of the messages."""
    return [(e.sender, e.content["text"] if e.content else None) for e in entries if e.type == types.TEXT]


class Town:
    """An app where Ann says something everywhere."""

    def __init__(self, world: World, app: str, key: str) -> None:
        self.world = world
        self.server = Caller(app, "bot/system", server=True, scopes=frozenset({"privacy"}), key=key)
        self.ann, self.bob, self.cat = (Caller(app, f"user/{name}", "phone", key=key) for name in ("ann", "bob", "cat"))
        self.direct = direct_conversation_id("user/ann", "user/bob")

    @classmethod
    async def build(cls, world: World) -> Town:
        created = await world.create_app()
        town = cls(world, created.app.app, created.key.key)
        ann, bob = town.ann, town.bob
        await world.sign_in(town.server.key, ann.party, "phone")
        await world.call(ann, "profile.set", name=f"Ann {SECRET}")
        await world.call(ann, "block.set", party="user/troll")
        await world.durable(
            world.groups.create(ann, GroupCreate(id="club", members=["user/bob", "user/cat"], name="Club"))
        )
        await world.durable(world.groups.create(bob, GroupCreate(id="team", members=["user/ann"])))
        await world.durable(world.groups.create(ann, GroupCreate(id="diary")))
        await say(world, ann, f"hi bob {SECRET}", to="user/bob")
        await say(world, bob, "hi ann", to="user/ann")
        for group in ("club", "team", "diary"):
            await say(world, ann, f"hi {group} {SECRET}", conversation=group)
        await say(world, bob, "welcome", conversation="club")
        await town.configure("club", MemberSettings(draft=f"draft {SECRET}", pinned=True))
        return town

    async def configure(self, conversation: str, settings: MemberSettings) -> None:
        resident, state = await self.world.engine.existing(self.ann.app, conversation)
        record = SettingsChanged(self.ann.app, self.ann.party, conversation, msgspec.msgpack.encode(settings))
        self.world.engine.append_change(resident, state, record)
        await self.world.engine.commits.settled()

    async def erase(self) -> PartyErased:
        done: PartyErased = await self.world.call(self.server, "party.erase", party="user/ann")
        return done

    async def export(self) -> PartyExport:
        done: PartyExport = await self.world.call(self.server, "party.export", party="user/ann")
        return done


@pytest.fixture
async def town(world: World) -> Town:
    return await Town.build(world)


async def test_an_export_holds_everything_of_the_party_and_nothing_of_others(world: World, town: Town) -> None:
    exported = await town.export()
    assert exported.profile == Profile("user/ann", f"Ann {SECRET}", updated_at_ms=world.clock.now_ms())
    assert exported.blocked == ["user/troll"]
    assert [device.device for device in exported.devices] == ["phone"]
    said = [(m.conversation, m.content["text"]) for m in exported.messages if m.type == types.TEXT]
    assert sorted(said) == sorted(
        [(town.direct, f"hi bob {SECRET}")] + [(g, f"hi {g} {SECRET}") for g in ("club", "team", "diary")]
    )
    assert {m.sender for m in exported.messages} == {"user/ann"}
    memberships = {m.conversation: m for m in exported.conversations}
    assert {name: (m.kind, m.role, m.member) for name, m in memberships.items()} == {
        town.direct: ("direct", "member", True),
        "club": ("group", "owner", True),
        "team": ("group", "member", True),
        "diary": ("group", "owner", True),
    }
    assert memberships["club"].settings == MemberSettings(draft=f"draft {SECRET}", pinned=True)
    assert memberships["club"].name == "Club"
    document = msgspec.json.decode(msgspec.json.encode(exported))
    assert document["conversations"][0]["stays"] == [[1, 0]]
    assert "hi ann" not in str(document)
    assert "welcome" not in str(document)


async def test_an_export_comes_in_pages_of_bounded_size(world: World, town: Town) -> None:
    whole = await town.export()
    assert whole.next == ""
    for limit in (1, 2, 3):
        conversations, messages, after, first = [], [], "", True
        while after or first:
            page: PartyExport = await world.call(
                town.server, "party.export", party="user/ann", limit=limit, after=after
            )
            assert len(page.conversations) + len(page.messages) <= limit + 1
            assert (page.profile, page.devices) == ((whole.profile, whole.devices) if first else (None, []))
            conversations += page.conversations
            messages += page.messages
            after, first = page.next, False
        assert (conversations, messages) == (whole.conversations, whole.messages)
    for cursor in ("!", "AAAA", "LTEgeA"):
        found = await world.refusal(town.server, "party.export", party="user/ann", after=cursor)
        assert found is Code.INVALID_PAGE_CURSOR


async def test_an_unknown_party_exports_as_empty_and_erases_as_nothing(world: World, town: Town) -> None:
    exported = await world.call(town.server, "party.export", party="user/none")
    assert (exported.profile, exported.devices, exported.conversations, exported.messages) == (None, [], [], [])
    assert await world.call(town.server, "party.erase", party="user/none") == PartyErased("user/none", 0, 0)
    assert await world.refusal(town.server, "party.export", party="nobody") is Code.INVALID_PARTY
    assert await world.refusal(town.server, "party.erase", party="nobody") is Code.INVALID_PARTY
    assert await world.refusal(town.server, "party.erase", party="bot/system") is Code.FORBIDDEN


async def test_after_an_erasure_nothing_the_party_wrote_can_be_read(world: World, town: Town) -> None:
    done = await town.erase()
    assert (done.messages, done.conversations) == (4, 4)
    assert texts(await log_of(world, town.bob, town.direct)) == [("user/ann", None), ("user/bob", "hi ann")]
    assert texts(await log_of(world, town.bob, "club")) == [("user/ann", None), ("user/bob", "welcome")]
    for caller, conversation in ((town.bob, town.direct), (town.bob, "club"), (town.bob, "team"), (town.ann, "diary")):
        assert SECRET not in str(await log_of(world, caller, conversation))
    exported = await town.export()
    assert SECRET not in str(msgspec.json.decode(msgspec.json.encode(exported)))
    assert (exported.profile, exported.blocked, exported.devices) == (None, [], [])
    assert {m.conversation: m.settings for m in exported.conversations}["club"] == MemberSettings()
    assert (await world.call(town.bob, "profile.get", parties=["user/ann"])).profiles == []


async def test_after_an_erasure_memory_and_index_agree(world: World, town: Town) -> None:
    resident, club = await world.engine.existing(town.ann.app, "club")
    world.engine.append_change(resident, club, EntriesHidden(town.ann.app, "club", "user/ann", (3,), 2, (3,)))
    await town.erase()
    loaded = await world.index.reader.conversation(town.ann.app, "club")
    assert loaded is not None
    for state in (club, loaded):
        member = state.members["user/ann"]
        assert (member.settings, member.hidden, member.hidden_up_to) == (None, {}, 0)
        assert (state.head, state.count) == (club.head, club.count)


async def test_an_erasure_survives_a_restart(disk: Disk) -> None:
    async with disk.open() as world:
        town = await Town.build(world)
        await town.erase()
    async with disk.open() as world:
        town = Town(world, town.server.app, town.server.key)
        for caller, conversation in ((town.bob, town.direct), (town.bob, "club"), (town.bob, "team")):
            assert SECRET not in str(await log_of(world, caller, conversation))
        assert SECRET not in str(msgspec.to_builtins(await town.export()))


@pytest.mark.parametrize("projected", [True, False])
async def test_what_was_said_and_edited_a_moment_ago_is_erased_too(world: World, town: Town, projected: bool) -> None:
    sent = await say(world, town.ann, f"first {SECRET}", conversation="team")
    if projected:
        await world.everything_projected()
    edited = MessageEdit(
        conversation="team", seq=sent.seq, content=msgspec.Raw(msgspec.json.encode({"text": f"better {SECRET}"}))
    )
    await world.durable(Changes(world.engine, Windows(60_000, 60_000)).edit(town.ann, edited))
    assert f"better {SECRET}" in str(await log_of(world, town.bob, "team"))
    await town.erase()
    assert SECRET not in str(await log_of(world, town.bob, "team"))
    assert SECRET not in str(msgspec.to_builtins(await town.export()))


async def test_every_conversation_is_told_and_groups_are_left(world: World, town: Town) -> None:
    await town.erase()
    for conversation in (town.direct, "club", "team"):
        told = [e for e in await log_of(world, town.bob, conversation) if e.type == types.ERASED]
        assert [(e.sender, e.content, e.target) for e in told] == [("bot/system", {"party": "user/ann"}, 0)]
    removed = (await log_of(world, town.bob, "team"))[-1]
    as_of = removed.content.pop("as_of")
    assert (removed.type, removed.content) == (
        types.MEMBERS_REMOVED,
        {"parties": ["user/ann"], "reason": "erased"},
    )
    assert (as_of["name"], as_of["member_count"]) == ("", 1)
    _, team = await world.engine.existing(town.bob.app, "team")
    assert (team.member("user/ann"), team.members["user/bob"].role) == (None, "owner")
    _, direct = await world.engine.existing(town.bob.app, town.direct)
    assert direct.member("user/bob") is not None


async def test_a_group_gets_a_new_owner_and_an_empty_one_ends(world: World, town: Town) -> None:
    _, club = await world.engine.existing(town.ann.app, "club")
    await town.erase()
    assert {party: m.role for party, m in club.members.items() if m.present} == {
        "user/bob": "owner",
        "user/cat": "member",
    }
    _, diary = await world.engine.existing(town.ann.app, "diary")
    assert diary.dismissed


async def test_unread_counts_of_others_are_not_changed(world: World, town: Town) -> None:
    before = {}
    for conversation in (town.direct, "club", "team"):
        _, state = await world.engine.existing(town.bob.app, conversation)
        before[conversation] = unread_of(state, "user/bob")
    await town.erase()
    assert before["team"].messages == 1
    for conversation, unread in before.items():
        _, state = await world.engine.existing(town.bob.app, conversation)
        assert unread_of(state, "user/bob") == unread


async def test_its_sessions_close_and_its_tokens_end_but_it_may_come_back(world: World, town: Town) -> None:
    token = world.token(town.server.key, "user/ann", lifetime_s=86_400)
    session = world.hub.of(town.ann.app, "user/ann")[0]
    _, other = await world.sign_in(town.server.key, "user/bob")
    await town.erase()
    assert (session.closed, other.closed) == (Code.TOKEN_REVOKED, None)
    assert await world.refused_token(token, "phone") is Code.TOKEN_REVOKED
    world.clock.move(1)
    await world.sign_in(town.server.key, "user/ann", "phone")
    await say(world, town.ann, "back", to="user/bob")
    assert texts(await log_of(world, town.bob, town.direct))[-1] == ("user/ann", "back")


async def test_a_retry_of_an_erased_message_still_gets_its_position(world: World, town: Town) -> None:
    sent = await say(world, town.ann, f"once {SECRET}", conversation="team", outbox="outbox-1", n=1)
    await town.erase()
    head = (await world.engine.existing(town.ann.app, "team"))[1].head
    again = await say(world, town.ann, f"once {SECRET}", conversation="team", outbox="outbox-1", n=1)
    assert again == sent
    assert (await world.engine.existing(town.ann.app, "team"))[1].head == head


async def test_erasing_twice_changes_nothing_that_is_readable(world: World, town: Town) -> None:
    await town.erase()
    once = texts(await log_of(world, town.bob, "club"))
    await town.erase()
    assert texts(await log_of(world, town.bob, "club")) == once


async def test_the_same_party_of_another_app_is_untouched(world: World, town: Town) -> None:
    other = await Town.build(world)
    await town.erase()
    assert texts(await log_of(world, other.bob, "team")) == [("user/ann", f"hi team {SECRET}")]
    assert (await other.export()).blocked == ["user/troll"]
    assert [session.closed for session in world.hub.of(other.ann.app, "user/ann")] == [None]


async def test_a_large_group_is_erased_as_well(world: World, town: Town) -> None:
    members = [f"user/m{number}" for number in range(LARGE_MEMBER_COUNT + 1)]
    await world.durable(world.groups.create(town.bob, GroupCreate(id="crowd", members=[*members, "user/ann"])))
    await say(world, town.ann, f"hi crowd {SECRET}", conversation="crowd")
    done = await town.erase()
    assert (done.messages, done.conversations) == (5, 5)
    assert texts(await log_of(world, town.bob, "crowd")) == [("user/ann", None)]
    assert SECRET not in str(msgspec.to_builtins(await town.export()))


async def test_many_conversations_are_told_in_batches(world: World, town: Town) -> None:
    for number in range(7):
        await say(world, town.ann, f"{number} {SECRET}", to=f"user/n{number}")
    with mock.patch.object(erase, "BATCH_CONVERSATIONS", 3):
        done = await town.erase()
    assert (done.messages, done.conversations) == (11, 11)
    for number in range(7):
        reader = Caller(town.ann.app, f"user/n{number}")
        assert SECRET not in str(await log_of(world, reader, direct_conversation_id("user/ann", reader.party)))


async def test_an_erasure_that_broke_off_says_so_and_is_completed_by_repeating_it(world: World, town: Town) -> None:
    task = asyncio.ensure_future(town.erase())
    while world.hub.of(town.ann.app, "user/ann")[0].closed is None:
        await asyncio.sleep(0)
    world.io.fail_write(errno.ENOSPC)
    with pytest.raises(TrunklineError) as caught:
        await task
    assert caught.value.code is Code.INTERNAL
    assert "repeat" in caught.value.detail
    done = await town.erase()
    assert done.messages == 4
    assert SECRET not in str(await log_of(world, town.bob, "club"))


async def test_a_full_disk_at_the_start_erases_nothing(world: World, town: Town) -> None:
    world.io.fail_write(errno.ENOSPC)
    with pytest.raises(TrunklineError) as caught:
        await town.erase()
    assert caught.value.code is Code.DISK_FULL
    assert SECRET in str(await log_of(world, town.bob, "club"))
    assert [session.closed for session in world.hub.of(town.ann.app, "user/ann")] == [None]
