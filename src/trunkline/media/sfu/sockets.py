"""Sockets that listen: for "::" one that takes both families, elsewhere as the address says."""

from __future__ import annotations

import socket

EVERY_ADDRESS = "::"


def udp_socket(host: str, port: int) -> socket.socket:
    """A bound UDP socket.

    Raises:
        OSError: the address cannot be used.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != EVERY_ADDRESS)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
