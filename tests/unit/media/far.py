"""The other side of a packet thread: sockets with SRTP of their own, known to a kernel ``Port``."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trunkline.media import kernel
from trunkline.protocol.rtp import rtcp
from trunkline.protocol.rtp.packet import RtpPacket, parse

GCM = 7
KEY_BYTES = 28
TIMEOUT_S = 10.0


class Far:
    """One peer of a port, with the client's half of its keys."""

    def __init__(self, port: Any, address: tuple[str, int], host: str = "127.0.0.1") -> None:
        self.port = port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.address = address
        self.number: int = port.peer_add()
        receive, send = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
        assert port.peer_keys(self.number, GCM, receive, send)
        self.sealing = kernel.MODULE.Srtp(GCM, receive, True)
        self.opening = kernel.MODULE.Srtp(GCM, send, False)
        here = self.socket.getsockname()
        port.peer_bind(self.number, *here)
        port.peer_reach(self.number, *here)

    def send(self, packet: RtpPacket) -> bytes:
        """Send a packet; what went over the wire: nothing, when its number was used before."""
        sealed: bytes = self.sealing.protect(packet.serialize()) or b""
        if sealed:
            self.socket.sendto(sealed, self.address)
        return sealed

    def report(self, *packets: rtcp.Packet) -> None:
        """Send a compound."""
        self.socket.sendto(self.sealing.protect_rtcp(rtcp.serialize(packets)), self.address)

    def datagram(self, timeout_s: float = TIMEOUT_S) -> bytes | None:
        """The next datagram; None when none comes in time."""
        if not select.select([self.socket], [], [], timeout_s)[0]:
            return None
        return self.socket.recv(2048)

    def wire(self) -> bytes:
        """The next RTP datagram as it is on the wire."""
        while (datagram := self.datagram()) is not None:
            if not 192 <= datagram[1] <= 223:
                return datagram
        raise AssertionError("nothing came")

    def receive(self, count: int, timeout_s: float = TIMEOUT_S) -> list[RtpPacket]:
        """So many RTP packets, or as many as come in time."""
        found: list[RtpPacket] = []
        deadline = time.monotonic() + timeout_s
        while len(found) < count:
            datagram = self.datagram(max(deadline - time.monotonic(), 0.0))
            if datagram is None:
                break
            if not 192 <= datagram[1] <= 223:
                opened = self.opening.unprotect(datagram)
                assert opened is not None, "it cannot be opened"
                found.append(parse(opened))
        return found

    def hears(self, kind: type[rtcp.Packet], timeout_s: float = TIMEOUT_S) -> Any:
        """The next RTCP packet of a kind; None when none comes in time."""
        deadline = time.monotonic() + timeout_s
        while (datagram := self.datagram(max(deadline - time.monotonic(), 0.0))) is not None:
            if 192 <= datagram[1] <= 223:
                found = [p for p in rtcp.parse(self.opening.unprotect_rtcp(datagram)) if isinstance(p, kind)]
                if found:
                    return found[0]
        return None


class Thread:
    """A running packet thread and its peers."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.wake = os.eventfd(0, os.EFD_NONBLOCK)
        self.port: Any = kernel.MODULE.Port(self.socket.fileno(), self.wake)
        self.port.start()
        self.peers: list[Far] = []

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self.socket.getsockname()
        return host, port

    def join(self, host: str = "127.0.0.1") -> Far:
        """A new peer, at an address of this machine."""
        self.peers.append(Far(self.port, self.address, host))
        return self.peers[-1]

    def events(self, count: int = 1) -> list[tuple[int, int, str, int, bytes]]:
        """What the thread leaves to Python, at least so many."""
        found: list[tuple[int, int, str, int, bytes]] = []
        deadline = time.monotonic() + TIMEOUT_S
        while len(found) < count and time.monotonic() < deadline:
            select.select([self.wake], [], [], 0.05)
            found += self.port.take()[0]
        return found

    def close(self) -> None:
        """End everything."""
        self.port.stop()
        os.close(self.wake)
        for one in (self.socket, *(peer.socket for peer in self.peers)):
            one.close()


@contextmanager
def thread() -> Iterator[Thread]:
    """A packet thread for the time of a test."""
    made = Thread()
    try:
        yield made
    finally:
        made.close()
