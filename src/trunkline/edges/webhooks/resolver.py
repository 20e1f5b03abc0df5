"""Name resolution that gives out allowed addresses only.

The connection goes to the address that was checked, so that a name cannot change its meaning in between.
"""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from trunkline.domain.webhooks.addresses import AddressPolicy


class ForbiddenAddress(OSError):
    """A name has no address that may be called."""


class CheckedResolver(AbstractResolver):
    """The system's resolver, filtered by a policy."""

    def __init__(self, policy: AddressPolicy, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of a host that may be called.

        Raises:
            ForbiddenAddress: there are addresses, and none may be called.
            OSError: there are none.
        """
        found = await self._resolver.resolve(host, port, family)
        allowed = [result for result in found if self._policy.allows(result["host"])]
        if not allowed:
            raise ForbiddenAddress(f"{host} has no public address")
        return allowed

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()
