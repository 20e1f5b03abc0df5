"""Calls: one request and its result, over whatever connection there is.

What is not here: sends of messages, which are durable (``sending``), and the single methods (``calls/``).
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, TypeVar

import msgspec

from trunkline.base.errors import Code, Retry
from trunkline.client.errors import ClientStopped, RequestFailed
from trunkline.client.link_socket import LinkSocket
from trunkline.client.options import Options
from trunkline.protocol.link.backoff import retry_delay_s
from trunkline.wire.frames import ErrorBody

T = TypeVar("T")


class Requests:
    """Makes calls, waiting for a connection when there is none."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._socket: LinkSocket | None = None
        self._changed = asyncio.Event()
        self._stopped: str | None = None

    def start(self, socket: LinkSocket) -> None:
        """A connection is up."""
        self._socket = socket
        self._wake()

    def lost(self) -> None:
        """There is no connection now."""
        self._socket = None

    def stop(self, reason: str) -> None:
        """There will be none any more."""
        self._socket = None
        self._stopped = reason
        self._wake()

    async def call(
        self,
        method: str,
        params: msgspec.Struct | dict[str, Any],
        result: type[T],
        *,
        again: bool = False,
        timeout_s: float | None = None,
    ) -> T:
        """Make a call.

        A refusal with "later" is repeated until the time is up. ``again`` says that repeating is harmless, so that
        an unknown outcome is repeated too.

        Raises:
            RequestFailed: refused, or the outcome is unknown; ``applied`` tells which.
            ClientStopped: the client is closed.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + (self._options.call_timeout_s if timeout_s is None else timeout_s)
        attempt = 0
        while True:
            socket = await self._connected(until_s)
            left_s = max(0.01, until_s - loop.time())
            try:
                return await socket.call(method, params, result, timeout_s=min(left_s, self._options.request_timeout_s))
            except RequestFailed as exc:
                repeatable = exc.retry is Retry.LATER or (again and exc.retry is Retry.SAME_ID)
                wait_s = retry_delay_s(exc.retry_ms, attempt + 1, random.random())
                if not repeatable or loop.time() + wait_s >= until_s:
                    raise
                attempt += 1
                await asyncio.sleep(wait_s)

    async def _connected(self, until_s: float) -> LinkSocket:
        while True:
            if self._stopped is not None:
                raise ClientStopped(self._stopped)
            if self._socket is not None:
                return self._socket
            try:
                async with asyncio.timeout_at(until_s):
                    self._changed.clear()
                    await self._changed.wait()
            except TimeoutError:
                body = ErrorBody(
                    Code.BUSY.number, "not_connected", "no connection in time", Retry.LATER.value, applied=False
                )
                raise RequestFailed(body) from None

    def _wake(self) -> None:
        self._changed.set()
