"""``/v1/files/{file}/{variant}``: the bytes, whole or in ranges, for callers with credentials or with a signed link."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.links import read_link
from trunkline.domain.files.names import VARIANTS
from trunkline.domain.identity import Caller
from trunkline.edges.http.context import name_route, request_id_of
from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.files.callers import admitted
from trunkline.edges.http.problems import problem_response, unexpected
from trunkline.edges.http.resources import method_not_allowed
from trunkline.services.files.downloads import Download, Downloads, content_path

log = logging.getLogger("trunkline.http")
_RANGE = re.compile(r"bytes=(\d{0,16})-(\d{0,16})", re.IGNORECASE)
# Scripts of an uploaded page or picture must not run with this server's origin, however it is opened.
_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Contents:
    """An ASGI app for the bytes of files."""

    def __init__(self, deps: HttpDeps, downloads: Downloads) -> None:
        self._deps = deps
        self._downloads = downloads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        name_route(scope, "/v1/files/{file}/{variant}")
        headers: dict[str, str] = {}
        try:
            response = await self._respond(request, headers)
        except TrunklineError as error:
            response = problem_response(error, request_id_of(scope))
        except Exception:
            log.exception("request failed", extra={"request_id": request_id_of(scope)})
            response = problem_response(unexpected(), request_id_of(scope))
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    async def _respond(self, request: Request, headers: dict[str, str]) -> Response:
        file, variant = request.path_params["file"], request.path_params["variant"]
        if variant not in VARIANTS:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "There is nothing at this path.")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})
        if request.method not in ("GET", "HEAD"):
            return method_not_allowed(request, "GET, HEAD, OPTIONS")
        caller = await self._caller(request, content_path(file, variant), headers)
        download = await self._downloads.open(caller, file, variant)
        headers |= _describing(download)
        if _matches(request.headers.get("if-none-match"), download.etag):
            return Response(status_code=304)
        try:
            wanted = _range_of(request, download)
        except TrunklineError:
            headers["Content-Range"] = f"bytes */{download.size_bytes}"
            raise
        start, end = wanted or (0, download.size_bytes)
        status = 200
        if wanted is not None:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{download.size_bytes}"
        headers |= {
            "Content-Length": str(end - start),
            "Content-Type": download.mime,
            "Content-Disposition": download.disposition,
        }
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        pieces = self._downloads.read(download, start, end)
        # The first piece now: that the bytes are missing must be an answer, not a broken connection.
        first = await anext(pieces, b"")
        return StreamingResponse(_joined(first, pieces), status, headers)

    async def _caller(self, request: Request, path: str, headers: dict[str, str]) -> Caller:
        if "signature" in request.query_params and "authorization" not in request.headers:
            return self._downloads.link_caller(path, read_link(dict(request.query_params)))
        return await admitted(request, self._deps, headers)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece


def _describing(download: Download) -> dict[str, str]:
    headers = {
        "ETag": download.etag,
        "Accept-Ranges": "bytes",
        # Asked again every time, because a recall takes the file away; the answer is short when nothing changed.
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if download.sha256:
        headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(download.sha256).decode()}:"
    return headers


def _matches(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in header.split(","))


def _range_of(request: Request, download: Download) -> tuple[int, int] | None:
    """Start and end (exclusive) of the range that is asked for; None for the whole.

    Raises:
        TrunklineError: ``RANGE_UNSATISFIABLE``.
    """
    header = request.headers.get("range")
    if header is None or request.headers.get("if-range", download.etag) != download.etag:
        return None
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(0).lower() == "bytes=-":
        return None  # several ranges, or none that we understand: the whole is a right answer
    size, (first, last) = download.size_bytes, match.groups()
    if first:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    else:
        start, end = max(0, size - int(last)), size
    if start >= size or (not first and not int(last)):
        raise TrunklineError(Code.RANGE_UNSATISFIABLE, f"The file has {size} bytes.", field="Range")
    return start, end
