"""Behind a reverse proxy: X-Forwarded-For and X-Forwarded-Proto, believed only from configured addresses.

The list is read from the right, the end our own proxies wrote: the first address that is not one of them is
the caller. What stands further left was sent by the caller and proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_UNRESOLVED_KEY = "trunkline.forwarded_by_stranger"


class TrustedProxies:
    """ASGI middleware that puts the real client and scheme into the scope."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self._app = app
        self._networks = parse_networks(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] in ("http", "websocket"):
            self._resolve(scope)
        await self._app(scope, receive, send)

    def _resolve(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        forwarded = [part.strip() for value in headers.getlist("x-forwarded-for") for part in value.split(",")]
        client = scope.get("client")
        if not self._trusts(client[0] if client else ""):
            scope[_UNRESOLVED_KEY] = bool(forwarded) or "forwarded" in headers
            return
        for element in reversed(forwarded):
            address = address_of(element)
            if address is None:
                break
            scope["client"] = (str(address), 0)
            if not self._trusts(str(address)):
                break
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = scheme

    def _trusts(self, text: str) -> bool:
        address = address_of(text)
        return address is not None and any(address in network for network in self._networks)


def parse_networks(texts: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks from configuration.

    Raises:
        ValueError: one of them is neither.
    """
    return tuple(ip_network(text, strict=False) for text in texts)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """An address that may be in brackets or followed by a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(scope: Any) -> bool:
    """Whether the request certainly comes from this machine.

    A proxy that is not configured makes every caller look local, so its header is taken as a no.
    """
    client = scope.get("client")
    address = address_of(client[0]) if client else None
    return address is not None and address.is_loopback and not scope.get(_UNRESOLVED_KEY, False)
