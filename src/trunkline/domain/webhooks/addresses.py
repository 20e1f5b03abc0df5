"""Where webhooks may go: public addresses, unless the operator allowed more.

An app must not be able to make the server call what only the server can reach: its own host, the network behind it,
the cloud's metadata. A name is checked when it was resolved, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from trunkline.base.errors import Code, TrunklineError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What the operator allows besides public addresses over HTTPS.

    Attributes:
        networks: private networks that may be called.
        allow_http: whether unencrypted URLs are accepted.
    """

    networks: tuple[Network, ...] = field(default=())
    allow_http: bool = False

    @classmethod
    def of(cls, networks: Iterable[str], allow_http: bool) -> AddressPolicy:
        """From configured texts.

        Raises:
            ValueError: one is no network.
        """
        return cls(tuple(ipaddress.ip_network(text) for text in networks), allow_http)

    def allows(self, address: str) -> bool:
        """Whether an IP address may be called."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address):
            inner = found.ipv4_mapped or found.sixtofour
            if inner is None and found in _NAT64:
                inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
            if inner is not None:
                return self.allows(str(inner))
        if any(found.version == network.version and found in network for network in self.networks):
            return True
        return found.is_global and not found.is_multicast

    def check_url(self, url: str) -> str:
        """Return ``url`` if it may be called as far as that shows before its name is resolved.

        Raises:
            TrunklineError: ``INVALID_PARAMS`` or ``ADDRESS_FORBIDDEN``.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise TrunklineError(Code.INVALID_PARAMS, f"url cannot be read: {error}", field="url") from None
        if not url.isascii() or any(char <= " " for char in url) or not host or parts.fragment or "@" in parts.netloc:
            raise TrunklineError(
                Code.INVALID_PARAMS, "url must be https://host/path, without user name or fragment", field="url"
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and self.allow_http):
            raise TrunklineError(Code.INVALID_PARAMS, "url must begin with https://", field="url")
        if port == 0:
            raise TrunklineError(Code.INVALID_PARAMS, "url names port 0", field="url")
        if _is_address(host) and not self.allows(host):
            raise TrunklineError(Code.ADDRESS_FORBIDDEN, f"{host} is not a public address", field="url")
        return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
