"""Content of messages in its one stored form: MessagePack of a map.

A client of either encoding sends its own; a map's first byte tells which (``{`` or white space is
JSON, 0x80-0x8f, 0xde, 0xdf a MessagePack map).
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.base.errors import Code, TrunklineError

MAX_CONTENT_BYTES = 65_536

_json = msgspec.json.Decoder(dict[str, Any]).decode
_msgpack = msgspec.msgpack.Decoder(dict[str, Any]).decode
encode_content = msgspec.msgpack.Encoder().encode


def canonical(raw: msgspec.Raw | bytes) -> bytes:
    """The stored form of a content as it was received.

    Raises:
        TrunklineError: ``INVALID_CONTENT`` (not a map) or ``OVERSIZE``.
    """
    data = bytes(raw)
    if len(data) > MAX_CONTENT_BYTES:
        raise TrunklineError(Code.OVERSIZE, f"content is limited to {MAX_CONTENT_BYTES} bytes", field="content")
    first = data[0] if data else 0
    if 0x80 <= first <= 0x8F or first in (0xDE, 0xDF):
        return data
    try:
        return encode_content(_json(data))
    except (msgspec.DecodeError, RecursionError, OverflowError) as error:
        raise TrunklineError(Code.INVALID_CONTENT, "content must be a map", field="content") from error


def decode_content(content: bytes) -> dict[str, Any]:
    """The map that ``canonical`` stored; {} for none."""
    return _msgpack(content) if content else {}
