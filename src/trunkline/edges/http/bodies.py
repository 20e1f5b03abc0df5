"""Reading a request body, up to a limit and within a time."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from trunkline.base.errors import Code, TrunklineError


async def read_body(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body.

    Raises:
        TrunklineError: ``OVERSIZE``, or ``TIMED_OUT`` when it does not arrive.
        starlette.requests.ClientDisconnect: the client went away; there is nobody to answer.
    """
    too_large = TrunklineError(Code.OVERSIZE, f"The body is larger than {max_bytes} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > max_bytes:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > max_bytes:
                    raise too_large
                chunks.append(chunk)
    except TimeoutError:
        raise TrunklineError(Code.TIMED_OUT, f"The body did not arrive within {timeout_s:g} s.") from None
    return b"".join(chunks)
