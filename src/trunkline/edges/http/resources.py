"""Resources: the methods of one path, gathered so that a 405 can name every one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http.context import name_route, request_id_of
from trunkline.edges.http.endpoint import Endpoint
from trunkline.edges.http.problems import problem_response


class Resource:
    """An ASGI app for one path."""

    def __init__(self, path: str, methods: Mapping[str, Endpoint]) -> None:
        self._path = path
        self._methods = methods
        self._allow = ", ".join(sorted([*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        name_route(scope, self._path)
        endpoint = self._methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is not None:
            response = await endpoint(request)
        elif request.method == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": self._allow})
        else:
            response = method_not_allowed(request, self._allow)
        await response(scope, receive, send)


def resources(endpoints: Iterable[Endpoint]) -> list[Route]:
    """One Starlette route per path; paths with fewer parameters first, as they are the more exact ones."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.route.path, {})[endpoint.route.method] = endpoint
    return [Route(path, Resource(path, by_path[path])) for path in sorted(by_path, key=lambda path: path.count("{"))]


def method_not_allowed(request: Request, allow: str) -> Response:
    """A 405 that names what is allowed."""
    error = TrunklineError(Code.METHOD_NOT_ALLOWED, f"This path does not have {request.method}; it has {allow}.")
    return problem_response(error, request_id_of(request.scope), allow=allow)
