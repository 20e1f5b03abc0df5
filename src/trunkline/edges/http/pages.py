"""Built pages served as they are: the documentation, and in the demo its site.

Lives here: the policy, caching and compression of answers. What is not here: the files (``site``).
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from trunkline.edges.http.context import name_route
from trunkline.edges.http.site import File, Site, choose_coding

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
)
"""Nothing inline, nothing from elsewhere: whatever a message contains cannot become a script."""
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
NOT_BUILT = (
    b"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    b"<title>Not built yet</title><main><h1>These pages are not built yet</h1>"
    b"<p>Run <code>make web</code> in the checkout, or <code>make demo</code>, and start the server again."
    b"<p><a href='/docs/api'>The REST reference</a> is always here.</main></html>"
)


def page_routes(site: Site) -> list[BaseRoute]:
    """The pages, and what stands for them where there are none."""
    home = "/docs/" if "/docs/" in site.files else "/docs/api"

    async def to_docs(request: Request) -> Response:
        return RedirectResponse(home, 302)

    return [
        SiteRoute(site),
        Route("/docs", _not_built, methods=["GET"]),
        Route("/", to_docs, methods=["GET"]),
    ]


class SiteRoute(BaseRoute):
    """Everything of a site; paths it does not have are left to whoever comes after it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this site has the path."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        known = scope["path"] in self._site.files or scope["path"] in self._site.folders
        return (Match.FULL if known else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that matched."""
        name_route(scope, "pages")
        request = Request(scope)
        file = self._site.files.get(scope["path"])
        answer = RedirectResponse(scope["path"] + "/", 308) if file is None else _answer(file, request.headers)
        if scope["method"] == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)


async def _not_built(request: Request) -> Response:
    """The page in place of pages that nobody has built."""
    name_route(request.scope, "pages")
    return Response(NOT_BUILT, 404, {"Cache-Control": "no-store"}, "text/html")


def _answer(file: File, headers: Headers) -> Response:
    coding = choose_coding(headers.get("accept-encoding", ""), file.bodies)
    tag = f'"{file.tag}"' if coding == "identity" else f'"{file.tag}-{coding}"'
    dressed = {
        "ETag": tag,
        "Cache-Control": _FOR_EVER if file.fixed else _ASK_AGAIN,
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": POLICY,
    }
    if tag in [part.strip().removeprefix("W/") for part in headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=dressed)
    if coding != "identity":
        dressed["Content-Encoding"] = coding
    return Response(file.bodies[coding], headers=dressed, media_type=file.type)
