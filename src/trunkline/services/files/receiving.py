"""Reading a body piece by piece until it ends, breaks off, falls silent, or somebody else wants the upload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class BrokenOff(Exception):
    """The body did not come to its end; the message says why."""


async def pieces_until(pieces: AsyncIterator[bytes], interrupt: asyncio.Event, idle_s: float) -> AsyncIterator[bytes]:
    """The pieces.

    Raises:
        BrokenOff: the connection ended (``pieces`` raised ``ConnectionError``), nothing came for ``idle_s``, or
            ``interrupt`` was set.
    """
    interrupted = asyncio.ensure_future(interrupt.wait())
    coming: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(_next(pieces))
            await asyncio.wait({coming, interrupted}, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise BrokenOff("another connection took over" if interrupted.done() else f"silent for {idle_s:g} s")
            try:
                piece = coming.result()
            except ConnectionError as error:
                raise BrokenOff("the connection ended") from error
            if piece is None:
                return
            if piece:
                yield piece
    finally:
        interrupted.cancel()
        if coming is not None and not coming.done():
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(pieces)
    except StopAsyncIteration:
        return None
