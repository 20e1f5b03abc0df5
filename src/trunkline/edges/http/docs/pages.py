"""Routes of the documentation. Pages are rendered once, when the app is created."""

from __future__ import annotations

import json
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http.context import name_route
from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.docs.errors import render_error, render_errors
from trunkline.edges.http.docs.reference import render_reference
from trunkline.edges.http.openapi import build_document
from trunkline.edges.http.routes import ROUTES

PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "public, max-age=300"}


def docs_routes(deps: HttpDeps) -> list[Route]:
    """The routes of this module."""
    routes = [route for route in ROUTES if route.operation in deps.operations]
    document = build_document(
        deps.operations, version=deps.config.version, public_url=deps.config.public_url, routes=routes
    )
    style = (files("trunkline.edges.http.docs") / "style.css").read_text("utf-8")
    errors = {code.slug: render_error(code) for code in Code}

    async def one_error(request: Request) -> Response:
        name_route(request.scope, "/errors/{name}")
        page = errors.get(request.path_params["name"])
        if page is None:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "There is no error of this name; /errors lists them all.")
        return Response(page, headers=_PAGE_HEADERS, media_type="text/html")

    return [
        _fixed("/v1/openapi.json", json.dumps(document, ensure_ascii=False), "application/json"),
        _fixed("/docs/api", render_reference(document), "text/html"),
        _fixed("/docs/style.css", style, "text/css"),
        _fixed("/errors", render_errors(), "text/html"),
        Route("/errors/{name}", one_error, methods=["GET"]),
    ]


def _fixed(path: str, text: str, media_type: str) -> Route:
    body = text.encode()

    async def serve(request: Request) -> Response:
        name_route(request.scope, path)
        return Response(body, headers=_PAGE_HEADERS, media_type=media_type)

    return Route(path, serve, methods=["GET"])
