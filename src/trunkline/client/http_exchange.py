"""One HTTP/1.1 request on a connection of its own: all that uploading needs, with bodies that are read as they go.

A body may be large and refused early, so the answer is waited for while the body is sent. What is not here: what is
asked (``tus``), repeats (``uploading``).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl as ssl_module
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_MAX_HEAD_BYTES = 65_536
_MAX_BODY_BYTES = 1 << 20
_WEB_PORTS = {"http": 80, "https": 443}


class BadAnswer(OSError):
    """What came back is no HTTP answer, or a longer one than was asked for."""


@dataclass(slots=True)
class HttpAnswer:
    """A status, headers by lower-case name, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, frozen=True)
class Body:
    """What is sent: so many bytes, in pieces; ``sent`` is told of each piece that was written."""

    size_bytes: int
    pieces: Callable[[], AsyncIterator[bytes]]
    sent: Callable[[int], None]


class HttpServer:
    """Where requests go.

    Args:
        url: ``http`` or ``https``, a host, and maybe a path that all paths begin with.
        ssl: TLS settings for ``https``; by default those of the system.
        connect_timeout_s: for the TCP and TLS handshakes.
        idle_timeout_s: how long a piece may take, and the answer after the last one.
    """

    def __init__(
        self, url: str, ssl: ssl_module.SSLContext | None, *, connect_timeout_s: float, idle_timeout_s: float
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or _WEB_PORTS[parts.scheme]
        self._netloc = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._ssl = (ssl or ssl_module.create_default_context()) if parts.scheme == "https" else None
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: Body | None = None) -> HttpAnswer:
        """Make a request.

        Raises:
            OSError: there was no answer; whether the request had an effect is unknown.
        """
        async with asyncio.timeout(self._connect_timeout_s):
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._ssl, limit=_MAX_HEAD_BYTES)
        try:
            lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._netloc}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            if body is not None or method == "POST":
                lines.append(f"Content-Length: {body.size_bytes if body is not None else 0}")
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            answering = asyncio.ensure_future(_read(reader, head_only=method == "HEAD"))
            try:
                if body is not None:
                    await self._send(writer, body, answering)
                async with asyncio.timeout(self._idle_timeout_s):
                    return await answering
            finally:
                answering.cancel()
        finally:
            writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter, body: Body, answering: asyncio.Future[HttpAnswer]) -> None:
        """Send until the end, or until the server has answered without waiting for it."""
        with contextlib.suppress(ConnectionError):  # the answer, if there is one, says more
            async for piece in body.pieces():
                if answering.done():
                    return
                writer.write(piece)
                async with asyncio.timeout(self._idle_timeout_s):
                    await writer.drain()
                body.sent(len(piece))


async def _read(reader: asyncio.StreamReader, *, head_only: bool) -> HttpAnswer:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip("\r\n").split("\r\n")
            status = int(first.split(" ", 2)[1])
            if status >= 200:
                break
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        empty = head_only or status in (204, 304)
        return HttpAnswer(status, headers, b"" if empty else await _read_body(reader, headers))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as exc:
        raise BadAnswer(f"no whole answer: {exc}") from exc


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        found = bytearray()
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            if len(found) + size > _MAX_BODY_BYTES:
                raise BadAnswer("the answer is too long")
            found += await reader.readexactly(size)
            await reader.readexactly(2)
        return bytes(found)
    size = int(headers.get("content-length", -1))
    if size > _MAX_BODY_BYTES:
        raise BadAnswer("the answer is too long")
    return await reader.readexactly(size) if size >= 0 else await reader.read(_MAX_BODY_BYTES)
