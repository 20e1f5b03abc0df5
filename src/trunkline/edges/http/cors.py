"""Which pages of other origins may call (CORS); the list may change while running.

Lives here: the list and the middleware that follows it. The rules of CORS themselves are Starlette's.
"""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from trunkline.edges.http import idempotency
from trunkline.edges.http.context import REQUEST_ID_HEADER
from trunkline.edges.http.credentials import PARTY_HEADER
from trunkline.edges.http.deps import AllowedOrigins

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ASKED = (
    "Authorization",
    "Content-Type",
    idempotency.KEY_HEADER,
    PARTY_HEADER,
    REQUEST_ID_HEADER,
    "If-None-Match",
    "If-Range",
    "Range",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
)
_SHOWN = (
    REQUEST_ID_HEADER,
    idempotency.REPLAYED_HEADER,
    "Link",
    "Location",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Repr-Digest",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Offset",
)


class Cors:
    """ASGI middleware: CORS for the origins allowed now; without any, it is not there."""

    def __init__(self, app: ASGIApp, allowed: AllowedOrigins) -> None:
        self._app = app
        self._allowed = allowed
        self._built_for: tuple[str, ...] = ()
        self._serve = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._allowed.origins != self._built_for:
            self._build(self._allowed.origins)
        await self._serve(scope, receive, send)

    def _build(self, origins: tuple[str, ...]) -> None:
        self._built_for = origins
        if not origins:
            self._serve = self._app
            return
        self._serve = CORSMiddleware(
            self._app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_ASKED,
            expose_headers=_SHOWN,
            max_age=600,
        )
