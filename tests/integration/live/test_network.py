"""Ways to the server: IPv6, TCP on the HTTP port with and without TLS, a changed address, ports mapped by a NAT."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc

from tests.integration.live.person import Person, until
from tests.integration.rest.running import App, Running, serving
from tests.integration.server.tls_server import make_pair

pytestmark = pytest.mark.timeout(120)
NOWHERE = "9"
"""The discard port: nobody answers."""


@asynccontextmanager
async def two(app: App, **options: Any) -> AsyncIterator[tuple[Person, Person]]:
    """Two people, one with a single connection and one with two, who hear and see each other."""
    ann, bob = Person("ann"), Person("bob")
    try:
        await ann.join(app, "room", **options)
        await bob.join(app, "room", single_peer_connection=False, **options)
        await ann.speak()
        await bob.show()
        await until(lambda: bob.hears("ann").loudness > 4000, "bob hears ann")
        await until(lambda: ann.sees("bob").frames > 10, "ann sees bob")
        yield ann, bob
    finally:
        await ann.leave()
        await bob.leave()


@asynccontextmanager
async def running(directory: Path, **options: str) -> AsyncIterator[Running]:
    """A server, started without holding up the loop."""
    loop = asyncio.get_running_loop()
    context = serving(directory, LIVE__ENABLED="true", **options)
    server = await loop.run_in_executor(None, context.__enter__)
    try:
        yield server
    finally:
        await loop.run_in_executor(None, context.__exit__, None, None, None)


@pytest.mark.parametrize("host", ["::1", "::"])
async def test_ipv6(tmp_path: Path, host: str) -> None:
    async with running(tmp_path, SERVER__HOST=host, LIVE__TCP="false") as server:
        app = server.create_app()
        async with two(app):
            pass
        if host == "::":
            # The same socket takes the older family.
            port = server.url.rpartition(":")[2]
            older = Running(f"http://127.0.0.1:{port}", server.admin, server.log, server.process)
            async with two(App(older, app.id, app.key, app.secret)):
                pass


async def test_media_over_tcp_on_the_http_port(tmp_path: Path) -> None:
    """UDP leads nowhere here, so what arrives came by TCP."""
    async with running(tmp_path, LIVE__ADVERTISED_PORT=NOWHERE) as server:
        app = server.create_app()
        async with two(app) as (ann, bob):
            await ann.room.local_participant.publish_data(b"by tcp", reliable=True)
            await until(lambda: bool(bob.messages), "data")
            before = bob.hears("ann").frames
            await _strangers(server)
            await until(lambda: bob.hears("ann").frames > before + 50, "still heard")


async def _strangers(server: Running) -> None:
    """Connections that begin like media and are none: each is cut off, and nobody notices."""
    host, port = server.url.removeprefix("http://").split(":")
    for opening in (
        b"\x00\x14" + bytes(20),
        b"\x00\x00",
        b"\x07\xff" + b"x" * 2047,
        b"\x00\x1c\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(20),
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(opening * 3)
        assert await _rest(reader) == b"", opening[:8]
        writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the server ends the connection, in order or by a reset."""
    try:
        return await asyncio.wait_for(reader.read(), 15)
    except ConnectionResetError:
        return b""


async def test_media_over_tcp_beside_tls_on_one_port(tmp_path: Path) -> None:
    """The port's HTTP is TLS; media over TCP brings its own encryption and is told apart by the first byte."""
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    pair = make_pair()
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    options = {"TLS__CERTIFICATE": str(certificate), "TLS__KEY": str(key), "LIVE__ADVERTISED_PORT": NOWHERE}
    async with running(tmp_path, **options) as server:
        host, port = server.url.removeprefix("https://").split(":")
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"200" in (await reader.read()).split(b"\r\n")[0]
        writer.close()
        # A check for nobody: the server reads it as media, and ends the connection.
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x00\x1c\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(20))
        assert await _rest(reader) == b""
        writer.close()
        # Plain HTTP gets nothing.
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await _rest(reader) == b""
        writer.close()
        async with plain(host, int(port), context) as url:
            over = Running(url, server.admin, server.log, server.process)
            app = await asyncio.get_running_loop().run_in_executor(None, over.create_app)
            async with two(app):
                pass


@asynccontextmanager
async def plain(host: str, port: int, context: ssl.SSLContext) -> AsyncIterator[str]:
    """The server's HTTP without TLS, for a client that does not know the certificate; media goes its own way."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = await asyncio.open_connection(host, port, ssl=context)
        await asyncio.gather(pump(reader, outside), pump(inside, writer), return_exceptions=True)

    listener = await asyncio.start_server(relay, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    listener.close()


class Nat(asyncio.DatagramProtocol):
    """A NAT in front of the server: what clients send to it comes to the server from ports that can change."""

    def __init__(self) -> None:
        self.inside: tuple[str, int] = ("", 0)
        self.moved = 0
        self._transport: Any = None
        self._outside: dict[tuple[str, int], socket.socket] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @property
    def port(self) -> int:
        """Where clients send to."""
        return int(self._transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr not in self._outside:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.setblocking(False)
            made.connect(self.inside)
            self._outside[addr] = made
            asyncio.get_running_loop().add_reader(made, self._back, made, addr)
        try:
            self._outside[addr].send(data)
        except OSError:
            return

    def _back(self, made: socket.socket, addr: Any) -> None:
        try:
            self._transport.sendto(made.recv(2048), addr)
        except OSError:
            return

    def rebind(self) -> None:
        """Forget all ports: the next datagram of each client comes from another."""
        for made in self._outside.values():
            asyncio.get_running_loop().remove_reader(made)
            made.close()
        self.moved += len(self._outside)
        self._outside.clear()


@pytest.fixture
async def nat() -> AsyncIterator[Nat]:
    transport, made = await asyncio.get_running_loop().create_datagram_endpoint(Nat, local_addr=("127.0.0.1", 0))
    yield made
    made.rebind()
    transport.close()


async def test_a_client_whose_address_changes_goes_on_without_a_new_handshake(tmp_path: Path, nat: Nat) -> None:
    """The server is behind a mapped port, which it announces; then every client's address changes."""
    async with running(tmp_path, LIVE__ADVERTISED_PORT=str(nat.port), LIVE__TCP="false") as server:
        nat.inside = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        async with two(server.create_app()) as (ann, bob):
            nat.rebind()
            assert nat.moved >= 3, "all media took the mapped port"
            heard, seen = bob.hears("ann").frames, ann.sees("bob").frames
            await until(lambda: bob.hears("ann").frames > heard + 100, "bob hears ann from her new address")
            await until(lambda: ann.sees("bob").frames > seen + 20, "ann sees bob")
            assert not ann.events and not bob.events, "nobody had to reconnect"


async def test_a_client_on_another_network_restarts_ice(tmp_path: Path, nat: Nat) -> None:
    """Signalling is cut as well, as when a phone leaves its network: the client resumes, its tracks stay."""
    async with running(tmp_path, LIVE__ADVERTISED_PORT=str(nat.port), LIVE__TCP="false") as server:
        nat.inside = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        async with two(server.create_app()) as (ann, bob):
            sid = bob.room.remote_participants["ann"].sid
            nat.rebind()
            for person in (ann, bob):
                await person.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
            await until(lambda: "reconnected" in ann.events and "reconnected" in bob.events, "both are back")
            heard = bob.hears("ann").frames
            await until(lambda: bob.hears("ann").frames > heard + 50, "bob hears ann")
            assert bob.room.remote_participants["ann"].sid == sid
