"""The two encodings of the link: what differs between a JSON and a MessagePack session."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import msgspec
from picows import WSMsgType

from trunkline.services.sessions.outgoing import Outgoing, binary_message, text_message
from trunkline.wire.calls.messages import MessageSend
from trunkline.wire.frames import JSON_ENCODE, MSGPACK_ENCODE, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, RequestFrame


class Codec:
    """One encoding.

    Attributes:
        subprotocol: its name in the handshake.
        binary: whether its messages are binary.
        message_type: the WebSocket kind of its messages.
        decode_frame: a request frame from a message.
        decode_send: parameters of ``message.send``, the hot one.
        message: a whole WebSocket message from a frame.
        shared: the encoding of a push that all sessions of this codec share.
    """

    def __init__(self, subprotocol: str, *, binary: bool) -> None:
        self.subprotocol = subprotocol
        self.binary = binary
        self.message_type = WSMsgType.BINARY if binary else WSMsgType.TEXT
        self._module: Any = msgspec.msgpack if binary else msgspec.json
        self.decode_frame: Callable[[bytes], RequestFrame] = self._module.Decoder(RequestFrame).decode
        self.decode_send: Callable[[Any], MessageSend] = self._module.Decoder(MessageSend).decode
        # By name, because a subclass encodes its own way.
        self.shared: Callable[[Outgoing], bytes] = methodcaller("msgpack" if binary else "json")
        self._decoders: dict[type, Callable[[Any], Any]] = {}
        encode = MSGPACK_ENCODE if binary else JSON_ENCODE
        wrap = binary_message if binary else text_message
        self.message: Callable[[Any], bytes] = lambda frame: wrap(encode(frame))

    def decode_params(self, raw: msgspec.Raw, request: type) -> Any:
        """Parameters of a method; none at all count as an empty map."""
        decoder = self._decoders.get(request)
        if decoder is None:
            decoder = self._decoders[request] = self._module.Decoder(request).decode
        return decoder(raw if bytes(raw) else (b"\x80" if self.binary else b"{}"))


MSGPACK = Codec(SUBPROTOCOL_MSGPACK, binary=True)
JSON = Codec(SUBPROTOCOL_JSON, binary=False)
CODECS = {codec.subprotocol: codec for codec in (MSGPACK, JSON)}
