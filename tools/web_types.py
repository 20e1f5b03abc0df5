"""Writes the TypeScript shapes of everything on the wire, from the Structs and the operations that the edges serve.

Part of `generate_docs`, so `make docs` writes the file and a test fails when it differs. Not here: the TypeScript
client itself (web/packages/core).
"""

from __future__ import annotations

import msgspec
from msgspec import inspect

from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls.files import FileView
from trunkline.wire.calls.rooms import RoomAdmitted, RoomAsked, RoomBatch, RoomOut, RoomStats
from trunkline.wire.calls.session import ConversationView, Hello, Presence, Welcome
from trunkline.wire.cards import Op
from trunkline.wire.entries import EntryView
from trunkline.wire.frames import EmptyResult, ErrorBody
from trunkline.wire.room_items import Announcement, Danmaku, Gift, Likes

_PLAIN = {
    inspect.NoneType: "null",
    inspect.BoolType: "boolean",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.AnyType: "any",
    inspect.RawType: "any",
}
_ALSO = (
    Welcome,
    ErrorBody,
    EntryView,
    ConversationView,
    Presence,
    FileView,
    RoomBatch,
    RoomOut,
    RoomAsked,
    RoomAdmitted,
    RoomStats,
    Announcement,
    Danmaku,
    Gift,
    Likes,
    Op,
)
_HEADER = """\
// Generated from the server's operations and their Structs by `make docs`; a test fails when the two differ.
// What lives here: the shape of every request and result of the link. What does not: code.
"""


class Shapes:
    """Collects Structs and writes each as an interface (or a tuple, where it is positional)."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._asked: set[str] = set()

    def name(self, shape: type[msgspec.Struct], *, asked: bool = False) -> str:
        """The TypeScript name of a Struct, which is written with all it refers to."""
        found = inspect.type_info(shape)
        assert isinstance(found, inspect.StructType)
        return self._struct(found, asked)

    def text(self) -> str:
        """Everything collected, by name."""
        return "\n".join(self._found[name] for name in sorted(self._found))

    def _type(self, info: inspect.Type, asked: bool) -> str:
        plain = _PLAIN.get(type(info))  # type: ignore[arg-type]
        if plain is not None:
            return plain
        match info:
            case inspect.Metadata():
                return self._type(info.type, asked)
            case inspect.LiteralType():
                return " | ".join(f'"{value}"' for value in info.values)
            case inspect.UnionType():
                # A field that is not given is left out; JSON knows no "unset".
                types = [one for one in info.types if not isinstance(one, inspect.CustomType)]
                names = [self._type(one, asked) for one in types]
                return " | ".join(dict.fromkeys(names))
            case inspect.ListType() | inspect.VarTupleType():
                item = self._type(info.item_type, asked)
                return f"({item})[]" if " " in item else f"{item}[]"
            case inspect.DictType():
                return f"Record<string, {self._type(info.value_type, asked)}>"
            case inspect.StructType():
                return self._struct(info, asked)
        raise TypeError(f"no TypeScript for {info}")

    def _struct(self, info: inspect.StructType, asked: bool) -> str:
        name = info.cls.__name__
        if name in self._found:
            return name
        self._found[name] = ""  # a Struct may refer to itself
        about = (info.cls.__doc__ or "").splitlines()[0].replace("*/", "* /").replace("``", "`")
        if info.array_like:
            parts = ", ".join(
                f"{_camel_free(field.encode_name)}{'' if field.required else '?'}: {self._type(field.type, asked)}"
                for field in info.fields
            )
            self._found[name] = f"/** {about} */\nexport type {name} = [{parts}];\n"
            return name
        omits = info.cls.__struct_config__.omit_defaults
        lines = [f"/** {about} */", f"export interface {name} {{"]
        for field in info.fields:
            optional = not field.required and (asked or omits)
            left_out = " | undefined" if optional and asked else ""
            lines.append(f"  {field.encode_name}{'?' if optional else ''}: {self._type(field.type, asked)}{left_out};")
        lines += ["}", ""]
        self._found[name] = "\n".join(lines)
        return name


def _camel_free(name: str) -> str:
    """A label of a tuple's element; reserved words take an underscore."""
    return f"{name}_" if name in ("type", "default") else name


def wire_types(operations: dict[str, Operation]) -> str:
    """The text of `web/packages/core/src/generated/wire.ts`: what parties may call; not what only app servers may."""
    shapes = Shapes()
    rows = []
    for name in sorted(operations):
        operation = operations[name]
        if operation.audience in (Audience.SERVERS, Audience.OPERATOR):
            continue
        request = shapes.name(operation.request, asked=True)
        result = "Record<string, never>" if operation.result is EmptyResult else shapes.name(operation.result)
        summary = operation.summary.replace("``", "`")
        rows.append(f'  /** {summary} */\n  "{name}": {{ params: {request}; result: {result} }};')
    shapes.name(Hello, asked=True)
    for shape in _ALSO:
        shapes.name(shape)
    methods = "\n".join(rows)
    return f"{_HEADER}\n{shapes.text()}\n/** Every method by name. */\nexport interface Operations {{\n{methods}\n}}\n"
