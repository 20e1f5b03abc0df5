"""A relay in front of a server that cuts its connections after a number of bytes, as bad networks do.

It runs on its own thread and loop, so that synchronous clients can be put behind it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Self
from urllib.parse import urlsplit

_PIECE_BYTES = 16 * 1024


class CuttingProxy:
    """Listens on loopback.

    Args:
        url: the server's address.
        cuts: how many bytes each connection that begins like ``only`` may carry to the server before it is reset;
            connections beyond the last one live on.
        only: what the first bytes of a connection have to begin with to be cut at all.
    """

    def __init__(self, url: str, cuts: list[int], *, only: bytes = b"") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._cuts = iter(cuts)
        self._only = only
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutting-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.url = ""
        self.made = 0
        """Cuts made so far."""

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def lead_to(self, url: str) -> None:
        """New connections go to another server, such as one that was started again."""
        self._port = urlsplit(url).port or 80

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for relay in list(self._relays):
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        try:
            with contextlib.suppress(OSError):
                await self._relay(reader, writer)
        except asyncio.CancelledError:
            pass  # the proxy is closed
        finally:
            self._relays.discard(task)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onwards, backwards = await asyncio.open_connection(self._host, self._port)
        answers = asyncio.ensure_future(self._copy(onwards, writer))
        try:
            piece = await reader.read(_PIECE_BYTES)
            left = next(self._cuts, None) if piece.startswith(self._only) else None
            while piece:
                if left is not None:
                    piece = piece[:left]
                    left -= len(piece)
                backwards.write(piece)
                await backwards.drain()
                if left == 0:
                    self.made += 1
                    _reset_on_close(writer)
                    return
                piece = await reader.read(_PIECE_BYTES)
            backwards.write_eof()
            await answers
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            backwards.close()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
            writer.close()


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    inner = writer.get_extra_info("socket")
    inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
