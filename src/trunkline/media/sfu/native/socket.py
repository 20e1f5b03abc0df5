"""The UDP socket that the packet thread reads, with what it leaves to Python.

Stands where asyncio's transport would be.

Not here: whose datagrams they are (``port``).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from trunkline.media import kernel
from trunkline.media.sfu.native.path import KernelPath
from trunkline.protocol.stun import Address

log = logging.getLogger("trunkline.media")
DATAGRAM, REPORT, SEND = 1, 2, 3
"""Kinds of events, as in the kernel's ``thread.h``."""
IP_MTU_DISCOVER, IP_PMTUDISC_WANT, IP_PMTUDISC_DO = 10, 1, 2
"""As in Linux's ``in.h``; the socket module does not name them."""


class KernelSocket:
    """A bound socket with the packet thread on it.

    Args:
        bound: the socket.
        deliver: takes datagrams that are neither media nor answered by the thread.

    Attributes:
        port: the kernel's ``Port``.
    """

    def __init__(self, bound: socket.socket, deliver: Callable[[bytes, Address], None]) -> None:
        bound.setblocking(False)
        self._socket = bound
        self._deliver = deliver
        self._paths: dict[int, KernelPath] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.port: Any = kernel.MODULE.Port(bound.fileno(), self._wake)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._wake, self._on_wake)
        self.port.start()
        self._closed = False
        self._totals: Mapping[str, int] = {}

    # --- as a transport ---------------------------------------------------------------------

    def get_extra_info(self, name: str) -> Any:
        """The address, as ``sockname``."""
        return self._socket.getsockname() if name == "sockname" else None

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._closed

    def sendto(self, data: bytes, address: Address) -> None:
        """Put a datagram on the wire; what the system does not take is lost, as it may be on the way."""
        try:
            self._socket.sendto(data, address)
        except OSError as why:
            if why.errno == errno.EMSGSIZE:
                self._send_in_fragments(data, address)

    def _send_in_fragments(self, data: bytes, address: Address) -> None:
        """The packet thread has forbidden them on this socket, see ``output.c``."""
        self._socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT)
        with contextlib.suppress(OSError):
            self._socket.sendto(data, address)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)

    def close(self) -> None:
        """End the thread and close the socket."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._wake)
        self.port.stop()
        os.close(self._wake)
        self._socket.close()

    def totals(self) -> Mapping[str, int]:
        """Counts of all peers since the start; the last ones when it is closed."""
        if not self._closed:
            self._totals = self.port.totals()
        return self._totals

    # --- the thread -------------------------------------------------------------------------

    def make_path(self) -> KernelPath:
        """A new peer."""
        path = KernelPath(self.port)
        self._paths[path.number] = path
        return path

    def drop_path(self, path: KernelPath) -> None:
        """A peer is over."""
        if self._paths.pop(path.number, None) is not None and not self._closed:
            path.close()

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        self._take()

    def _take(self) -> None:
        if self._closed:
            return
        events, more = self.port.take()
        now_s = time.monotonic()
        for kind, number, host, port, data in events:
            try:
                self._on_event(kind, number, (host, port), data, now_s)
            except Exception:  # one client's fault must not keep the others' events back
                log.exception("an event of the packet thread failed")
            if self.is_closing():
                return
        if more:
            self._loop.call_soon(self._take)

    def _on_event(self, kind: int, number: int, address: Address, data: bytes, now_s: float) -> None:
        if kind == DATAGRAM:
            self._deliver(data, address)
            return
        path = self._paths.get(number)
        if path is None or path.owner is None:
            return
        if kind == REPORT:
            path.owner.receive_report(data, now_s)
        elif kind == SEND:
            path.owner.send_media(data)
