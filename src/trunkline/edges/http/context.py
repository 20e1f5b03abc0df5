"""What every response gets: a request id, security headers, an access log line; and a last catch for defects.

Pure ASGI, outermost but for the proxies. Logs name the route's template, never a query, a header or a body.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunkline.edges.http.deps import HttpDeps, Observation
from trunkline.edges.http.problems import problem_response, unexpected

REQUEST_ID_HEADER = "X-Request-Id"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_ID_KEY = "trunkline.request_id"
_ROUTE_KEY = "trunkline.route"

log = logging.getLogger("trunkline.http.access")

# A page that wants more (a stylesheet) says so itself.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", API_POLICY),
)


def request_id_of(scope: Any) -> str:
    """The id of the request, as given by its caller or made here."""
    return str(scope.get(_ID_KEY, ""))


def name_route(scope: Any, template: str) -> None:
    """Tell the log and the metrics which route this is."""
    scope[_ROUTE_KEY] = template


class RequestContext:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, deps: HttpDeps) -> None:
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock = self._deps.clock
        began_s = clock.monotonic_s()
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _ACCEPTED_ID.fullmatch(given) else self._deps.randomness.token(12)
        scope[_ID_KEY] = request_id
        status = 0

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                for name, value in _SECURITY_HEADERS:
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        try:
            await self._app(scope, receive, send_dressed)
        except Exception:
            log.exception("request failed", extra={"request_id": request_id})
            if status:
                raise
            await problem_response(unexpected(), request_id)(scope, receive, send_dressed)
        finally:
            took_s = clock.monotonic_s() - began_s
            route = scope.get(_ROUTE_KEY, "unmatched")
            self._deps.observe(Observation(scope["method"], route, status, took_s))
            log.info(
                "%s %s %d",
                scope["method"],
                route,
                status,
                extra={"request_id": request_id, "took_ms": round(took_s * 1000, 1), "client": client_of(scope)},
            )


def client_of(scope: Any) -> str:
    """The address of the caller, as the proxies layer left it."""
    client = scope.get("client")
    return str(client[0]) if client else ""
