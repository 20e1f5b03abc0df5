"""Name resolution that gives out allowed addresses only.

The connection goes to the address that was checked, so that a name cannot change its meaning in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from trunkline.domain.webhooks.addresses import AddressPolicy


class ForbiddenAddress(OSError):
    """A name has no address that may be called."""


class SystemResolver(AbstractResolver):
    """The system's resolver, in threads that a stopping server does not wait for: a lookup can hang for many seconds.

    Args:
        look_up: as ``socket.getaddrinfo``.
    """

    def __init__(self, look_up: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of a host.

        Raises:
            OSError: there are none.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Any]] = loop.create_future()

        def settle(found: list[Any] | None, error: OSError | None) -> None:
            if done.cancelled():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(found or [])

        def run() -> None:
            found, failed = None, None
            try:
                found = self._look_up(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            except OSError as error:
                failed = error
            except UnicodeError as error:
                failed = OSError(f"{host} is not a name: {error}")
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, found, failed)

        threading.Thread(target=run, name="webhook-resolve", daemon=True).start()
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address[0], port=address[1], family=kind, proto=proto, flags=numeric)
            for kind, _, proto, _, address in await done
        ]

    async def close(self) -> None:
        """Nothing to release."""


class CheckedResolver(AbstractResolver):
    """The system's resolver, filtered by a policy."""

    def __init__(self, policy: AddressPolicy, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver or SystemResolver()

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
