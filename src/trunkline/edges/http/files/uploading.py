"""``/v1/uploads``: tus 1.0 over HTTP.

The rules are in ``protocol.tus``, what uploads do in ``services.files.uploads``.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http.context import name_route, request_id_of
from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.files.callers import admitted
from trunkline.edges.http.problems import problem_response, unexpected
from trunkline.protocol.tus import (
    VERSION,
    AppendChunk,
    AskOffset,
    CreateUpload,
    Terminate,
    capabilities,
    created,
    described,
    parse_request,
)
from trunkline.protocol.tus.requests import effective_method
from trunkline.services.files.receiving import BrokenOff
from trunkline.services.files.uploads import Standing, Uploads

log = logging.getLogger("trunkline.http")
PATH = "/v1/uploads"
_SMALL_BODY_BYTES = 1 << 20
"""What is left of a refused body is read and dropped up to here; beyond it the connection is closed."""


class _TusResource:
    """An ASGI app for one path of tus; subclasses say what it does."""

    route = PATH
    collection = True
    methods = "OPTIONS, POST"

    def __init__(self, deps: HttpDeps, uploads: Uploads) -> None:
        self._deps = deps
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        name_route(scope, self.route)
        response = await self._respond(request)
        response.headers.setdefault("Tus-Resumable", VERSION)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        method = effective_method(request.method, request.headers)
        if method == "OPTIONS":
            return Response(status_code=204, headers=capabilities(self._uploads.limits.max_size_bytes))
        try:
            response = await self._act(request, method, headers)
        except (BrokenOff, ClientDisconnect):
            # Whoever took over, or whoever went away, needs no answer here; a proxy in between may.
            response = Response(status_code=400, headers={"Connection": "close"})
        except TrunklineError as error:
            response = problem_response(error, request_id_of(request.scope), allow=self._allow(error))
            if error.code is Code.TUS_VERSION:
                response.headers["Tus-Version"] = VERSION
            _close_after_large_body(request, response)
        except Exception:
            log.exception("request failed", extra={"request_id": request_id_of(request.scope)})
            response = problem_response(unexpected(), request_id_of(request.scope))
            _close_after_large_body(request, response)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    def _allow(self, error: TrunklineError) -> str:
        return self.methods if error.code is Code.METHOD_NOT_ALLOWED else ""

    async def _act(self, request: Request, method: str, headers: dict[str, str]) -> Response:
        command = parse_request(method, request.headers, collection=self.collection)
        caller = await admitted(request, self._deps, headers)
        uploads = self._uploads
        if isinstance(command, CreateUpload):
            standing = await uploads.create(caller, command.length, command.metadata)
            if command.first is not None and command.length:
                standing = await uploads.append(caller, standing.file, command.first, _pieces(request))
            shown = created(f"{PATH}/{standing.file}", standing.offset, _expiry(standing))
            return Response(status_code=201, headers=shown)
        file = request.path_params["file"]
        if isinstance(command, AppendChunk):
            standing = await uploads.append(caller, file, command, _pieces(request))
            return Response(status_code=204, headers=described(standing.offset, None, _expiry(standing)))
        if isinstance(command, AskOffset):
            standing = await uploads.standing(caller, file)
            return Response(status_code=200, headers=described(standing.offset, standing.length, _expiry(standing)))
        assert isinstance(command, Terminate)
        await uploads.terminate(caller, file)
        return Response(status_code=204)


class UploadsResource(_TusResource):
    """Creates uploads."""


class UploadResource(_TusResource):
    """One upload."""

    route = PATH + "/{file}"
    collection = False
    methods = "DELETE, HEAD, OPTIONS, PATCH"


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect as error:
        raise ConnectionError from error


def _expiry(standing: Standing) -> int:
    return 0 if standing.offset == standing.length else standing.expires_at_ms


def _close_after_large_body(request: Request, response: Response) -> None:
    declared = request.headers.get("content-length", "")
    small = declared.isdecimal() and len(declared) < 12 and int(declared) <= _SMALL_BODY_BYTES
    if not small and ("content-length" in request.headers or "transfer-encoding" in request.headers):
        response.headers["Connection"] = "close"
