"""The one UDP port of all peers: datagrams find their peer by the ICE username first, then by address (RFC 7983).

Not here: what a peer does with them (``peer``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from trunkline.media.sfu.peer import Peer
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

    def send(self, data: bytes, address: Address) -> None:
        """Put a datagram on the wire."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Find the peer and hand the datagram over."""
        address = (addr[0], addr[1])
        if is_stun(data):
            peer = self._peer_of_check(data)
        else:
            peer = self._by_address.get(address)
        if peer is None:
            self.dropped += 1
            return
        now_s = time.monotonic()
        known = peer.ice.is_validated(address)
        peer.receive(data, address, now_s)
        if not known and peer.ice.is_validated(address):
            self._by_address[address] = peer

    def _peer_of_check(self, data: bytes) -> Peer | None:
        username = peek_username(data)
        if username is None:
            return None
        return self._by_ufrag.get(username.partition(b":")[0].decode("ascii", "replace"))

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
