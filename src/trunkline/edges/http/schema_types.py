"""Twins of wire Structs for the OpenAPI document, where the Struct itself cannot say what a client should send.

``Raw`` content is any JSON object to a client, and the fields that exist only to be refused (a forged sender or
time) are not shown. Everything else stays as it is in ``wire/calls``.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from trunkline.domain.messages import types as content
from trunkline.wire.calls.messages import BulkSend, MessageSend

_REFUSED = frozenset({"sender", "at_ms"})
_TWINNED: tuple[type[msgspec.Struct], ...] = (MessageSend, BulkSend)

CONTENTS: dict[str, type[msgspec.Struct]] = {
    "text": content.TextContent,
    "image": content.ImageContent,
    "voice": content.VoiceContent,
    "video": content.VideoContent,
    "file": content.FileContent,
    "location": content.LocationContent,
    "sticker": content.StickerContent,
}
"""What content a message type demands; ``custom`` takes any object."""

Content = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="As the type demands: "
        + ", ".join(f"{n}: `{t.__name__}`" for n, t in CONTENTS.items())
        + ", or any.",
        extra_json_schema={
            "anyOf": [
                *({"$ref": f"#/components/schemas/{type_.__name__}"} for type_ in CONTENTS.values()),
                {"type": "object", "title": "custom"},
            ]
        },
    ),
]


class SchemaTypes:
    """Makes twins, each once."""

    def __init__(self) -> None:
        self._made: dict[type[msgspec.Struct], type[msgspec.Struct]] = {}

    def of(self, type_: Any) -> Any:
        """The type to describe instead of ``type_``; the same when there is nothing to hide."""
        if type_ is msgspec.Raw:
            return Content
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            return self._struct(type_)
        arguments = get_args(type_)
        if not arguments:
            return type_
        if hasattr(type_, "__metadata__"):
            return Annotated[(self.of(arguments[0]), *type_.__metadata__)]
        if get_origin(type_) is list:
            return list[self.of(arguments[0])]  # type: ignore[misc]  # built at run time
        if get_origin(type_) in (Union, types.UnionType):
            return Union[tuple(self.of(one) for one in arguments)]  # noqa: UP007  # built at run time
        return type_

    def _struct(self, type_: type[msgspec.Struct]) -> type[msgspec.Struct]:
        if type_ not in self._made:
            self._made[type_] = self._twin(type_) if self._needs_twin(type_) else type_
        return self._made[type_]

    def _needs_twin(self, type_: type[msgspec.Struct]) -> bool:
        return type_ in _TWINNED or any(info.type is msgspec.Raw for info in msgspec.structs.fields(type_))

    def _twin(self, type_: type[msgspec.Struct]) -> type[msgspec.Struct]:
        hidden = _REFUSED if _offers_send(type_) else frozenset()
        return msgspec.defstruct(
            type_.__name__,
            [self._field(info) for info in msgspec.structs.fields(type_) if info.name not in hidden],
            kw_only=True,
            namespace={"__doc__": type_.__doc__},
        )

    def _field(self, info: msgspec.structs.FieldInfo) -> Any:
        shown = self.of(info.type)
        if info.type is msgspec.Raw:
            return info.name, shown
        if info.default_factory is not msgspec.NODEFAULT:
            return info.name, shown, msgspec.field(default_factory=info.default_factory)
        if info.default is not msgspec.NODEFAULT:
            return info.name, shown, info.default
        return info.name, shown


def _offers_send(type_: type[msgspec.Struct]) -> bool:
    """Whether it is ``MessageSend``, or the body made of it where a path took one of its fields."""
    names = {info.name for info in msgspec.structs.fields(type_)}
    return {"sender", "at_ms", "content", "outbox"} <= names


def element_type(result: type[msgspec.Struct], name: str) -> Any:
    """The type of the elements of a list field."""
    type_ = next(info.type for info in msgspec.structs.fields(result) if info.name == name)
    if hasattr(type_, "__metadata__"):
        type_ = get_args(type_)[0]
    return get_args(type_)[0]
