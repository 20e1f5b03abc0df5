"""Problem documents (RFC 9457): how this edge says what went wrong.

Lives here: the document, and its HTTP response. The errors themselves are ``trunkline.base.errors``.
"""

from __future__ import annotations

import math

import msgspec
from starlette.responses import Response

from trunkline.base.errors import Code, TrunklineError

PROBLEM_MEDIA_TYPE = "application/problem+json"

_CHALLENGES = ('Basic realm="trunkline", charset="UTF-8"', 'Bearer realm="trunkline"')


class Problem(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Why a request was refused (RFC 9457).

    ``type`` leads to the page of the error; ``code`` and ``name`` identify it for programs. ``detail`` says what was
    wrong, ``advice`` what to do. ``retry`` is one of
    never, new_token, later, same_id. ``applied`` is false when the request certainly changed nothing,
    and null when that is unknown: then repeating it with the same Idempotency-Key is safe.
    """

    type: str
    title: str
    status: int
    detail: str
    advice: str
    code: int
    name: str
    retry: str
    applied: bool | None
    retry_ms: int = 0
    field: str = ""
    request_id: str = ""


def title_of(code: Code) -> str:
    """The short name of a kind of error, the same in every occurrence."""
    return code.slug.replace("_", " ").capitalize()


def problem_of(error: TrunklineError, request_id: str) -> Problem:
    """Describe an error."""
    code = error.code
    return Problem(
        type=f"/errors/{code.slug}",
        title=title_of(code),
        status=code.http_status,
        detail=error.detail,
        advice=code.advice,
        code=code.number,
        name=code.slug,
        retry=code.retry.value,
        applied=code.applied,
        retry_ms=error.retry_ms,
        field=error.field,
        request_id=request_id,
    )


def problem_response(error: TrunklineError, request_id: str, *, allow: str = "") -> Response:
    """The response for an error; ``allow`` is the Allow header of a 405."""
    response = Response(
        msgspec.json.encode(problem_of(error, request_id)), error.code.http_status, media_type=PROBLEM_MEDIA_TYPE
    )
    if error.code.http_status == 401:
        for challenge in _CHALLENGES:
            response.headers.append("WWW-Authenticate", challenge)
    if error.retry_ms > 0:
        response.headers["Retry-After"] = str(math.ceil(error.retry_ms / 1000))
    if allow:
        response.headers["Allow"] = allow
    return response


def unexpected() -> TrunklineError:
    """What a caller is told of a defect: nothing but how to go on."""
    return TrunklineError(Code.INTERNAL, "The server met an unexpected condition.")
