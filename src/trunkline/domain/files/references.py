"""Files that messages name: found in a content, and held against the file itself.

What a content says about its file (type, size, ...) has to be true, so that a reader may believe it without asking.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.files.names import is_file_id
from trunkline.domain.log.records import FileStored
from trunkline.wire import entries as types

KINDS = {types.IMAGE: ("image",), types.VOICE: ("audio",), types.VIDEO: ("video",), types.FILE: ()}
"""Message types whose content may name a file, and the kinds of file that fit; () = any."""
NAMING = frozenset({*KINDS, types.FORWARD})
"""Types to look into; all others name no file."""

_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode
_STATED = ("mime", "size_bytes", "width", "height", "duration_ms", "blurhash")


class Reference(NamedTuple):
    """A file named in a content of a type."""

    file: str
    type: str
    content: dict[str, Any]

    def check(self, stored: FileStored) -> None:
        """Refuse a content that says of its file what is not so.

        Raises:
            TrunklineError: ``INVALID_CONTENT``.
        """
        kinds = KINDS[self.type]
        if kinds and stored.kind not in kinds:
            raise TrunklineError(
                Code.INVALID_CONTENT,
                f"a {self.type} message needs a file of the kind {kinds[0]}; this one is {stored.mime}",
                field="content.file",
            )
        for name in _STATED:
            stated = self.content.get(name)
            if stated and stated != getattr(stored, name):
                raise TrunklineError(
                    Code.INVALID_CONTENT,
                    f"{name} of the file is {getattr(stored, name)!r}, the content says {stated!r}",
                    field=f"content.{name}",
                )


def references_of(type: str, content: bytes) -> tuple[Reference, ...]:
    """The files a stored content names; a merged forward names those of its messages.

    Raises:
        TrunklineError: ``INVALID_CONTENT``: a file id that cannot be one.
    """
    if type not in NAMING:
        return ()
    body = _decode(content)
    if type != types.FORWARD:
        return tuple(_named(type, body))
    found: list[Reference] = []
    for entry in body.get("entries", ()):
        inner = entry.get("content") if isinstance(entry, dict) else None
        if isinstance(inner, dict):
            nested = encode(inner) if entry.get("type") == types.FORWARD else b""
            found += references_of(types.FORWARD, nested) if nested else _named(str(entry.get("type")), inner)
    return tuple(found)


encode = msgspec.msgpack.Encoder().encode


def _named(type: str, content: dict[str, Any]) -> list[Reference]:
    file = content.get("file")
    if type not in KINDS or not file:
        return []
    if not isinstance(file, str) or not is_file_id(file):
        raise TrunklineError(Code.INVALID_CONTENT, "file must be the id of an upload", field="content.file")
    return [Reference(file, type, content)]
