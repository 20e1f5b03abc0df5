"""Connections: what the client does about tokens, closes, silence and a server that goes away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from tests.integration.sdk.conftest import token, until
from tests.reference_link.server import ReferenceServer
from trunkline.client import Client, ClientState, ClientStopped, RequestFailed, StateChange, mint_token
from trunkline.client.options import Options

Make = Callable[..., Client]


@pytest.mark.parametrize("code", [4101, 4301, 4210])
async def test_the_client_stays_away_when_told_to(server: ReferenceServer, client: Make, code: int):
    async with client("user/alice") as alice:
        await alice.online()
        server.close_all(code)
        await until(lambda: alice.state is ClientState.STOPPED)
        with pytest.raises(ClientStopped, match=str(code)):
            await alice.online()
        with pytest.raises(ClientStopped):
            await alice.send("user/bob", "too late")
    assert server.connections == 1


async def test_an_expired_token_is_replaced_from_its_source(server: ReferenceServer, client: Make):
    asked: list[str] = []

    async def fresh() -> str:
        asked.append("again")
        return token("user/alice")

    server.faults.hello = [2003, 2003]
    async with client("user/alice", token=fresh) as alice:
        await alice.online()
        assert len(asked) == 3
        server.close_all(4203)
        await until(lambda: len(asked) == 4)
        await alice.online()


async def test_a_fixed_token_that_is_refused_stops_the_client(server: ReferenceServer, client: Make):
    server.faults.hello = [2003]
    async with client("user/alice") as alice:
        with pytest.raises(ClientStopped, match="2003 token_expired"):
            await alice.online()
    assert server.connections == 1


async def test_a_token_source_that_fails_is_asked_again(server: ReferenceServer, client: Make):
    attempts = 0

    def sometimes() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise OSError("the backend is down")
        return token("user/alice")

    async with client("user/alice", token=sometimes) as alice:
        await alice.online()
    assert attempts == 3


async def test_a_newer_connection_of_the_device_takes_over(server: ReferenceServer, client: Make):
    async with client("user/alice", device="phone") as older:
        await older.online()
        async with client("user/alice", device="phone") as newer:
            await newer.online()
            await until(lambda: older.state is ClientState.STOPPED)
            assert newer.state is ClientState.ONLINE


async def test_a_server_that_falls_silent_is_given_up(server: ReferenceServer, client: Make):
    server.heartbeat_ms = 100
    server.faults.swallow["sync"] = 10**6
    async with client("user/alice", options=Options(request_timeout_s=60)) as alice:
        await until(lambda: server.connections == 1)
        for session in list(server.sessions):
            session.take = lambda request: None  # type: ignore[method-assign]
        server.faults.swallow.clear()
        server.heartbeat_ms = 30_000
        await alice.online()
        assert server.connections == 2


async def test_draining_spreads_the_return_and_returns(server: ReferenceServer, client: Make):
    states: list[StateChange] = []
    async with client("user/alice", on_state=states.append) as alice:
        await alice.online()
        server.push("user/alice", "draining", {"reconnect_in_ms": 100})
        await until(lambda: server.connections == 2)
        await alice.online()
    assert all(change.retry_in_s <= 0.2 for change in states)


async def test_states_are_told_in_their_order(server: ReferenceServer, client: Make):
    states: list[StateChange] = []
    async with client("user/alice", on_state=states.append) as alice:
        await alice.online()
        server.cut_all()
        await until(lambda: server.connections == 2)
        await alice.online()
    names = [change.state.value for change in states]
    assert names == ["connecting", "syncing", "online", "offline", "connecting", "syncing", "online", "stopped"]
    assert [change.close_code for change in states if change.state is ClientState.OFFLINE] == [1006]


async def test_a_store_serves_one_party(server: ReferenceServer, client: Make, tmp_path):
    async with client("user/alice", store=tmp_path / "a.db") as alice:
        await alice.online()
    async with client("user/bob", store=tmp_path / "a.db") as bob:
        with pytest.raises(ClientStopped, match="belongs to user/alice"):
            await bob.online()


async def test_calls_wait_for_a_connection_and_name_their_refusal(server: ReferenceServer, client: Make):
    await server.shut()
    async with client("user/alice") as alice:
        call = asyncio.create_task(alice.conversations.fetch("g.none"))
        await until(lambda: alice.state is ClientState.OFFLINE)
        assert not call.done()
        await server.listen(server.port)
        alice.reconnect()
        with pytest.raises(RequestFailed) as refused:
            await call
        assert (refused.value.code, refused.value.name, refused.value.applied) == (3002, "not_found", False)
        with pytest.raises(RequestFailed, match="unknown_method"):
            await alice.blocks.fetch()


async def test_a_call_without_a_connection_ends_in_time(server: ReferenceServer, client: Make):
    await server.shut()
    async with client("user/alice", options=Options(call_timeout_s=0.05)) as alice:
        with pytest.raises(RequestFailed, match="not_connected") as refused:
            await alice.conversations.fetch("g.none")
        assert refused.value.applied is False


async def test_an_address_that_is_no_link_is_named(server: ReferenceServer, client: Make):
    states: list[StateChange] = []
    with pytest.raises(ValueError, match="https://chat"):
        Client("chat.example.com", token("user/alice"))
    await server.shut()
    async with client("user/alice", on_state=states.append):
        await until(lambda: any(change.state is ClientState.OFFLINE for change in states))
    offline = next(change for change in states if change.state is ClientState.OFFLINE)
    assert offline.reason
    assert 0 <= offline.retry_in_s <= 0.5


async def test_using_a_closed_client_says_so(server: ReferenceServer, client: Make):
    alice = client("user/alice")
    with pytest.raises(ClientStopped, match="async with"):
        alice.send_nowait("user/bob", "x")
    async with alice:
        await alice.online()
    with pytest.raises(ClientStopped):
        alice.send_nowait("user/bob", "x")
    with pytest.raises(RuntimeError, match="opened once"):
        async with alice:
            pass


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(client: Make):
    """A listener that accepts and stays silent: the handshake never ends."""
    writers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    try:
        async with Client(f"http://127.0.0.1:{port}", token("user/alice")) as alice:
            handle = alice.send_nowait("user/bob", "stays in the outbox")
            await until(lambda: alice.state is ClientState.CONNECTING)
            began_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began_s < 3
        assert alice.state is ClientState.STOPPED
        with pytest.raises(ClientStopped):
            await handle
    finally:
        silent.close()
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):  # the client may have dropped the connection hard
                await writer.wait_closed()


async def test_a_token_bound_to_a_device_names_the_device(server: ReferenceServer, client: Make):
    def bound() -> str:
        return mint_token("k", "s" * 32, "user/alice", device="phone-7")

    async with client("user/alice", token=bound) as alice:
        await alice.online()
        assert alice.device == "phone-7"
    (hello,) = [params for _, method, params in server.requests if method == "hello"]
    assert hello["device"] == "phone-7"


async def test_the_servers_pings_are_answered_and_count_as_a_sign_of_life(server: ReferenceServer, client: Make):
    server.heartbeat_ms = 400
    async with client("user/alice") as alice:
        await alice.online()
        (session,) = server.sessions
        session.take = lambda request: None  # type: ignore[method-assign]  # nothing but WebSocket pings is heard
        while session.pongs < 16:
            assert session.transport is not None, "the client gave the connection up"
            session.transport.send_ping(b"still here")
            await asyncio.sleep(
                0.05
            )  # the interval of the pings: half a heartbeat, four times until a silence is noticed
    assert server.connections == 1
