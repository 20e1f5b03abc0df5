"""Profiles and block lists."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tests.integration.identity.world import Disk, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.log.records import BlockChanged
from trunkline.services.parties import blocks
from trunkline.wire.calls.parties import Profile


async def names(world: World, caller: Any, *parties: str) -> list[tuple[str, str]]:
    found = await world.call(caller, "profile.get", parties=list(parties))
    return [(profile.party, profile.name) for profile in found.profiles]


async def test_a_profile_changes_in_what_is_given(world: World) -> None:
    created = await world.create_app()
    user, _ = await world.sign_in(created.key.key, "user/u1")
    at_ms = world.clock.now_ms()
    first = await world.call(user, "profile.set", name="Ann", custom={"city": "Cork", "team": "red"})
    assert first == Profile("user/u1", "Ann", "", {"city": "Cork", "team": "red"}, at_ms)
    world.clock.move(1)
    second = await world.call(user, "profile.set", avatar="https://x.example/a.png")
    assert second == Profile("user/u1", "Ann", "https://x.example/a.png", first.custom, at_ms + 1000)
    third = await world.call(user, "profile.set", name="", custom={"city": "Rome"})
    assert (third.name, third.custom) == ("", {"city": "Rome"})
    before = world.engine.committed_lsn
    assert await world.call(user, "profile.set", custom={"city": "Rome"}) == third
    assert await world.call(user, "profile.set") == third
    assert world.engine.committed_lsn == before, "what changes nothing is not written"
    assert (await world.call(user, "profile.get", parties=["user/u1"])).profiles == [third]


async def test_profiles_are_found_whether_projected_or_not(disk: Disk) -> None:
    async with disk.open() as world:
        created = await world.create_app()
        for name in ("u1", "u2", "u3"):
            await world.call(await world.server(created, f"user/{name}"), "profile.set", name=name.upper())
        await world.everything_projected()
    async with disk.open() as world:
        server = await world.server(created)
        await world.call(await world.server(created, "user/u2"), "profile.set", name="changed")
        await world.call(await world.server(created, "user/u4"), "profile.set", name="new")
        asked = ["user/u4", "user/none", "user/u2", "user/u1", "user/u2"]
        expected = [("user/u4", "new"), ("user/u2", "changed"), ("user/u1", "U1")]
        assert await names(world, server, *asked) == expected
        await world.everything_projected()
        assert await names(world, server, *asked) == expected
        assert await world.refusal(server, "profile.get", parties=["user/u1", "user-2"]) is Code.INVALID_PARTY


async def test_a_guest_reads_profiles_and_sets_none(world: World) -> None:
    created = await world.create_app()
    guest, _ = await world.sign_in(created.key.key, "guest/g1")
    await world.call(await world.server(created, "guest/g1"), "profile.set", name="Visitor")
    assert await names(world, guest, "guest/g1") == [("guest/g1", "Visitor")]
    assert await world.refusal(guest, "profile.set", name="Admin") is Code.GUEST_FORBIDDEN


async def test_search_finds_what_was_just_answered_and_pages(world: World) -> None:
    created, other = await world.create_app(), await world.create_app()
    server = await world.server(created)
    people = {"u1": ("Ann STRASSE", "red"), "u2": ("Bo Straße", "blue"), "u3": ("Cy", "red"), "u4": ("", "red")}
    for party, (name, team) in people.items():
        await world.call(await world.server(created, f"user/{party}"), "profile.set", name=name, custom={"team": team})
    await world.call(await world.server(other, "user/u9"), "profile.set", name="strasse", custom={"team": "red"})

    async def found(**query: Any) -> list[str]:
        parties, after = [], ""
        while True:
            page = await world.call(server, "profile.search", after=after, **query)
            parties += [profile.party for profile in page.profiles]
            after = page.next
            if not after:
                return parties

    for limit in (1, 2, 3, 50):
        assert await found(text="strasse", limit=limit) == ["user/u1", "user/u2"]
        assert await found(field="team", value="red", limit=limit) == ["user/u1", "user/u3", "user/u4"]
        assert await found(text="c", field="team", value="red", limit=limit) == ["user/u3"]
        assert await found(limit=limit) == ["user/u1", "user/u2", "user/u3", "user/u4"]
        assert await found(text="nobody", limit=limit) == []
    assert await world.refusal(server, "profile.search", value="red") is Code.INVALID_PARAMS
    assert await world.refusal(server, "profile.search", after="nonsense") is Code.INVALID_PAGE_CURSOR


async def test_blocking_tells_the_own_devices_and_nobody_else(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    user, phone = await world.sign_in(key, "user/u1", "phone")
    _, tablet = await world.sign_in(key, "user/u1", "tablet")
    _, blocked = await world.sign_in(key, "user/u2", "phone")
    await world.call(user, "block.set", party="user/u9")
    answer = await world.call(user, "block.set", party="user/u2")
    assert answer.blocked == ["user/u2", "user/u9"]
    assert (
        phone.pushed
        == tablet.pushed
        == [
            ("blocked", {"blocked": ["user/u9"]}),
            ("blocked", {"blocked": ["user/u2", "user/u9"]}),
        ]
    )
    assert blocked.pushed == []
    before = world.engine.committed_lsn
    assert (await world.call(user, "block.set", party="user/u2")).blocked == answer.blocked
    assert world.engine.committed_lsn == before
    assert len(phone.pushed) == 2
    assert (await world.call(user, "block.set", party="user/u2", on=False)).blocked == ["user/u9"]
    assert (await world.call(user, "block.list")).blocked == ["user/u9"]
    assert phone.pushed[-1] == ("blocked", {"blocked": ["user/u9"]})


async def test_bad_blocks_change_nothing(world: World) -> None:
    created = await world.create_app()
    user, session = await world.sign_in(created.key.key, "user/u1")
    assert await world.refusal(user, "block.set", party="user/u1") is Code.FORBIDDEN
    assert await world.refusal(user, "block.set", party="someone") is Code.INVALID_PARTY
    for number in range(blocks.MAX_BLOCKED):
        world.engine.append_party(BlockChanged(user.app, user.party, f"user/b{number}", True))
    await world.engine.commits.settled()
    assert await world.refusal(user, "block.set", party="user/one-more") is Code.LIMIT_EXCEEDED
    assert session.pushed == []
    assert len((await world.call(user, "block.set", party="user/b0", on=False)).blocked) == blocks.MAX_BLOCKED - 1


async def test_blocks_survive_a_restart(disk: Disk) -> None:
    async with disk.open() as world:
        created = await world.create_app()
        user, _ = await world.sign_in(created.key.key, "user/u1")
        await world.call(user, "block.set", party="user/u2")
        await world.call(user, "block.set", party="user/u3")
        await world.call(user, "block.set", party="user/u2", on=False)
    async with disk.open() as world:
        assert (await world.call(user, "block.list")).blocked == ["user/u3"]


async def test_a_full_disk_changes_neither_profile_nor_blocks_and_pushes_nothing(world: World) -> None:
    created = await world.create_app()
    user, session = await world.sign_in(created.key.key, "user/u1")
    await world.call(user, "profile.set", name="Ann")
    for name, params in (("profile.set", {"name": "Bo"}), ("block.set", {"party": "user/u2"})):
        world.io.fail_write(errno.ENOSPC)
        with pytest.raises(TrunklineError) as caught:
            await world.call(user, name, **params)
        assert caught.value.code is Code.DISK_FULL
    assert session.pushed == []
    assert await names(world, user, "user/u1") == [("user/u1", "Ann")]
    assert (await world.call(user, "block.list")).blocked == []
