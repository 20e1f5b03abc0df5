"""SIGHUP: limits, CORS origins and the certificate are read again, and connections stay."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.claims.server_process import ServerProcess
from tests.integration.link.wire_client import WireClient
from tests.integration.sdk.conftest import QUICK, texts, until
from tests.integration.server.server_log import ServerLog
from tests.integration.server.tls_server import TlsServer, make_pair
from trunkline.base.errors import Code
from trunkline.client import Client, ClientState, StateChange

pytestmark = pytest.mark.timeout(120)
RELOADED = "configuration reloaded"
REFUSED = "configuration not reloaded"


async def reload(process: ServerProcess, outcome: str = RELOADED) -> ServerLog:
    """Send SIGHUP and wait until the server says how it went; the log from then on."""
    log = ServerLog(process)
    os.kill(process.pid, signal.SIGHUP)
    await log.said(outcome)
    assert len(log.lines(RELOADED)) + len(log.lines(REFUSED)) == 1
    return log


def accepted_of(client: WireClient, count: int) -> int:
    """How many of so many requests at once are not refused for their rate."""
    waiting = {client.request("block.list") for _ in range(count)}
    accepted = 0
    while waiting:
        kind, request_id, *rest = client.receive()
        if request_id in waiting:
            waiting.discard(request_id)
            accepted += kind == 2
            if kind == 3:
                assert rest[0]["code"] == Code.RATE_LIMITED.number
                assert rest[0]["retry_ms"] > 0
    return accepted


async def test_limits_change_for_live_connections(tmp_path: Path):
    unlimited = {"link_rate": 0, "key_rate": 0}
    async with ServerProcess(tmp_path, config={"limits": unlimited}) as process:
        await process.create_app()
        with (
            WireClient(process.url) as live,
            httpx.Client(base_url=process.url, auth=(process.key, process.secret)) as backend,
        ):
            live.call("hello", token=process.token("user/a"), device="d1")
            assert accepted_of(live, 100) == 100
            assert "RateLimit-Limit" not in backend.get("/v1/keys").headers

            process.write_config(
                {"limits": {"link_rate": 0.01, "link_burst": 5, "key_rate": 0.01, "key_burst": 3, "window": 40}}
            )
            await reload(process)
            assert accepted_of(live, 20) == 5
            statuses = [backend.get("/v1/keys").status_code for _ in range(5)]
            assert statuses == [200, 200, 200, 429, 429]

            process.write_config({"limits": unlimited | {"window": 10, "max_frame_bytes": 1024}})
            await reload(process)
            assert accepted_of(live, 10) == 10
            assert backend.get("/v1/keys").status_code == 200
            live.send_frame(json.dumps([1, 9999, "block.list", {"padding": "x" * 2000}]).encode())
            assert live.closed() == Code.OVERSIZE.close_code


async def test_a_bad_configuration_changes_nothing(tmp_path: Path):
    async with ServerProcess(tmp_path, config={"limits": {"link_rate": 0.01, "link_burst": 7}}) as process:
        await process.create_app()
        for number, (text, says) in enumerate(
            (
                ("[limits]\nlink_rate = 0\nwindow = 0\n", "limits.window"),
                ("[limits]\nlink_rate = 0\nwindows = 3\n", "windows"),
                ('[limits]\nlink_rate = 0\n[server]\ntrusted_proxies = ["nearby"]\n', "nearby"),
                ("[limits\n", "TOML"),
            )
        ):
            process.config_path.write_text(text)
            (line,) = (await reload(process, REFUSED)).lines(REFUSED)
            assert line["level"] == "error"
            assert says in line["error"]
            with WireClient(process.url) as client:
                client.call("hello", token=process.token(f"user/u{number}"), device="d1")
                assert accepted_of(client, 10) == 7


async def test_cors_origins_are_read_again(tmp_path: Path):
    async with ServerProcess(tmp_path, config={"server": {"cors_origins": ["https://old.example"]}}) as process:

        def allowed(origin: str) -> bool:
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            preflight = httpx.options(f"{process.url}/v1/messages/bulk", headers=asked)
            answer = httpx.get(f"{process.url}/health/live", headers={"Origin": origin})
            shown = {found.headers.get("Access-Control-Allow-Origin") for found in (preflight, answer)}
            assert len(shown) == 1
            return shown.pop() in (origin, "*")

        assert allowed("https://old.example")
        assert not allowed("https://new.example")
        process.write_config({"server": {"cors_origins": ["https://new.example", "https://third.example"]}})
        await reload(process)
        assert allowed("https://new.example")
        assert allowed("https://third.example")
        assert not allowed("https://old.example")
        process.write_config({})
        await reload(process)
        assert not allowed("https://new.example")


async def test_a_new_certificate_is_served_and_connections_stay(tmp_path: Path):
    states: list[StateChange] = []
    async with TlsServer(tmp_path) as process:
        await process.create_app()
        async with Client(
            process.url, process.token("user/a"), ssl=process.trusting(), options=QUICK, on_state=states.append
        ) as client:
            await client.online()
            await client.send("user/b", "under the old certificate")
            assert await process.served_serial() == process.pair.serial
            seen = len(states)

            renewed = make_pair()
            process.install(renewed.certificate, renewed.key)
            assert await process.served_serial() == process.pair.serial
            await reload(process)
            assert await process.served_serial() == renewed.serial
            assert httpx.get(f"{process.url}/health/ready", verify=process.trusting(renewed)).status_code == 200

            await client.send("user/b", "still here")
            await until(lambda: len(texts(client.local_history("user/b"))) == 2)
            assert (client.state, states[seen:]) == (ClientState.ONLINE, [])


async def test_a_certificate_without_its_key_is_refused_and_the_old_one_stays(tmp_path: Path):
    async with TlsServer(tmp_path, config={"limits": {"link_rate": 0}}) as process:
        await process.create_app()
        one, other = make_pair(), make_pair()
        broken = ((one.certificate, other.key), (one.certificate, b""), (b"no certificate\n", one.key))
        for certificate, key in broken:
            process.install(certificate, key)
            # Limits of the same file must not change either.
            process.write_config({"limits": {"link_rate": 0.01, "link_burst": 1}})
            (line,) = (await reload(process, REFUSED)).lines(REFUSED)
            assert line["level"] == "error"
            assert line["error"].startswith("[tls] the certificate or key cannot be used: ")
            assert await process.served_serial() == process.pair.serial
            assert await process.health() == 200
        async with Client(process.url, process.token("user/a"), ssl=process.trusting(), options=QUICK) as client:
            await client.online()
            for number in range(5):
                await client.send("user/b", f"m{number}")
        process.install(one.certificate, one.key)
        await reload(process)
        assert await process.served_serial() == one.serial
