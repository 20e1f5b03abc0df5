"""/health/live, /health/ready and /metrics."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http.context import name_route
from trunkline.edges.http.credentials import bearer_token
from trunkline.edges.http.deps import Check, HttpDeps
from trunkline.edges.http.proxies import is_loopback

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(deps: HttpDeps) -> list[Route]:
    """The routes of this module."""

    async def live(request: Request) -> Response:
        name_route(request.scope, "/health/live")
        return Response(b'{"status":"live"}', media_type="application/json")

    async def ready(request: Request) -> Response:
        name_route(request.scope, "/health/ready")
        checks = [Check(*check) for check in deps.readiness()]
        is_ready = all(check.ok for check in checks)
        body = msgspec.json.encode({"ready": is_ready, "checks": [check._asdict() for check in checks]})
        return Response(body, 200 if is_ready else 503, media_type="application/json")

    async def metrics(request: Request) -> Response:
        name_route(request.scope, "/metrics")
        if not deps.config.metrics_open and not is_loopback(request.scope):
            token = bearer_token(request)
            if token is None:
                raise TrunklineError(
                    Code.CREDENTIALS_MISSING, "From elsewhere than this machine, /metrics needs the admin token."
                )
            await deps.authenticator.authenticate_operator(token)
        return Response(deps.metrics(), headers={"Content-Type": METRICS_MEDIA_TYPE})

    return [
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
