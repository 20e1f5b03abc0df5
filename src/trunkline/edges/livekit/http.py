"""LiveKit's HTTP endpoints: what clients ask after a refused connection, and ``RoomService`` over Twirp.

Twirp: a POST per method, protobuf or JSON, errors as JSON with a code. Not here: what methods do (``room_service``).
"""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from trunkline.base.errors import TrunklineError
from trunkline.edges.livekit import calls
from trunkline.edges.livekit.calls import CallFailed
from trunkline.edges.livekit.door import Door
from trunkline.edges.livekit.room_service import METHODS, NOT_OFFERED, RoomService

MAX_BODY_BYTES = 1 << 20
PROTOBUF = "application/protobuf"
TWIRP = {400: "invalid_argument", 401: "unauthenticated", 403: "permission_denied", 404: "not_found"}
CALL_FAILURES = {
    calls.UNSUPPORTED_METHOD: ("unimplemented", 501),
    calls.NOT_REACHED: ("unavailable", 503),
    calls.TIMED_OUT: ("deadline_exceeded", 408),
    calls.TOO_LARGE: ("invalid_argument", 400),
}
"""What went wrong with a call of a participant's method; anything else is the method's own error."""
TWIRP_STATUS = {"invalid_argument": 400, "unauthenticated": 401, "permission_denied": 403, "not_found": 404}


def routes(door: Door, service: RoomService) -> list[Route]:
    """The endpoints."""

    async def validate(request: Request) -> Response:
        """Why a connection is refused, as text; clients show it and stop, or try another way."""
        target = request.url.path.removesuffix("/validate") + "?" + request.url.query
        try:
            door.admit(target, request.headers.get("Authorization", ""))
        except TrunklineError as error:
            status = error.code.http_status if error.code.http_status in (401, 403) else 400
            return PlainTextResponse(error.detail, status, headers={"Access-Control-Allow-Origin": "*"})
        return PlainTextResponse("success", headers={"Access-Control-Allow-Origin": "*"})

    async def twirp(request: Request) -> Response:
        """One method of ``RoomService``."""
        method = METHODS.get(request.path_params["method"])
        if request.path_params["method"] in NOT_OFFERED:
            return _failure("unimplemented", NOT_OFFERED[request.path_params["method"]], 501)
        if method is None:
            return _failure("bad_route", "there is no such method", 404)
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind not in (PROTOBUF, "application/json"):
            return _failure("bad_route", f"the body is {PROTOBUF} or application/json", 404)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return _failure("invalid_argument", f"a body has at most {MAX_BODY_BYTES} bytes", 400)
        try:
            app, claims = door.verify(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
            message = _read(method.request(), body, kind)
            if message is None:
                return _failure("malformed", "the body cannot be read", 400)
            return _written(await service.call(app, claims.video, method, message), kind)
        except (CallFailed, TrunklineError) as error:
            return _refusal(error)

    return [
        _statistics(door, service),
        Route("/rtc/validate", validate, methods=["GET"]),
        Route("/rtc/v1/validate", validate, methods=["GET"]),
        Route("/twirp/livekit.RoomService/{method}", twirp, methods=["POST"]),
    ]


def _statistics(door: Door, service: RoomService) -> Route:
    async def statistics(request: Request) -> Response:
        """Every track of a session, for whoever administers it."""
        try:
            app, claims = door.verify(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
            found = service.statistics(app, claims.video, request.query_params.get("room", ""))
        except TrunklineError as error:
            return _refusal(error)
        return JSONResponse({"participants": found})

    return Route("/rtc/statistics", statistics, methods=["GET"])


def _read(message: Message, body: bytes, kind: str) -> Message | None:
    try:
        if kind == PROTOBUF:
            message.ParseFromString(body)
        else:
            json_format.Parse(body, message, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError):
        return None
    return message


def _written(answer: Message, kind: str) -> Response:
    if kind == PROTOBUF:
        return Response(answer.SerializeToString(), media_type=PROTOBUF)
    written = json_format.MessageToJson(answer, preserving_proto_field_name=True, indent=None)
    return Response(written, media_type="application/json")


def _refusal(error: CallFailed | TrunklineError) -> JSONResponse:
    if isinstance(error, CallFailed):
        code, status = CALL_FAILURES.get(error.code, ("aborted", 409))
        return _failure(code, str(error), status, {"rpc_code": str(error.code), "rpc_data": error.data})
    code = TWIRP.get(error.code.http_status, "invalid_argument")
    return _failure(code, error.detail, TWIRP_STATUS[code])


def _failure(code: str, text: str, status: int, meta: dict[str, str] | None = None) -> JSONResponse:
    body: dict[str, Any] = {"code": code, "msg": text} | ({"meta": meta} if meta else {})
    return JSONResponse(body, status)
