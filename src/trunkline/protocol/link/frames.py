"""Reading and writing link frames in either encoding, from the client's side.

The shapes are ``wire.frames``; this adds the two codecs and the checks that a frame from a server makes sense.
What is not here: what a frame means for a connection (``client``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from trunkline.wire.frames import (
    JSON_ENCODE,
    MSGPACK_ENCODE,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
    FrameKind,
    ServerFrame,
)

T = TypeVar("T")
_ABSENT = msgspec.Raw()
_NO_DEFAULT = msgspec.NODEFAULT


class FrameError(ValueError):
    """The bytes are no frame a server may send; the connection cannot be trusted any more."""


class Codec:
    """One of the two encodings of the link."""

    __slots__ = ("_decode_frame", "_decoders", "_make_decoder", "binary", "encode", "subprotocol")

    def __init__(
        self,
        subprotocol: str,
        *,
        binary: bool,
        encode: Callable[[Any], bytes],
        make_decoder: Callable[[Any], Callable[[Any], Any]],
    ) -> None:
        self.subprotocol = subprotocol
        self.binary = binary
        self.encode = encode
        self._make_decoder = make_decoder
        self._decode_frame: Callable[[bytes], ServerFrame] = make_decoder(ServerFrame)
        self._decoders: dict[Any, Callable[[Any], Any]] = {}

    def decode_frame(self, data: bytes) -> ServerFrame:
        """Read one frame from the server.

        A kind this version does not know is returned as it is; the caller ignores it.

        Raises:
            FrameError: not a frame.
        """
        try:
            frame = self._decode_frame(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise FrameError(f"not a frame: {exc}") from exc
        kind = frame.kind
        if kind in (FrameKind.OK, FrameKind.ERROR):
            if not isinstance(frame.subject, int) or not bytes(frame.body):
                raise FrameError("a reply must be [kind, id, body]")
        elif kind == FrameKind.PUSH:
            if not isinstance(frame.subject, str) or not bytes(frame.body):
                raise FrameError("a push must be [4, event, data]")
        elif kind == FrameKind.PONG and not isinstance(frame.subject, int):
            raise FrameError("a pong must be [6, n]")
        return frame

    def decode(self, body: msgspec.Raw | bytes, shape: type[T]) -> T:
        """Read the result, error or data inside a frame.

        Raises:
            FrameError: it does not have that shape.
        """
        decoder = self._decoders.get(shape)
        if decoder is None:
            decoder = self._decoders[shape] = self._make_decoder(shape)
        try:
            return cast(T, decoder(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise FrameError(f"not a {getattr(shape, '__name__', shape)}: {exc}") from exc


def _json_decoder(shape: Any) -> Callable[[Any], Any]:
    return msgspec.json.Decoder(shape).decode


def _msgpack_decoder(shape: Any) -> Callable[[Any], Any]:
    return msgspec.msgpack.Decoder(shape).decode


JSON_CODEC = Codec(SUBPROTOCOL_JSON, binary=False, encode=JSON_ENCODE, make_decoder=_json_decoder)
MSGPACK_CODEC = Codec(SUBPROTOCOL_MSGPACK, binary=True, encode=MSGPACK_ENCODE, make_decoder=_msgpack_decoder)


@functools.cache
def _fields_of(shape: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a struct; asking msgspec resolves every annotation anew."""
    return msgspec.structs.fields(shape)


def compact_params(params: msgspec.Struct) -> dict[str, Any]:
    """The fields of a request that differ from their defaults; what is left out means its default."""
    fields: dict[str, Any] = {}
    for info in _fields_of(type(params)):
        value = getattr(params, info.name)
        if value is msgspec.UNSET:
            continue
        if info.default is not _NO_DEFAULT:
            if value == info.default:
                continue
        elif info.default_factory is not _NO_DEFAULT and value == cast(Callable[[], Any], info.default_factory)():
            continue
        fields[info.encode_name] = value
    return fields
