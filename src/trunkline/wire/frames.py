"""The frames of the link: positional arrays, the same in JSON and MessagePack.

See ``spec/link.md``. A frame's first element is its kind; unknown trailing elements are
ignored, new ones are only ever appended.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec

SUBPROTOCOL_JSON = "trunkline.v1.json"
SUBPROTOCOL_MSGPACK = "trunkline.v1.msgpack"
PROTOCOL_VERSION = 1


class FrameKind(enum.IntEnum):
    """First element of every frame."""

    REQUEST = 1
    OK = 2
    ERROR = 3
    PUSH = 4
    PING = 5
    PONG = 6


class RequestFrame(msgspec.Struct, array_like=True, gc=False):
    """Client to server ``[1, id, method, params]``, or ``[5, n]`` for a ping.

    ``params`` stays raw until the method is known.
    """

    kind: int
    id: int = 0
    method: str = ""
    params: msgspec.Raw = msgspec.Raw()


class ServerFrame(msgspec.Struct, array_like=True, gc=False):
    """Server to client, as a client first sees it: ``[2, id, result]``, ``[3, id, error]``,
    ``[4, event, data]`` or ``[6, n]``.
    """

    kind: int
    subject: int | str = 0
    body: msgspec.Raw = msgspec.Raw()


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """What a refused request gets.

    ``retry`` is one of never, new_token, later, same_id; ``applied`` is false when the request
    certainly changed nothing and null when that is unknown.
    """

    code: int
    name: str
    message: str
    retry: str
    applied: bool | None
    retry_ms: int = 0
    field: str = ""


class EmptyResult(msgspec.Struct):
    """The result of methods that only confirm."""


JSON_ENCODE = msgspec.json.Encoder().encode
MSGPACK_ENCODE = msgspec.msgpack.Encoder().encode


def ok_frame(request_id: int, result: Any) -> tuple[int, int, Any]:
    """A positive reply, ready to encode."""
    return (2, request_id, result)


def error_frame(request_id: int, error: ErrorBody) -> tuple[int, int, ErrorBody]:
    """A negative reply, ready to encode."""
    return (3, request_id, error)


def push_frame(event: str, data: Any) -> tuple[int, str, Any]:
    """A push, ready to encode."""
    return (4, event, data)
