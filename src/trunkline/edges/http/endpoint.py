"""One request from arrival to answer: authenticate, limit, bind, check, run, remember, settle, answer.

Lives here: the order of these steps. Each step lives in its own module. No rule about what an operation may do
lives here or anywhere else in this edge.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.edges.http import idempotency
from trunkline.edges.http.binding import Binder
from trunkline.edges.http.bodies import read_body
from trunkline.edges.http.context import request_id_of
from trunkline.edges.http.credentials import caller_of
from trunkline.edges.http.deps import HttpDeps
from trunkline.edges.http.paging import next_link
from trunkline.edges.http.problems import problem_response, unexpected
from trunkline.edges.http.rate_limits import Allowance
from trunkline.edges.http.routes import Route
from trunkline.services.access import check_access
from trunkline.services.operation import Audience, Operation
from trunkline.wire.frames import EmptyResult

log = logging.getLogger("trunkline.http")

_ENCODE = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """A success: its status, body and the headers that belong to it."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Endpoint:
    """Runs one operation for one route."""

    def __init__(self, route: Route, operation: Operation, deps: HttpDeps, running: idempotency.RunningKeys) -> None:
        self.route = route
        self.operation = operation
        self.binder = Binder(route, operation.request)
        self.status = success_status(route, operation)
        self._deps = deps
        self._running = running

    async def __call__(self, request: Request) -> Response:
        """Answer a request; every failure becomes a problem document."""
        headers: dict[str, str] = {}
        try:
            answer = await self._answer(request, headers)
        except TrunklineError as error:
            response = problem_response(error, request_id_of(request.scope))
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            log.exception("request failed", extra={"request_id": request_id_of(request.scope)})
            response = problem_response(unexpected(), request_id_of(request.scope))
        else:
            media_type = "application/json" if self.status != 204 else None
            response = Response(answer.body, answer.status, dict(answer.headers), media_type)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    async def _answer(self, request: Request, headers: dict[str, str]) -> Answer:
        deps = self._deps
        operator = self.operation.audience is Audience.OPERATOR
        caller = await caller_of(request, deps.authenticator, operator=operator)
        if caller.app:
            allowance = Allowance(deps.rates, caller, deps.clock.monotonic_s())
            allowance.describe(headers)
            allowance.check()
        check_access(caller, self.operation)
        key = idempotency.key_of(request)
        body = b""
        if self.route.has_body:
            body = await read_body(request, deps.config.max_body_bytes, deps.config.body_timeout_s)
        query = request.query_params.multi_items()
        bound = self.binder.bind(request.path_params, query, body, request.headers.get("content-type"))
        try:
            async with asyncio.timeout(deps.config.request_timeout_s):
                if key is not None:
                    return await self._run_once(caller, bound, idempotency.scoped_key(caller, key))
                answer, result = await self._run(caller, bound, None, b"")
                if request.method in ("GET", "HEAD") and not self.route.only:
                    link = next_link(path_of(request), query, bound, result)
                    if link:
                        headers["Link"] = link
                return answer
        except TimeoutError:
            raise TrunklineError(
                Code.TIMED_OUT, f"No answer within {deps.config.request_timeout_s:g} s; it may still take effect."
            ) from None

    async def _run_once(self, caller: Caller, bound: msgspec.Struct, key: str) -> Answer:
        request_hash = idempotency.fingerprint(self.route.operation_id, caller, bound)
        with self._running.claim(caller.app, key):
            remembered = await self._deps.answers.recall_answer(caller.app, key)
            if remembered is None:
                idempotency.give_send_ids(bound, key)
                answer, _ = await self._run(caller, bound, key, request_hash)
                return answer
            idempotency.check_same_request(remembered, request_hash)
            await self._deps.gate.settled()
        body = idempotency.restored_body(self.operation.result, remembered.body, self._deps.secrets)
        headers = {idempotency.REPLAYED_HEADER: "true"}
        if self.route.location:
            headers["Location"] = self._location(msgspec.json.decode(body, type=self.operation.result))
        return Answer(remembered.status, body, headers)

    async def _run(
        self, caller: Caller, bound: msgspec.Struct, key: str | None, request_hash: bytes
    ) -> tuple[Answer, Any]:
        deps = self._deps
        try:
            result = await self.operation.run(caller, bound)
        except TrunklineError:
            # The refusal may rest on something that is not on disk yet; then it must not be told before that is.
            await deps.gate.settled()
            raise
        # From here to remember() nothing may be awaited: the answer has to join the group of its effect.
        shown = self._shown(result)
        body = b"" if self.status == 204 else _ENCODE(shown)
        if key is not None and idempotency.is_kept(shown):
            stored = idempotency.storable_body(shown, body)
            deps.answers.remember(caller.app, key, request_hash, self.status, stored)
        await deps.gate.settled()
        headers = {"Location": self._location(shown)} if self.route.location else {}
        return Answer(self.status, body, headers), result

    def _shown(self, result: Any) -> Any:
        if not self.route.only:
            return result
        elements = getattr(result, self.route.only)
        if not elements:
            raise TrunklineError(Code.NOT_FOUND, "There is no such entry, or it is not visible to this party.")
        return elements[0]

    def _location(self, result: Any) -> str:
        fields = {name: quote(str(getattr(result, name)), safe="") for name in result.__struct_fields__}
        return self.route.location.format_map(fields)


def path_of(request: Request) -> str:
    """The path as it was asked for, percent-encoded."""
    raw = request.scope.get("raw_path") or quote(request.url.path).encode()
    return bytes(raw).decode("ascii", "replace")


def success_status(route: Route, operation: Operation) -> int:
    """The status of success: 204 when there is nothing to say."""
    return 204 if operation.result is EmptyResult else route.status
