"""TLS on the one port: REST, link, command line and health over it; anything else is closed."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.integration.sdk.conftest import QUICK, take, texts, until
from tests.integration.server.server_log import ServerLog
from tests.integration.server.tls_server import TlsServer
from trunkline.client import Client, ClientState, StateChange

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[TlsServer]:
    async with TlsServer(tmp_path) as running:
        await running.create_app()  # the command line asks the running server, over TLS
        yield running


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_rest_and_link_share_the_tls_port(process: TlsServer, encoding: str):
    trusting = process.trusting()
    async with (
        Client(process.url, process.token("user/a"), ssl=trusting, encoding=encoding, options=QUICK) as a,
        Client(process.url, process.token("user/b"), ssl=trusting, encoding=encoding, options=QUICK) as b,
        httpx.AsyncClient(base_url=process.url, auth=(process.key, process.secret), verify=trusting) as backend,
    ):
        await a.online()
        await b.online()
        # Large enough that one write does not take it: TLS goes its own way to the socket.
        long = "é" * 19_000
        handles = [a.send_nowait("user/b", f"{number} {long}") for number in range(40)]
        positions = [(await handle).seq for handle in handles]
        heard = await take(b.messages("user/a", types={"text"}), 40)
        assert [entry.seq for entry in heard] == positions == list(range(2, 42))
        assert [entry.content["text"] for entry in heard] == [f"{number} {long}" for number in range(40)]

        said = await backend.post(
            "/v1/messages",
            json={"to": "user/b", "type": "text", "content": {"text": "from the backend"}},
            headers={"Trunkline-Party": "user/a"},
        )
        assert said.status_code == 201, said.text
        assert said.headers["Strict-Transport-Security"]
        await until(lambda: texts(b.local_history("user/a"))[-1] == "from the backend")


async def test_a_client_that_does_not_trust_the_certificate_stays_away(process: TlsServer):
    states: list[StateChange] = []
    async with Client(process.url, process.token("user/a"), options=QUICK, on_state=states.append) as client:
        await until(lambda: any(change.state is ClientState.OFFLINE for change in states))
        assert "certificate" in next(change.reason for change in states if change.state is ClientState.OFFLINE)
        assert client.state is not ClientState.ONLINE


def everything_from(connection: socket.socket) -> bytes:
    """Read to the end; a reset counts as one."""
    received = b""
    try:
        while data := connection.recv(4096):
            received += data
    except ConnectionResetError:
        pass
    return received


async def test_what_is_not_tls_is_closed_at_once(process: TlsServer):
    log = ServerLog(process)
    spoken = (
        b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/link HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"\x00" * 500,
        b"\x16\x03\x01\x02\x00" + b"\xff" * 512,  # the beginning of a handshake, and nonsense
        b"SSH-2.0-OpenSSH_9.2\r\n",
    )
    for data in spoken:
        with process.plain_socket() as connection:
            connection.sendall(data)
            answered = await asyncio.to_thread(everything_from, connection)
            # At most a TLS alert (record type 21), never an answer in the clear.
            assert answered == b"" or answered[0] == 21, answered
    with process.plain_socket():
        pass  # comes and goes without a word
    assert await process.health() == 200
    assert "Traceback" not in log.text()
    assert [line for line in log.lines() if line["level"] == "error"] == []


async def test_old_versions_of_tls_are_refused(process: TlsServer):
    old = process.trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with process.plain_socket() as connection, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(connection)


async def test_doctor_and_the_command_line_reach_their_own_server(process: TlsServer):
    report = json.loads(await process.command("doctor", "--health", process.url, "--json"))
    assert (report["ok"], report["findings"][0]["check"]) == (True, "health")
    localhost = process.url.replace("127.0.0.1", "localhost")
    assert json.loads(await process.command("doctor", "--health", localhost, "--json"))["ok"] is True
    found = {one["check"]: one for one in json.loads(await process.command("doctor", "--json"))["findings"]}
    assert found["port"]["verdict"] == "ok"
    assert "served by Trunkline already" in found["port"]["found"]
    assert found["tls"]["verdict"] == "ok"
    (app,) = json.loads(await process.command("app", "list", "--json"))["apps"]
    rotated = json.loads(await process.command("app", "rotate-key", app["app"], "--json"))
    assert rotated["app"] == app["app"]
    with pytest.raises(RuntimeError, match="ended with 1"):
        await process.command("doctor", "--health", process.url.replace("https", "http"), "--json")
