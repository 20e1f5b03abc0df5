"""Routes of the documentation.

Pages are rendered once, when somebody first asks for them, and on a thread: half a second of work that neither the
start of the server nor the messages of others should wait for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

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

    @cache
    def document() -> dict[str, Any]:
        return build_document(
            deps.operations,
            version=deps.config.version,
            public_url=deps.config.public_url,
            routes=[route for route in ROUTES if route.operation in deps.operations],
        )

    codes = {code.slug: code for code in Code}
    style = files("trunkline.edges.http.docs") / "style.css"

    async def one_error(request: Request) -> Response:
        name_route(request.scope, "/errors/{name}")
        code = codes.get(request.path_params["name"])
        if code is None:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "There is no error of this name; /errors lists them all.")
        return Response(render_error(code), headers=_PAGE_HEADERS, media_type="text/html")

    return [
        _page("/v1/openapi.json", lambda: json.dumps(document(), ensure_ascii=False), "application/json"),
        _page("/docs/api", lambda: render_reference(document()), "text/html"),
        _page("/docs/style.css", lambda: style.read_text("utf-8"), "text/css"),
        _page("/errors", render_errors, "text/html"),
        Route("/errors/{name}", one_error, methods=["GET"]),
    ]


def _page(path: str, render: Callable[[], str], media_type: str) -> Route:
    body: bytes | None = None

    async def serve(request: Request) -> Response:
        nonlocal body
        name_route(request.scope, path)
        if body is None:
            body = (await asyncio.to_thread(render)).encode()
        return Response(body, headers=_PAGE_HEADERS, media_type=media_type)

    return Route(path, serve, methods=["GET"])
