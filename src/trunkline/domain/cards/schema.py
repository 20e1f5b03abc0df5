"""JSON Schemas of app-defined cards, bounded so that checking a value costs little whoever wrote the schema.

A schema is at most 8 KiB and 12 levels deep, refers to nothing (no ``$ref``), and its regular expressions run in time
linear in the value. Not here: what is checked against it (``kinds.custom``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.domain.cards.kinds.kind import refuse

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

MAX_SCHEMA_BYTES = 8_192
MAX_DEPTH = 12

_encode = msgspec.json.Encoder(order="sorted").encode


def check_schema(schema: dict[str, Any], where: str) -> None:
    """Refuse a schema that is none, or beyond the bounds.

    Raises:
        TrunklineError: ``INVALID_CONTENT``.
    """
    text = _text(schema, where)
    if len(text) > MAX_SCHEMA_BYTES:
        refuse(f"the schema of {where} has {len(text)} bytes, at most {MAX_SCHEMA_BYTES} are allowed")
    _check_depth(schema, where, 1)
    try:
        _validator(text)
    except ValueError as error:  # the library's own errors are ValueErrors
        refuse(f"the schema of {where} is not a JSON Schema: {_short(error)}")


def check_value(schema: dict[str, Any], value: Any, where: str, field: str = "value") -> None:
    """Refuse a value that does not fit.

    Raises:
        TrunklineError: ``INVALID_CONTENT``.
    """
    try:
        _validator(_text(schema, where)).validate(value)
    except (ValueError, TypeError) as error:
        refuse(f"{where}: {_short(error)}", field)


@lru_cache(maxsize=256)
def _validator(text: bytes) -> Draft202012Validator:
    import jsonschema_rs  # at first use: a server whose apps define no cards of their own does without

    return jsonschema_rs.Draft202012Validator(msgspec.json.decode(text), pattern_options=jsonschema_rs.RegexOptions())


def _text(schema: dict[str, Any], where: str) -> bytes:
    try:
        return _encode(schema)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError):
        refuse(f"the schema of {where} is not JSON")


def _check_depth(part: Any, where: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        refuse(f"the schema of {where} is more than {MAX_DEPTH} levels deep")
    if isinstance(part, dict):
        for key, value in part.items():
            if key.startswith("$") and key != "$comment":
                refuse(f"the schema of {where} uses {key[:32]!r}: references are not supported")
            _check_depth(value, where, depth + 1)
    elif isinstance(part, list):
        for value in part:
            _check_depth(value, where, depth + 1)


def _short(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__
