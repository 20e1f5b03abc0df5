"""Apps, keys and credentials."""

from __future__ import annotations

import asyncio
import errno

import jwt
import pytest

from tests.integration.identity.world import ADMIN, Disk, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.services.access import OPERATOR
from trunkline.services.apps import Authentication, CallerAuthenticator
from trunkline.services.operation import Audience
from trunkline.wire.calls.apps import ALL_SCOPES, KeyRevoke, KeyRotate


async def server_refusal(world: World, key: str, secret: str, party: str | None = None) -> Code:
    with pytest.raises(TrunklineError) as caught:
        await world.authentication.authenticate_server(key, secret, party)
    return caught.value.code


async def test_an_app_comes_with_a_key_that_may_do_everything(world: World) -> None:
    created = await world.create_app("Fish & Chips")
    assert created.app.app.startswith("a_")
    assert created.key.scopes == list(ALL_SCOPES)
    server = await world.server(created)
    assert (server.app, server.party, server.server) == (created.app.app, SYSTEM_PARTY, True)
    assert server.scopes == frozenset(ALL_SCOPES)
    assert (await world.server(created, "user/u1")).party == "user/u1"
    assert [app.name for app in (await world.call(OPERATOR, "app.list")).apps] == ["Fish & Chips"]
    listed = (await world.call(server, "key.list")).keys
    assert [(key.key, key.secret) for key in listed] == [(created.key.key, "")]


async def test_an_app_is_let_in_only_once_it_is_durable(world: World) -> None:
    task = asyncio.ensure_future(world.create_app())
    await asyncio.sleep(0)
    assert world.directory.decided_apps()
    assert world.directory.app(world.directory.decided_apps()[0].app) is None
    created = await task
    assert world.directory.app(created.app.app) is not None


async def test_server_credentials_that_do_not_hold(world: World) -> None:
    created, other = await world.create_app(), await world.create_app()
    key, secret = created.key.key, created.key.secret
    assert await server_refusal(world, "k_none", secret) is Code.UNKNOWN_KEY
    assert await server_refusal(world, key, secret + "x") is Code.SECRET_WRONG
    assert await server_refusal(world, key, "") is Code.SECRET_WRONG
    assert await server_refusal(world, key, other.key.secret) is Code.SECRET_WRONG
    assert await server_refusal(world, key, secret, "nobody") is Code.INVALID_PARTY


async def test_the_admin_token(world: World) -> None:
    await world.authentication.authenticate_operator(ADMIN.reveal())
    for wrong in ("", "x", ADMIN.reveal() + " ", ADMIN.reveal()[:-1]):
        with pytest.raises(TrunklineError) as caught:
            await world.authentication.authenticate_operator(wrong)
        assert caught.value.code is Code.SECRET_WRONG
    without = Authentication(world.engine, world.directory, world.secrets)
    with pytest.raises(TrunklineError):
        await without.authenticate_operator(ADMIN.reveal())


async def test_who_may_call_what(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    user, _ = await world.sign_in(created.key.key, "user/u1")
    guest, _ = await world.sign_in(created.key.key, "guest/g1")
    keyless = Caller(server.app, server.party, server=True, scopes=frozenset({"messages"}), key=server.key)
    assert await world.refusal(server, "app.list") is Code.FORBIDDEN
    assert await world.refusal(OPERATOR, "key.list") is Code.FORBIDDEN
    assert await world.refusal(user, "key.list") is Code.FORBIDDEN
    assert await world.refusal(user, "party.erase", party="user/u2") is Code.FORBIDDEN
    assert await world.refusal(guest, "block.set", party="user/u2") is Code.GUEST_FORBIDDEN
    for operation in world.operations.values():
        assert (operation.scope in ALL_SCOPES) != (operation.audience is Audience.OPERATOR), operation.name
    assert await world.refusal(keyless, "key.list") is Code.SCOPE_MISSING
    assert await world.refusal(keyless, "party.export", party="user/u1") is Code.SCOPE_MISSING


# --- client tokens ---------------------------------------------------------------------------


async def test_a_token_says_who_its_bearer_is(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    token = world.token(key, "user/u1", device="phone", grants={"im": {}, "video": {"room": "x"}})
    identity = await world.authentication.authenticate_client(token)
    assert identity.caller == Caller(created.app.app, "user/u1", "phone", key=key)
    assert not identity.caller.server
    assert (identity.device, identity.key) == ("phone", key)
    assert identity.issued_at_s == world.clock.now_s
    assert identity.expires_at_s == world.clock.now_s + 3600 + 60, "the tolerated skew belongs to the session"
    assert identity.grants["video"] == {"room": "x"}
    unbound = await world.authentication.authenticate_client(world.token(key, "user/u1"), "tablet")
    assert unbound.device == unbound.caller.device == "tablet"
    assert await CallerAuthenticator(world.authentication).authenticate_client(token) == identity.caller


async def test_tokens_that_do_not_hold(world: World) -> None:
    created = await world.create_app()
    key = created.key.key
    good = world.token(key, "user/u1")
    stranger = jwt.encode({"iss": "k_none", "sub": "user/u1", "iat": 1, "exp": 2}, "s" * 43)
    header, payload, _ = good.split(".")
    refused = {
        "garbage": await world.refused_token("garbage"),
        "unknown key": await world.refused_token(stranger),
        "other signature": await world.refused_token(f"{header}.{payload}." + "A" * 43),
        "bad party": await world.refused_token(world.token(key, "somebody")),
        "no grant": await world.refused_token(world.token(key, "user/u1", grants={})),
        "only video": await world.refused_token(world.token(key, "user/u1", grants={"video": {}})),
        "other device": await world.refused_token(world.token(key, "user/u1", device="phone"), "tablet"),
        "expired 59 s ago": None,
        "expired 61 s ago": await world.refused_token(world.token(key, "user/u1", age_s=161, lifetime_s=100)),
        "from in 61 s": await world.refused_token(world.token(key, "user/u1", age_s=-61)),
    }
    await world.authentication.authenticate_client(world.token(key, "user/u1", age_s=159, lifetime_s=100))
    await world.authentication.authenticate_client(world.token(key, "user/u1", age_s=-59))
    assert refused == {
        "garbage": Code.TOKEN_GARBLED,
        "unknown key": Code.UNKNOWN_KEY,
        "other signature": Code.BAD_SIGNATURE,
        "bad party": Code.TOKEN_GARBLED,
        "no grant": Code.GRANT_MISSING,
        "only video": Code.GRANT_MISSING,
        "other device": Code.GRANT_MISSING,
        "expired 59 s ago": None,
        "expired 61 s ago": Code.TOKEN_EXPIRED,
        "from in 61 s": Code.TOKEN_NOT_YET_VALID,
    }
    video = await world.authentication.authenticate_client(
        world.token(key, "user/u1", grants={"video": {}}), grant="video"
    )
    assert video.caller.party == "user/u1"


# --- rotation and revocation -----------------------------------------------------------------


async def test_rotation_keeps_the_old_key_for_the_overlap(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    old = created.key
    _, session = await world.sign_in(old.key, "user/u1", lifetime_s=10_000)
    made = await world.call(server, "key.rotate", overlap_s=100, scopes=["keys", "messages"])
    assert made.key != old.key
    assert made.scopes == ["messages", "keys"]
    fresh = await world.authentication.authenticate_server(made.key, made.secret)
    assert fresh.scopes == {"messages", "keys"}
    await world.server(created)
    identity = await world.authentication.authenticate_client(world.token(old.key, "user/u1", lifetime_s=10_000))
    assert identity.expires_at_s == world.clock.now_s + 100, "a session ends with the key of its token"

    world.clock.move(99.999)
    world.keys.close_expired()
    await world.server(created)
    assert world.hub.is_live(session)
    assert [session.closed] == [None]

    world.clock.move(0.001)
    world.keys.close_expired()
    assert session.closed is Code.KEY_REVOKED
    assert await server_refusal(world, old.key, old.secret) is Code.KEY_REVOKED
    assert await world.refused_token(world.token(old.key, "user/u1")) is Code.KEY_REVOKED
    await world.authentication.authenticate_client(world.token(made.key, "user/u1"))


async def test_rotation_without_overlap_ends_the_old_keys_at_once(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    _, session = await world.sign_in(created.key.key, "user/u1")
    made = await world.call(server, "key.rotate", overlap_s=0)
    assert await server_refusal(world, created.key.key, created.key.secret) is Code.KEY_REVOKED
    assert session.closed is Code.KEY_REVOKED
    await world.authentication.authenticate_server(made.key, made.secret)


async def test_a_rotation_may_name_the_key_it_replaces_and_never_prolongs_one(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    second = await world.call(server, "key.rotate", overlap_s=50)
    await world.call(server, "key.rotate", overlap_s=500, replaces=second.key)
    await world.call(server, "key.rotate", overlap_s=10_000)
    now_ms = world.clock.now_ms()
    ends = {key.key: key.expires_at_ms for key in (await world.call(server, "key.list")).keys}
    assert ends[created.key.key] == now_ms + 50_000
    assert ends[second.key] == now_ms + 500_000


async def test_bad_rotations_change_nothing(world: World) -> None:
    created, foreign = await world.create_app(), await world.create_app()
    server = await world.server(created)
    small = await world.call(server, "key.rotate", scopes=["keys"])
    limited = await world.authentication.authenticate_server(small.key, small.secret)
    assert await world.refusal(limited, "key.rotate") is Code.SCOPE_MISSING
    assert await world.refusal(limited, "key.rotate", scopes=["keys", "privacy"]) is Code.SCOPE_MISSING
    assert await world.refusal(server, "key.rotate", replaces="k_none") is Code.NOT_FOUND
    assert await world.refusal(server, "key.rotate", replaces=foreign.key.key) is Code.NOT_FOUND
    assert await world.refusal(server, "key.revoke", key=foreign.key.key) is Code.NOT_FOUND


async def test_live_keys_are_limited_and_ended_ones_do_not_count(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    for _ in range(99):
        await world.call(server, "key.rotate", overlap_s=1000)
    assert await world.refusal(server, "key.rotate", overlap_s=1000) is Code.LIMIT_EXCEEDED
    world.clock.move(1000)
    made = world.keys.rotate_key(server.app, 0, "", ALL_SCOPES)
    await world.engine.commits.settled()
    assert (await world.authentication.authenticate_server(made.key, made.secret)).key == made.key


async def test_a_revoked_key_is_over_for_servers_tokens_and_sessions(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    other = await world.call(server, "key.rotate", overlap_s=3600)
    _, signed_by_old = await world.sign_in(created.key.key, "user/u1", "phone")
    _, signed_by_new = await world.sign_in(other.key, "user/u1", "tablet")
    await world.call(server, "key.revoke", key=created.key.key)
    assert signed_by_old.closed is Code.KEY_REVOKED
    assert signed_by_new.closed is None
    assert await server_refusal(world, created.key.key, created.key.secret) is Code.KEY_REVOKED
    assert await server_refusal(world, created.key.key, "wrong") is Code.SECRET_WRONG
    assert await world.refused_token(world.token(created.key.key, "user/u1")) is Code.KEY_REVOKED
    before = world.engine.committed_lsn
    again = await world.authentication.authenticate_server(other.key, other.secret)
    await world.call(again, "key.revoke", key=created.key.key)
    assert world.engine.committed_lsn == before, "revoking twice writes once"


async def test_a_rotation_in_the_same_moment_cannot_undo_a_revocation(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    await asyncio.gather(
        world.keys.revoke(server, KeyRevoke(created.key.key)), world.keys.rotate(server, KeyRotate(overlap_s=3600))
    )
    await world.everything_projected()
    stored = {key.key: key for key in await world.index.reader.keys()}
    assert stored[created.key.key].revoked
    assert await server_refusal(world, created.key.key, created.key.secret) is Code.KEY_REVOKED


async def test_a_disabled_app_is_shut_out_and_comes_back(world: World) -> None:
    created, other = await world.create_app(), await world.create_app()
    _, session = await world.sign_in(created.key.key, "user/u1")
    _, foreign = await world.sign_in(other.key.key, "user/u1")
    assert (await world.call(OPERATOR, "app.disable", app=created.app.app)).disabled
    assert session.closed is Code.APP_DISABLED
    assert foreign.closed is None
    assert await server_refusal(world, created.key.key, created.key.secret) is Code.APP_DISABLED
    assert await server_refusal(world, created.key.key, "wrong") is Code.SECRET_WRONG
    assert await world.refused_token(world.token(created.key.key, "user/u1")) is Code.APP_DISABLED
    before = world.engine.committed_lsn
    await world.call(OPERATOR, "app.disable", app=created.app.app)
    assert world.engine.committed_lsn == before, "disabling twice changed something"
    assert not (await world.call(OPERATOR, "app.disable", app=created.app.app, on=False)).disabled
    server = await world.server(created)
    assert await world.refusal(OPERATOR, "app.disable", app="a_nobody") is Code.NOT_FOUND
    assert await world.refusal(server, "app.disable", app=created.app.app) is Code.FORBIDDEN


async def test_an_app_is_not_shut_out_by_a_disk_that_is_full(world: World) -> None:
    created = await world.create_app()
    _, session = await world.sign_in(created.key.key, "user/u1")
    world.io.fail_write(errno.ENOSPC)
    with pytest.raises(TrunklineError) as caught:
        await world.call(OPERATOR, "app.disable", app=created.app.app)
    assert caught.value.code is Code.DISK_FULL
    assert session.closed is None
    await world.server(created)


# --- disk ------------------------------------------------------------------------------------


async def test_apps_and_keys_survive_a_restart(disk: Disk) -> None:
    async with disk.open() as world:
        created = await world.create_app()
        server = await world.server(created)
        made = await world.call(server, "key.rotate", overlap_s=3600, scopes=["messages", "keys"])
        await world.call(server, "key.revoke", key=created.key.key)
        listed = (await world.call(server, "key.list")).keys
    async with disk.open() as world:
        assert await server_refusal(world, created.key.key, created.key.secret) is Code.KEY_REVOKED
        server = await world.authentication.authenticate_server(made.key, made.secret)
        assert server.scopes == {"messages", "keys"}
        assert (await world.call(server, "key.list")).keys == listed


async def test_a_full_disk_makes_no_key_and_revokes_none(world: World) -> None:
    created = await world.create_app()
    server = await world.server(created)
    _, session = await world.sign_in(created.key.key, "user/u1")
    for name, params in (("key.revoke", {"key": created.key.key}), ("key.rotate", {"overlap_s": 0})):
        world.io.fail_write(errno.ENOSPC)
        with pytest.raises(TrunklineError) as caught:
            await world.call(server, name, **params)
        assert caught.value.code is Code.DISK_FULL
    assert session.closed is None
    assert [key.key for key in (await world.call(server, "key.list")).keys] == [created.key.key]
    await world.server(created)
    await world.call(server, "key.revoke", key=created.key.key)
    assert session.closed is Code.KEY_REVOKED
