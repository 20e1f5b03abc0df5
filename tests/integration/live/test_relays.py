"""Relays: Debian's coturn takes the credentials that we hand out, and clients that can use nothing else get through."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from livekit import rtc

from tests.claims.server_process import free_port
from tests.integration.live.signalling import Signalling
from tests.integration.live.test_network import running, two
from tests.integration.server.tls_server import make_pair

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed (make setup-browser does)"),
]
SECRET = "shared-with-the-relay"


@dataclass(frozen=True)
class Relay:
    """A running coturn."""

    port: int
    tls_port: int
    secret_file: Path
    log: Path

    def relayed(self) -> int:
        """How many sessions were authenticated and got a relay address."""
        return self.log.read_text().count("ALLOCATE processed, success")


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    pair = make_pair()
    (tmp_path / "relay.crt").write_bytes(pair.certificate)
    (tmp_path / "relay.key").write_bytes(pair.key)
    secret_file = tmp_path / "turn.secret"
    secret_file.write_text(SECRET + "\n")
    made = Relay(free_port(), free_port(), secret_file, tmp_path / "relay.log")
    options = {
        "listening-ip": "127.0.0.1",
        "relay-ip": "127.0.0.1",
        "listening-port": str(made.port),
        "tls-listening-port": str(made.tls_port),
        "cert": str(tmp_path / "relay.crt"),
        "pkey": str(tmp_path / "relay.key"),
        "static-auth-secret": SECRET,
        "realm": "trunkline",
        "pidfile": str(tmp_path / "relay.pid"),
        "log-file": str(made.log),
    }
    switches = ("use-auth-secret", "allow-loopback-peers", "no-cli", "no-dtls", "simple-log", "fingerprint", "verbose")
    command = ["turnserver", "-n", *(f"--{name}={value}" for name, value in options.items())]
    command += [f"--{name}" for name in switches]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", made.tls_port)
                writer.close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, "coturn does not start"
                await asyncio.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(10)


async def test_clients_that_must_use_a_relay_get_through(tmp_path: Path, relay: Relay) -> None:
    options = {
        "LIVE__TURN_URLS": f"turn:127.0.0.1:{relay.port}?transport=udp",
        "LIVE__TURN_SECRET_FILE": str(relay.secret_file),
        "LIVE__TCP": "false",
    }
    forced = rtc.RtcConfiguration(ice_transport_type=rtc.IceTransportType.TRANSPORT_RELAY)
    async with running(tmp_path, **options) as server, two(server.create_app(), rtc_config=forced):
        assert relay.relayed() >= 2


async def test_the_relay_takes_our_credentials_over_tls(tmp_path: Path, relay: Relay) -> None:
    url = f"turns:127.0.0.1:{relay.tls_port}?transport=tcp"
    async with running(tmp_path, LIVE__TURN_URLS=url, LIVE__TURN_SECRET_FILE=str(relay.secret_file)) as server:
        app = server.create_app()
        async with Signalling(app, "user/ann") as ann:
            servers = (await ann.joined()).ice_servers
    assert [list(found.urls) for found in servers] == [[url]]
    username, credential = servers[0].username, servers[0].credential
    expiry, _, identity = username.partition(":")
    assert identity == "user/ann" and 80_000 < int(expiry) - time.time() < 90_000
    tool = ["turnutils_uclient", "-t", "-S", "-y", "-c", "-n", "1", "-m", "1", "-z", "5"]
    tool += ["-p", str(relay.tls_port), "-u", username]

    async def use(password: str) -> str:
        ran = await asyncio.create_subprocess_exec(
            *tool, "-w", password, "127.0.0.1", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(ran.communicate(), 30)
        return output.decode(errors="replace")

    assert "tot_send_msgs=2, tot_recv_msgs=2" in await use(credential)
    before = relay.relayed()
    assert before >= 1
    assert "Cannot complete Allocation" in await use("wrong")
    assert relay.relayed() == before
