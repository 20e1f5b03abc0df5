"""Media over TCP: datagrams framed by their length (RFC 4571) on connections that clients open (RFC 6544).

A connection's address is told from those of datagrams by its host, such as ``192.0.2.7%tcp``; everything above takes
it like any other. Not here: listening, and telling media from HTTP by the first bytes (``edges/port``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from trunkline.protocol.stun import Address

MARK = "%tcp"
MAX_FRAME_BYTES = 8192
"""No packet of a peer comes near."""
MAX_WAITING_BYTES = 512 * 1024
"""More than this waits only when a connection is slower than its media: then packets are lost, as they are by UDP."""
FIRST_TIMEOUT_S = 10.0
Take = Callable[[bytes, Address], bool]
"""Takes what came from an address; whether it belongs to anybody."""


def is_stream(address: Address) -> bool:
    """Whether an address is a TCP connection's."""
    return address[0].endswith(MARK)


def frame(data: bytes) -> bytes:
    """A datagram as it goes over TCP."""
    return len(data).to_bytes(2, "big") + data


class Frames:
    """Datagrams out of a stream of bytes."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Bytes arrived: the datagrams that are complete.

        Raises:
            ValueError: one is longer than any can be; the stream is not what it should be.
        """
        buffer = self._buffer
        buffer += data
        found: list[bytes] = []
        position = 0
        while len(buffer) - position >= 2:
            size = int.from_bytes(buffer[position : position + 2], "big")
            if size > MAX_FRAME_BYTES:
                raise ValueError(f"a frame of {size} bytes")
            if len(buffer) - position - 2 < size:
                break
            found.append(bytes(buffer[position + 2 : position + 2 + size]))
            position += 2 + size
        del buffer[:position]
        return found


class MediaStream(asyncio.Protocol):
    """One connection. Until something on it belongs to a peer it has little time, and strangers are cut off.

    Args:
        take: takes its datagrams.
        streams: where it is to be found, by its address.
    """

    def __init__(self, take: Take, streams: dict[Address, MediaStream]) -> None:
        self._take = take
        self._streams = streams
        self._frames = Frames()
        self._transport: Any = None
        self._address: Address = ("", 0)
        self._known = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        self._address = (host + MARK, port)
        self._streams[self._address] = self
        self._timer = asyncio.get_running_loop().call_later(FIRST_TIMEOUT_S, self._time_out)

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        try:
            datagrams = self._frames.feed(data)
        except ValueError:
            self.close()
            return
        for datagram in datagrams:
            known = self._take(datagram, self._address)
            if not known and not self._known:
                self.close()
                return
            self._known = self._known or known

    def send(self, data: bytes) -> None:
        """Send a datagram, unless too much is waiting already."""
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() < MAX_WAITING_BYTES:
            transport.write(frame(data))

    def _time_out(self) -> None:
        if not self._known:
            self.close()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over; its peer may come back on another."""
        if self._timer is not None:
            self._timer.cancel()
        if self._streams.get(self._address) is self:
            del self._streams[self._address]
        self._transport = None
