"""Devices and revocation."""

from __future__ import annotations

import asyncio
import errno

import pytest

from tests.integration.identity.world import Disk, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import DeviceChanged
from trunkline.services.devices import book
from trunkline.wire.calls.session import Device


async def devices(world: World, caller: Caller) -> dict[str, Device]:
    return {device.device: device for device in (await world.call(caller, "device.list")).devices}


async def test_a_device_is_noted_when_it_is_news(world: World) -> None:
    created = await world.create_app()
    phone, _ = await world.sign_in(created.key.key, "user/u1", "phone")
    first_ms = world.clock.now_ms()

    async def appended(platform: str) -> int:
        before = world.engine.appended
        await world.durable(world.devices.note_device(phone, platform))
        return world.engine.appended - before

    world.clock.move(3600)
    assert await appended("ios") == 0
    assert await appended("") == 0
    assert await appended("ipados") == 1
    world.clock.move(3600.001)
    assert await appended("") == 1
    assert await appended("") == 0
    known = (await devices(world, phone))["phone"]
    assert (known.platform, known.first_seen_ms, known.last_seen_ms) == ("ipados", first_ms, world.clock.now_ms())


async def test_devices_are_listed_newest_first_for_their_party_and_its_server(world: World) -> None:
    created = await world.create_app()
    phone, _ = await world.sign_in(created.key.key, "user/u1", "phone")
    world.clock.move(1)
    tablet, session = await world.sign_in(created.key.key, "user/u1", "tablet")
    await world.sign_in(created.key.key, "user/u2", "desk")
    world.hub.remove(session)
    listed = (await world.call(phone, "device.list")).devices
    assert [(d.device, d.online, d.current, d.revoked) for d in listed] == [
        ("tablet", False, False, False),
        ("phone", True, True, False),
    ]
    server = await world.server(created, "user/u1")
    assert [d.device for d in (await world.call(server, "device.list")).devices] == ["tablet", "phone"]
    assert [d.current for d in (await world.call(tablet, "device.list")).devices] == [True, False]


async def test_a_revoked_device_is_signed_out_and_comes_back_with_a_new_token(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    bound = world.token(key, "user/u1", device="phone", lifetime_s=86_400)
    unbound = world.token(key, "user/u1", lifetime_s=86_400)
    _, phone_session = await world.sign_in(key, "user/u1", "phone")
    tablet, tablet_session = await world.sign_in(key, "user/u1", "tablet")
    _, foreign = await world.sign_in(key, "user/u2", "phone")

    world.clock.move(5)
    await world.call(tablet, "device.revoke", device="phone")
    assert (phone_session.closed, tablet_session.closed, foreign.closed) == (Code.DEVICE_REVOKED, None, None)
    assert await world.refused_token(bound) is Code.DEVICE_REVOKED
    assert await world.refused_token(unbound, "phone") is Code.DEVICE_REVOKED
    assert await world.refused_token(world.token(key, "user/u1"), "phone") is Code.DEVICE_REVOKED, "the same second"
    await world.authentication.authenticate_client(unbound, "tablet")
    known = (await devices(world, tablet))["phone"]
    assert known.revoked
    assert known.last_seen_ms == world.clock.now_ms() - 5000, "being signed out is not being seen"

    world.clock.move(1)
    await world.sign_in(key, "user/u1", "phone")
    assert not (await devices(world, tablet))["phone"].revoked
    assert await world.refused_token(bound) is Code.DEVICE_REVOKED, "old tokens stay refused"


async def test_nobody_signs_out_a_device_of_another_party(world: World) -> None:
    created = await world.create_app()
    await world.sign_in(created.key.key, "user/u1", "phone")
    other, _ = await world.sign_in(created.key.key, "user/u2", "desk")
    assert await world.refusal(other, "device.revoke", device="phone") is Code.NOT_FOUND


async def test_a_server_takes_back_all_tokens_of_a_party(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    old = world.token(key, "user/u1", lifetime_s=86_400)
    phone, phone_session = await world.sign_in(key, "user/u1", "phone")
    _, tablet_session = await world.sign_in(key, "user/u1", "tablet")
    _, foreign = await world.sign_in(key, "user/u2", "phone")
    await world.call(await world.server(created), "token.revoke", party="user/u1")
    assert (phone_session.closed, tablet_session.closed, foreign.closed) == (
        Code.TOKEN_REVOKED,
        Code.TOKEN_REVOKED,
        None,
    )
    assert await world.refused_token(old, "phone") is Code.TOKEN_REVOKED
    assert await world.refused_token(old, "never-seen") is Code.TOKEN_REVOKED
    assert all(device.revoked for device in (await devices(world, phone)).values())
    world.clock.move(1)
    await world.sign_in(key, "user/u1", "phone")
    assert {d.device: d.revoked for d in (await devices(world, phone)).values()} == {"phone": False, "tablet": True}


async def test_a_server_takes_back_the_tokens_of_one_device_even_before_it_is_known(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    early = world.token(key, "user/u1", lifetime_s=86_400)
    server = await world.server(created)
    await world.call(server, "token.revoke", party="user/u1", device="stolen")
    assert await world.refused_token(early, "stolen") is Code.DEVICE_REVOKED
    assert (await world.authentication.authenticate_client(early, "mine")).device == "mine"
    assert await world.refusal(server, "token.revoke", party="nobody") is Code.INVALID_PARTY


async def test_a_revocation_between_check_and_registration_is_noticed(world: World) -> None:
    created = await world.create_app()
    identity = await world.authentication.authenticate_client(world.token(created.key.key, "user/u1"), "phone")
    await world.authentication.recheck(identity)
    await world.call(await world.server(created), "token.revoke", party="user/u1")
    with pytest.raises(TrunklineError) as caught:
        await world.authentication.recheck(identity)
    assert caught.value.code is Code.TOKEN_REVOKED

    world.clock.move(1)
    again = await world.authentication.authenticate_client(world.token(created.key.key, "user/u1"), "phone")
    await world.call(await world.server(created), "key.revoke", key=created.key.key)
    with pytest.raises(TrunklineError) as caught:
        await world.authentication.recheck(again)
    assert caught.value.code is Code.KEY_REVOKED


async def test_revocations_survive_a_restart(disk: Disk) -> None:
    async with disk.open() as world:
        created = await world.create_app()
        key = created.key.key
        token_1, token_2 = world.token(key, "user/u1"), world.token(key, "user/u2")
        phone, _ = await world.sign_in(key, "user/u1", "phone")
        await world.call(phone, "device.revoke", device="phone")
        await world.call(await world.server(created), "token.revoke", party="user/u2")
    async with disk.open() as world:
        assert await world.refused_token(token_1, "phone") is Code.DEVICE_REVOKED
        assert await world.refused_token(token_2, "phone") is Code.TOKEN_REVOKED
        assert (await world.authentication.authenticate_client(token_1, "tablet")).device == "tablet"
        assert (await devices(world, phone))["phone"].revoked


async def test_sessions_close_only_when_the_revocation_is_durable(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    phone, session = await world.sign_in(key, "user/u1", "phone")
    world.io.fail_write(errno.ENOSPC)
    with pytest.raises(TrunklineError) as caught:
        await world.call(phone, "device.revoke", device="phone")
    assert caught.value.code is Code.DISK_FULL
    assert [session.closed] == [None]
    await world.authentication.authenticate_client(world.token(key, "user/u1"), "phone")
    assert not (await devices(world, phone))["phone"].revoked
    await world.call(phone, "device.revoke", device="phone")
    assert session.closed is Code.DEVICE_REVOKED


async def test_devices_of_a_party_are_limited(world: World) -> None:
    created = await world.create_app()
    phone, _ = await world.sign_in(created.key.key, "user/u1", "phone")
    for number in range(book.MAX_DEVICES - 1):
        record = DeviceChanged(phone.app, phone.party, f"d{number}", "web", world.clock.now_ms())
        world.engine.append_party(record)
    await world.everything_projected()
    with pytest.raises(TrunklineError) as caught:
        await world.sign_in(created.key.key, "user/u1", "one-more")
    assert caught.value.code is Code.LIMIT_EXCEEDED
    await world.sign_in(created.key.key, "user/u1", "d7")
    server = await world.server(created)
    assert await world.refusal(server, "token.revoke", party="user/u1", device="unknown") is Code.LIMIT_EXCEEDED


async def test_simultaneous_sign_ins_note_a_device_once(world: World) -> None:
    created = await world.create_app()
    caller = Caller(created.app.app, "user/u1", "phone")
    before = world.engine.appended
    await asyncio.gather(*(world.durable(world.devices.note_device(caller, "ios")) for _ in range(20)))
    assert world.engine.appended == before + 1
