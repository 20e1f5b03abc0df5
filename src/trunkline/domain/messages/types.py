"""The registry of message types: adding a type is adding a registration, not an ``if``.

A type says what its content must look like, whether it counts as unread, and where its search
and push text is. Unknown fields of a content are preserved, because validation only reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.wire import entries as names

Label = Annotated[str, Meta(max_length=1024)]
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Pixels = Annotated[int, Meta(ge=0, le=1_000_000)]


class TextContent(Struct):
    """Plain text."""

    text: Annotated[str, Meta(min_length=1, max_length=20_000)]


class ByReference(Struct, kw_only=True):
    """A content that is elsewhere: ``file`` is the id of an upload to this server, ``url`` any other place."""

    url: Annotated[str, Meta(max_length=4096)] = ""
    file: Annotated[str, Meta(max_length=64)] = ""

    def __post_init__(self) -> None:
        """Exactly one of the two has to be named."""
        if bool(self.url) == bool(self.file):
            raise ValueError("name either file (the id of an upload) or url")


class ImageContent(ByReference, kw_only=True):
    """A picture by reference."""

    width: Pixels = 0
    height: Pixels = 0
    size_bytes: Size = 0
    mime: Label = ""
    thumbnail: Annotated[str, Meta(max_length=32_768)] = ""
    blurhash: Label = ""


class VoiceContent(ByReference, kw_only=True):
    """A voice note by reference."""

    duration_ms: Size
    size_bytes: Size = 0
    mime: Label = ""
    waveform: Annotated[list[Annotated[int, Meta(ge=0, le=255)]], Meta(max_length=512)] = []


class VideoContent(ByReference, kw_only=True):
    """A video by reference."""

    duration_ms: Size = 0
    width: Pixels = 0
    height: Pixels = 0
    size_bytes: Size = 0
    mime: Label = ""
    poster: Annotated[str, Meta(max_length=32_768)] = ""


class FileContent(ByReference, kw_only=True):
    """A file by reference."""

    name: Annotated[str, Meta(min_length=1, max_length=1024)]
    size_bytes: Size
    mime: Label = ""


class LocationContent(Struct):
    """A point on the map."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    title: Label = ""
    address: Label = ""


class StickerContent(Struct):
    """A sticker of a pack."""

    pack: Annotated[str, Meta(min_length=1, max_length=128)]
    id: Annotated[str, Meta(min_length=1, max_length=128)]
    url: Annotated[str, Meta(max_length=4096)] = ""


class ForwardContent(Struct):
    """Several messages merged into one; made by the server."""

    title: Label
    entries: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True)
class MessageType:
    """How one type behaves.

    Attributes:
        name: on the wire.
        check: decodes a stored content strictly; raises ``msgspec.DecodeError``.
        sendable: clients may send it (otherwise only the server makes it).
        editable: its content may be replaced later.
        preview: the text a notification or a search index shows.
    """

    name: str
    check: Callable[[bytes], Any]
    sendable: bool
    editable: bool
    preview: Callable[[dict[str, Any]], str]


def _register(name: str, schema: Any, preview: str, *, sendable: bool = True, editable: bool = False) -> MessageType:
    decode = msgspec.msgpack.Decoder(schema).decode
    return MessageType(name, decode, sendable, editable, lambda content: str(content.get(preview, "")))


MESSAGE_TYPES: dict[str, MessageType] = {
    kind.name: kind
    for kind in (
        _register(names.TEXT, TextContent, "text", editable=True),
        _register(names.IMAGE, ImageContent, "caption"),
        _register(names.VOICE, VoiceContent, "caption"),
        _register(names.VIDEO, VideoContent, "caption"),
        _register(names.FILE, FileContent, "name"),
        _register(names.LOCATION, LocationContent, "title"),
        _register(names.STICKER, StickerContent, "id"),
        _register(names.FORWARD, ForwardContent, "title", sendable=False),
        _register(names.CUSTOM, dict[str, Any], "text", editable=True),
        _register(names.CARD_CREATED, dict[str, Any], "text", sendable=False),
    )
}


def check_content(type: str, content: bytes, *, by_server: bool = False) -> MessageType:
    """The registered type, if ``content`` fits it.

    Raises:
        TrunklineError: ``UNKNOWN_MESSAGE_TYPE`` or ``INVALID_CONTENT``.
    """
    kind = MESSAGE_TYPES.get(type)
    if kind is None or not (kind.sendable or by_server):
        raise TrunklineError(Code.UNKNOWN_MESSAGE_TYPE, f"{type!r} is not a message type one can send", field="type")
    try:
        kind.check(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TrunklineError(Code.INVALID_CONTENT, f"content of a {type} message: {error}", field="content") from error
    return kind
