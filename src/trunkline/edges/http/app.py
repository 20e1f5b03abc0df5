"""Puts the REST edge together as one ASGI app."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http import idempotency
from trunkline.edges.http.context import RequestContext, request_id_of
from trunkline.edges.http.cors import Cors
from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.docs import docs_routes
from trunkline.edges.http.endpoint import Endpoint
from trunkline.edges.http.health import health_routes
from trunkline.edges.http.pages import page_routes
from trunkline.edges.http.problems import problem_response
from trunkline.edges.http.proxies import TrustedProxies
from trunkline.edges.http.resources import method_not_allowed, resources
from trunkline.edges.http.routes import ROUTES


def create_app(deps: HttpDeps, others: Sequence[BaseRoute] = ()) -> Starlette:
    """The REST edge over ``deps``; routes of operations that ``deps`` does not have are left out.

    ``others`` are the routes of other edges on the same port.
    """
    running = idempotency.RunningKeys()
    endpoints = [
        Endpoint(route, deps.operations[route.operation], deps, running)
        for route in ROUTES
        if route.operation in deps.operations
    ]
    routes: list[BaseRoute] = [*resources(endpoints), *health_routes(deps), *others]
    if deps.config.docs:
        routes += [*docs_routes(deps), *page_routes(deps.site)]
    app = Starlette(
        routes=routes,
        middleware=_middleware(deps),
        exception_handlers={HTTPException: _as_problem, TrunklineError: _as_problem},
    )
    app.router.redirect_slashes = False
    return app


def _middleware(deps: HttpDeps) -> list[Middleware]:
    return [
        Middleware(TrustedProxies, trusted=deps.config.trusted_proxies),
        Middleware(RequestContext, deps=deps),
        Middleware(Cors, allowed=deps.origins),
    ]


async def _as_problem(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, and those of routes that are no operations."""
    if isinstance(error, TrunklineError):
        return problem_response(error, request_id_of(request.scope))
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return method_not_allowed(request, (error.headers or {}).get("Allow", ""))
    return problem_response(
        TrunklineError(Code.UNKNOWN_RESOURCE, "There is nothing at this path."), request_id_of(request.scope)
    )
