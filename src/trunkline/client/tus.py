"""Resumable uploads (tus 1.0) as requests: create one, ask how much has arrived, send the rest.

What is not here: when to do which, and repeats (``uploading``).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from trunkline.base.errors import Code, Retry
from trunkline.client.addresses import LINK_PATH
from trunkline.client.errors import RequestFailed
from trunkline.client.http_exchange import Body, HttpAnswer, HttpServer
from trunkline.wire.frames import ErrorBody

PIECE_BYTES = 256 * 1024
_PATH = "/v1/uploads"
_VERSION = {"Tus-Resumable": "1.0.0"}
_WEB = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class _Problem(msgspec.Struct):
    """The part of a problem document that matters here."""

    code: int
    name: str
    detail: str = ""
    retry: str = Retry.NEVER.value
    applied: bool | None = False
    retry_ms: int = 0
    field: str = ""


class TusClient:
    """The upload requests of one party.

    Args:
        server: where they go.
        token: gives the token to show.
    """

    def __init__(self, server: HttpServer, token: Callable[[], Awaitable[str]]) -> None:
        self._server = server
        self._token = token

    async def create(self, size_bytes: int, metadata: dict[str, str]) -> str:
        """Begin an upload; the id of the file to be.

        Raises:
            RequestFailed: refused.
            OSError: no answer.
        """
        pairs = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())
        headers = await self._headers() | {"Upload-Length": str(size_bytes), "Upload-Metadata": pairs}
        answer = _checked(await self._server.ask("POST", _PATH, headers))
        return answer.headers.get("location", "").rpartition("/")[2]

    async def offset(self, file: str) -> int:
        """How many bytes have arrived and are on disk.

        Raises:
            RequestFailed: ``not_found`` or ``upload_gone``: it must be begun again.
            OSError: no answer.
        """
        answer = await self._server.ask("HEAD", f"{_PATH}/{quote(file)}", await self._headers())
        return int(_checked(answer).headers.get("upload-offset", "0"))

    async def send(self, file: str, path: Path, offset: int, size_bytes: int, sent: Callable[[int], None]) -> None:
        """Send what lies behind ``offset``; returns when the file is finished.

        Raises:
            RequestFailed: refused.
            OSError: no answer, or the file cannot be read.
        """
        with path.open("rb") as source:
            source.seek(offset)
            left = size_bytes - offset
            headers = await self._headers() | {
                "Content-Type": "application/offset+octet-stream",
                "Upload-Offset": str(offset),
            }
            body = Body(left, lambda: _pieces(source, left), sent)
            _checked(await self._server.ask("PATCH", f"{_PATH}/{quote(file)}", headers, body))

    async def _headers(self) -> dict[str, str]:
        try:
            token = await self._token()
        except Exception as exc:
            raise ConnectionError(f"no token: {exc}") from exc  # as for the link: there may be one later
        return _VERSION | {"Authorization": f"Bearer {token}"}


def web_url(url: str) -> str:
    """The HTTP address of the server behind a client's address.

    Raises:
        ValueError: not an address of a server.
    """
    parts = urlsplit(url)
    if parts.scheme not in _WEB or not parts.netloc:
        raise ValueError(f"not a server address: {url!r}")
    return urlunsplit((_WEB[parts.scheme], parts.netloc, parts.path.rstrip("/").removesuffix(LINK_PATH), "", ""))


async def _pieces(source: BinaryIO, left: int) -> AsyncIterator[bytes]:
    while left > 0:
        piece = await asyncio.to_thread(source.read, min(PIECE_BYTES, left))
        if not piece:
            return  # it became shorter meanwhile; the server sees that the rest is missing
        left -= len(piece)
        yield piece


def _checked(answer: HttpAnswer) -> HttpAnswer:
    if answer.status < 300:
        return answer
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
    except msgspec.DecodeError:
        raise RequestFailed(_without_problem(answer.status)) from None
    raise RequestFailed(
        ErrorBody(
            problem.code,
            problem.name,
            problem.detail,
            problem.retry,
            applied=problem.applied,
            retry_ms=problem.retry_ms,
            field=problem.field,
        )
    )


def _without_problem(status: int) -> ErrorBody:
    """An answer to HEAD has no body, and a proxy's answer has another: the status alone speaks."""
    by_status = {401: Code.TOKEN_EXPIRED, 404: Code.NOT_FOUND, 410: Code.UPLOAD_GONE, 403: Code.FORBIDDEN}
    code = by_status.get(status, Code.TIMED_OUT if status >= 400 and status not in (400, 405, 412) else Code.INTERNAL)
    return ErrorBody(
        code.number, code.slug, f"the server answered with status {status}", code.retry.value, applied=code.applied
    )
