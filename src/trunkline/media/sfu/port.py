"""The one UDP port of all peers: datagrams find their peer by the ICE username first, then by address (RFC 7983).

What comes over TCP (``streams``) takes the same way. Not here: what a peer does with it (``peer``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.streams import MediaStream, is_stream
from trunkline.protocol.stun import Address, is_stun, peek_username

log = logging.getLogger("trunkline.media")


class MediaPort(asyncio.DatagramProtocol):
    """The socket and who is behind which address.

    Attributes:
        dropped: datagrams that belong to nobody.
    """

    def __init__(self) -> None:
        self._transport: Any = None
        self._by_ufrag: dict[str, Peer] = {}
        self._by_address: dict[Address, Peer] = {}
        self._pairs: dict[Peer, set[str]] = {}
        self._streams: dict[Address, MediaStream] = {}
        self.dropped = 0

    @property
    def address(self) -> Address:
        """Where the socket listens."""
        host, port = self._transport.get_extra_info("sockname")[:2]
        return str(host), int(port)

    def use(self, transport: Any) -> None:
        """Send and be found over something that works like asyncio's transport."""
        self._transport = transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = transport

    def error_received(self, exc: Exception) -> None:
        """A datagram could not be delivered: its peer will be missed by its checks."""

    def add(self, peer: Peer) -> None:
        """Datagrams with the peer's present username belong to it from now on (again after an ICE restart)."""
        self._by_ufrag[peer.ice.ufrag] = peer
        self._pairs.setdefault(peer, set()).add(peer.ice.ufrag)

    def remove(self, peer: Peer) -> None:
        """Forget a peer."""
        for ufrag in self._pairs.pop(peer, ()):
            self._by_ufrag.pop(ufrag, None)
        for address in [address for address, owner in self._by_address.items() if owner is peer]:
            del self._by_address[address]
            if address in self._streams:
                self._streams[address].close()

    def send(self, data: bytes, address: Address) -> None:
        """Put a datagram on the wire, or on the connection that has this address."""
        if is_stream(address):
            stream = self._streams.get(address)
            if stream is not None:
                stream.send(data)
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Find the peer and hand the datagram over."""
        self.take(data, (addr[0], addr[1]))

    def stream(self) -> MediaStream:
        """What takes a TCP connection."""
        return MediaStream(self.take, self._streams)

    def owns(self, address: Address) -> bool:
        """Whether an address is reached by the UDP socket."""
        return not is_stream(address)

    def take(self, data: bytes, address: Address) -> bool:
        """A datagram came from an address: whether it belongs to a peer."""
        if is_stun(data):
            peer = self._peer_of_check(data)
        else:
            peer = self._by_address.get(address)
        if peer is None:
            self.dropped += 1
            return False
        now_s = time.monotonic()
        known = peer.ice.is_validated(address)
        peer.receive(data, address, now_s)
        if not known and peer.ice.is_validated(address):
            self._by_address[address] = peer
        return True

    def _peer_of_check(self, data: bytes) -> Peer | None:
        username = peek_username(data)
        if username is None:
            return None
        return self._by_ufrag.get(username.partition(b":")[0].decode("ascii", "replace"))

    def close(self) -> None:
        """Close the socket, and all connections."""
        for stream in tuple(self._streams.values()):
            stream.close()
        if self._transport is not None:
            self._transport.close()
