"""The listening socket: both address families where "::" asks for them, and TLS beside media that is not TLS.

Not here: what a connection is handed to (``edges/port``).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from trunkline.edges.port import HEADER_TIMEOUT_S, MEDIA_BELOW, Port
from trunkline.server.config import ServerSection

log = logging.getLogger("trunkline.server")
TLS_HANDSHAKE = 0x16
ACCEPT_AT_ONCE = 64
PAUSE_S = 1.0
"""After the process ran out of file descriptors."""


class Listener(Protocol):
    """What can be closed."""

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """Where it listens."""

    def close(self) -> None:
        """Take no more connections."""


async def listen(
    loop: asyncio.AbstractEventLoop, port: Port, server: ServerSection, tls: ssl.SSLContext | None
) -> Listener:
    """Listen for everything.

    Raises:
        OSError: the address cannot be used.
    """
    sockets = [_socket(server)] if server.host == "::" or (tls is not None and port.media is not None) else None
    if sockets is None or tls is None or port.media is None:
        if sockets is not None:
            return await loop.create_server(port.protocol, sock=sockets[0], ssl=tls, backlog=server.backlog)
        return await loop.create_server(port.protocol, server.host, server.port, ssl=tls, backlog=server.backlog)
    return PeekingListener(loop, sockets, port.protocol, port.media, tls)


def _socket(server: ServerSection) -> socket.socket:
    both = server.host == "::"
    family, _, _, _, address = socket.getaddrinfo(
        server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.create_server(
        address[:2],
        family=family,
        backlog=server.backlog,
        reuse_port=False,
        dualstack_ipv6=both,
    )
    made.setblocking(False)
    return made


class PeekingListener:
    """Looks at the first byte of a connection before TLS does: media brings its own encryption.

    Args:
        loop: the event loop.
        sockets: listening ones.
        protocol: for connections with TLS.
        media: for connections of media.
        tls: for the former.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sockets: Sequence[socket.socket],
        protocol: Callable[[], asyncio.Protocol],
        media: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext,
    ) -> None:
        self.sockets = sockets
        self._loop = loop
        self._protocol = protocol
        self._media = media
        self._tls = tls
        self._waiting: dict[socket.socket, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        for listening in sockets:
            loop.add_reader(listening.fileno(), self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPT_AT_ONCE):
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("connections cannot be taken; trying again", extra={"error": str(error)})
                self._loop.remove_reader(listening.fileno())
                self._loop.call_later(PAUSE_S, self._go_on, listening)
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._waiting[accepted] = self._loop.call_later(HEADER_TIMEOUT_S, self._drop, accepted)
            self._loop.add_reader(accepted.fileno(), self._peek, accepted)

    def _go_on(self, listening: socket.socket) -> None:
        if not self._closed:
            self._loop.add_reader(listening.fileno(), self._accept, listening)

    def _peek(self, accepted: socket.socket) -> None:
        try:
            first = accepted.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        if not first or (first[0] >= MEDIA_BELOW and first[0] != TLS_HANDSHAKE):
            self._drop(accepted)
            return
        self._waiting.pop(accepted).cancel()
        self._loop.remove_reader(accepted.fileno())
        task = self._loop.create_task(self._hand_over(accepted, first[0] == TLS_HANDSHAKE), name="accept")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_over(self, accepted: socket.socket, encrypted: bool) -> None:
        try:
            if encrypted:
                await self._loop.connect_accepted_socket(self._protocol, accepted, ssl=self._tls)
            else:
                await self._loop.connect_accepted_socket(self._media, accepted)
        except (OSError, ssl.SSLError):
            accepted.close()  # a handshake that failed is the client's affair

    def _drop(self, accepted: socket.socket) -> None:
        timer = self._waiting.pop(accepted, None)
        if timer is not None:
            timer.cancel()
            self._loop.remove_reader(accepted.fileno())
        accepted.close()

    def close(self) -> None:
        """Take no more connections."""
        self._closed = True
        for listening in self.sockets:
            self._loop.remove_reader(listening.fileno())
            listening.close()
        for accepted in tuple(self._waiting):
            self._drop(accepted)
