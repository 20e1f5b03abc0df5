"""What all media connections of a server share: the UDP port, the certificate, candidates, randomness, the ticking.

Not here: what one connection does (``connection``), and making connections (``engine``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from trunkline.media import kernel
from trunkline.media.sfu.certificate import Certificate, make_certificate
from trunkline.media.sfu.dtls import make_context
from trunkline.media.sfu.native.path import KernelPath
from trunkline.media.sfu.native.socket import KernelSocket
from trunkline.media.sfu.peer import Peer, PeerSink
from trunkline.media.sfu.port import MediaPort
from trunkline.media.sfu.sockets import udp_socket
from trunkline.media.sfu.srtp import warn_without_kernel
from trunkline.protocol.sctp import Association
from trunkline.protocol.sdp import Fingerprint, Media
from trunkline.protocol.stun import IceLiteAgent

TICK_S = 0.02
CALM_TICK_S = 0.1
"""Where nobody is heard, the packet thread forwards, and nothing is under way that has to go on in time."""
HOST_PRIORITY = 2_130_706_431
"""RFC 8445 section 5.1.2.1: type preference 126, local preference 65,535, component 1."""
TCP_PRIORITY = (90 << 24) + (((4 << 13) + 8191) << 8) + 255
"""RFC 6544 section 4.2: a lower type preference than UDP's, direction preference 4 (passive), component 1."""
NTP_OFFSET_S = 2_208_988_800
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Hosted(Protocol):
    """What the host asks of a connection.

    Attributes:
        due_s: when the next tick is due.
    """

    due_s: float

    @property
    def listens(self) -> bool:
        """Whether it publishes sound, of which somebody has to know how loud it is now."""

    def tick(self, now_s: float, ntp: int) -> None:
        """Do what is due; ``ntp`` is now as 64 bits since 1900."""

    def listen(self) -> None:
        """Note how loud the microphones are."""

    def tell_needs(self) -> None:
        """Tell the client what its next offer has to contain."""

    def close(self) -> None:
        """End."""


class Host:
    """The media side of one server.

    Args:
        addresses: literal addresses that clients reach the UDP port at.
        on_tick: called with every tick, while there are connections.
        redundancy: most earlier audio frames that a packet repeats; 0 forwards redundancy as it is published.
        recovery: repeat what lossy paths may swallow, and tell publishers of losses only when they mean congestion.
        advertised_port: the port clients are told; 0 for the one we listen on.

    Attributes:
        tcp_port: where clients reach us by TCP; 0 when they do not.
    """

    def __init__(
        self,
        addresses: tuple[str, ...],
        on_tick: Callable[[float], None],
        redundancy: int = 12,
        advertised_port: int = 0,
        *,
        recovery: bool = True,
    ) -> None:
        self.addresses = addresses
        self._advertised_port = advertised_port
        self.recovery = recovery
        self.redundancy = redundancy
        self.tcp_port = 0
        self._on_tick = on_tick
        self._port = MediaPort()
        self._kernel: KernelSocket | None = None
        self._connections: set[Hosted] = set()
        self._needing: dict[Hosted, None] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self.certificate: Certificate = make_certificate(time.time())
        self._context = make_context(self.certificate)

    @property
    def udp_port(self) -> int:
        """Where media is received."""
        return self._port.address[1]

    async def start(self, host: str, port: int) -> None:
        """Open the UDP port.

        Raises:
            OSError: the port cannot be opened.
        """
        warn_without_kernel()
        udp = udp_socket(host, port)
        if kernel.MODULE is not None:
            self._kernel = KernelSocket(udp, self._port.datagram_received)
            self._port.use(self._kernel)
            return
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self._port, sock=udp)

    def totals(self) -> Mapping[str, int]:
        """What the packet thread has counted; nothing where Python forwards."""
        return self._kernel.totals() if self._kernel is not None else {}

    def stop(self) -> None:
        """End all connections and close the port."""
        for connection in tuple(self._connections):
            connection.close()
        if self._ticking is not None:
            self._ticking.cancel()
        self._port.close()

    def _tick(self) -> None:
        self._ticking = None
        now_s = time.monotonic()
        wall_s = time.time() + NTP_OFFSET_S
        ntp = (int(wall_s) << 32) | int((wall_s % 1) * (1 << 32))
        next_s = now_s + CALM_TICK_S
        for connection in tuple(self._connections):
            if connection.due_s <= now_s:
                connection.tick(now_s, ntp)
            elif connection.listens:
                connection.listen()
            next_s = min(next_s, now_s if connection.listens else connection.due_s)
        self._on_tick(now_s)
        self._plan_tick(next_s - now_s)

    def _plan_tick(self, wait_s: float) -> None:
        if self._ticking is None and self._connections:
            self._ticking = asyncio.get_running_loop().call_later(max(wait_s, TICK_S), self._tick)

    def hurry(self) -> None:
        """The next tick is due soon."""
        if self._ticking is not None and self._ticking.when() > asyncio.get_running_loop().time() + TICK_S:
            self._ticking.cancel()
            self._ticking = None
        self._plan_tick(TICK_S)

    # --- for connections --------------------------------------------------------------------

    def take(self, connection: Hosted) -> None:
        """A connection begins."""
        self._connections.add(connection)
        self.hurry()

    def make_path(self) -> KernelPath | None:
        """A connection's place in the packet thread; None where Python forwards."""
        return self._kernel.make_path() if self._kernel is not None else None

    def drop_path(self, path: KernelPath | None) -> None:
        """A connection gives its place up."""
        if path is not None and self._kernel is not None:
            self._kernel.drop_path(path)

    def make_peer(self, transport: Media, sink: PeerSink) -> Peer:
        """A transport that answers an offer with this section."""
        if transport.fingerprint is None:
            raise ValueError("the section has no fingerprint")
        ice = IceLiteAgent(self.random_text(8), self.random_text(24), transport.ufrag, time.monotonic())
        return self._add_peer(ice, transport.fingerprint, sink)

    def make_offering_peer(self, sink: PeerSink) -> Peer:
        """A transport that we offer; it begins with the client's answer."""
        ice = IceLiteAgent(self.random_text(8), self.random_text(24), "", time.monotonic())
        return self._add_peer(ice, None, sink)

    def renew(self, peer: Peer) -> None:
        """We restart ICE: new credentials, which the client's answer completes."""
        self.restart(peer, "")

    def _add_peer(self, ice: IceLiteAgent, remote: Fingerprint | None, sink: PeerSink) -> Peer:
        association = Association(
            tag=self.random_bits(32) or 1, first_tsn=self.random_bits(32), cookie=secrets.token_bytes(16)
        )
        peer = Peer(ice, self._context, remote, association, self._port.send, sink, sink.path)
        self._port.add(peer)
        return peer

    def restart(self, peer: Peer, remote_ufrag: str) -> None:
        """The client restarts ICE: new credentials, the same keys."""
        peer.ice.restart(self.random_text(8), self.random_text(24), remote_ufrag)
        self._port.add(peer)

    def drop(self, peer: Peer) -> None:
        """A transport is over."""
        self._port.remove(peer)

    def forget(self, connection: Hosted) -> None:
        """A connection is over."""
        self._connections.discard(connection)
        self._needing.pop(connection, None)

    def note_needs(self, connection: Hosted) -> None:
        """A connection has to tell its client what it needs; once, after everything of this turn is known."""
        if not self._needing:
            asyncio.get_running_loop().call_soon(self._tell_needs)
        self._needing[connection] = None

    def _tell_needs(self) -> None:
        needing, self._needing = self._needing, {}
        for connection in needing:
            connection.tell_needs()

    def candidates(self, *, tcp_only: bool = False) -> tuple[str, ...]:
        """Our candidates, as in the SDP (RFC 8839 section 5.1, for TCP RFC 6544 section 4.5)."""
        found: list[str] = []
        for number, address in enumerate(map(ipaddress.ip_address, self.addresses), 1):
            if not tcp_only or not self.tcp_port:
                port = self._advertised_port or self.udp_port
                found.append(f"{number} 1 udp {HOST_PRIORITY - number * 256} {address} {port} typ host")
            if self.tcp_port:
                rank = TCP_PRIORITY - number * 256
                found.append(f"{100 + number} 1 tcp {rank} {address} {self.tcp_port} typ host tcptype passive")
        return tuple(found)

    def stream(self) -> asyncio.Protocol:
        """What takes a TCP connection of a client's media."""
        return self._port.stream()

    def random_bits(self, bits: int) -> int:
        """A random number of so many bits."""
        return secrets.randbits(bits)

    def random_text(self, size: int) -> str:
        """Random letters and digits, as ICE takes them."""
        return "".join(secrets.choice(ALPHABET) for _ in range(size))
