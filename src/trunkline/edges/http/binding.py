"""From path, query and body to the request Struct of an operation, and msgspec's complaints to ours.

The types are those of ``wire/calls``: exact in JSON, read from text in paths and queries. Unknown fields and
parameters are ignored, as on the link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.edges.http.routes import Route
from trunkline.wire.calls.messages import BulkSend

_AT = re.compile(r" - at `(?:key in )?\$\.?(.*?)`$")
_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_JSON_TYPES = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Binder:
    """Makes requests of one route."""

    def __init__(self, route: Route, request: type[msgspec.Struct]) -> None:
        self.route = route
        self.request = request
        fields = {info.encode_name: info for info in msgspec.structs.fields(request)}
        strangers = route.bound_elsewhere - set(fields)
        if strangers:
            raise ValueError(f"{route.operation_id}: {request.__name__} has no field {sorted(strangers)}")
        self.free: dict[str, msgspec.structs.FieldInfo] = {
            name: info for name, info in fields.items() if name not in route.bound_elsewhere
        }
        """Fields that the query or the body gives."""
        self._types = {name: info.type for name, info in fields.items()}
        self._names = {name: info.name for name, info in fields.items()}
        self._lists = frozenset(name for name, info in fields.items() if is_list(info.type))
        self.body_type = self._body_type() if route.has_body else None
        self._decoder = msgspec.json.Decoder(self.body_type) if self.body_type is not None else None

    def type_of(self, name: str) -> Any:
        """The declared type of a field."""
        return self._types[name]

    def _body_type(self) -> type[msgspec.Struct]:
        if not self.route.bound_elsewhere:
            return self.request
        return msgspec.defstruct(
            "".join(part.capitalize() for part in re.split(r"[._]", self.route.operation_id)) + "Body",
            [as_definition(info) for info in self.free.values()],
            kw_only=True,
            namespace={"__doc__": self.request.__doc__},
        )

    def bind(
        self, path: Mapping[str, str], query: Sequence[tuple[str, str]], body: bytes, content_type: str | None
    ) -> msgspec.Struct:
        """Build the request.

        Raises:
            TrunklineError: 1xxx, naming the field.
        """
        values: dict[str, Any] = dict(self.route.fixed)
        self._bind_path(path, values)
        if self._decoder is None:
            self._bind_query(query, values)
            return self.request(**{self._names[name]: value for name, value in values.items()})
        decoded = self._decode_body(body, content_type)
        if self.body_type is self.request:
            assert isinstance(decoded, self.request)
            check_contents(decoded)
            return decoded
        for info in self.free.values():
            values[info.encode_name] = getattr(decoded, info.name)
        return self.request(**{self._names[name]: value for name, value in values.items()})

    def _bind_path(self, path: Mapping[str, str], values: dict[str, Any]) -> None:
        route = self.route
        if route.party:
            party = f"{path['kind']}/{path['name']}"
            values[route.party] = [party] if route.party in self._lists else self._from_text(route.party, party)
        for param in route.path_params:
            if param in route.spread:
                for name in route.spread[param]:
                    values[name] = self._from_text(name, path[param], shown_as=param)
            elif not (route.party and param in ("kind", "name")):
                values[param] = self._from_text(param, path[param])

    def _bind_query(self, query: Sequence[tuple[str, str]], values: dict[str, Any]) -> None:
        given: dict[str, list[str]] = {}
        for name, text in query:
            if name in self.free:
                given.setdefault(name, []).append(text)
        for name, info in self.free.items():
            texts = given.get(name)
            if texts is None:
                if info.required:
                    raise TrunklineError(Code.INVALID_PARAMS, f"The query parameter '{name}' is missing.", field=name)
            elif name in self._lists:
                values[name] = self._from_text(name, texts)
            elif len(texts) > 1:
                raise TrunklineError(
                    Code.INVALID_PARAMS, f"The query parameter '{name}' is given more than once.", field=name
                )
            else:
                values[name] = self._from_text(name, texts[0])

    def _from_text(self, name: str, text: str | list[str], shown_as: str = "") -> Any:
        try:
            return msgspec.convert(text, self._types[name], strict=False)
        except msgspec.ValidationError as error:
            raise complaint(error, shown_as or name) from None

    def _decode_body(self, body: bytes, content_type: str | None) -> Any:
        assert self._decoder is not None
        if not body:
            body = b"{}"
        elif content_type is None or _JSON_TYPES.fullmatch(content_type.partition(";")[0].strip()) is None:
            given = "missing" if content_type is None else repr(content_type)
            raise TrunklineError(Code.UNSUPPORTED_MEDIA_TYPE, f"Content-Type is {given}.")
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise complaint(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TrunklineError(Code.MALFORMED_BODY, f"The body is not valid JSON: {error}") from None
        except RecursionError:
            raise TrunklineError(Code.MALFORMED_BODY, "The body is nested too deeply.") from None


def check_contents(request: msgspec.Struct) -> None:
    """Refuse a bulk with a message whose content is missing or no object, as any other wrong type would.

    ``Raw`` lets everything pass; a single send is checked where its type is known, but there a bulk goes on.

    Raises:
        TrunklineError: ``INVALID_CONTENT``.
    """
    if not isinstance(request, BulkSend):
        return
    for index, send in enumerate(request.messages):
        if bytes(send.content)[:1] != b"{":
            field = f"messages[{index}].content"
            raise TrunklineError(Code.INVALID_CONTENT, f"{field} must be an object.", field=field)


def is_list(type_: Any) -> bool:
    """Whether a field holds a list, and so may be repeated in a query."""
    if hasattr(type_, "__metadata__"):
        type_ = get_args(type_)[0]
    return get_origin(type_) is list


def as_definition(info: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    """The definition of a field, to build another Struct with it."""
    if info.default_factory is not msgspec.NODEFAULT:
        return info.name, info.type, msgspec.field(default_factory=info.default_factory)
    if info.default is not msgspec.NODEFAULT:
        return info.name, info.type, info.default
    return info.name, info.type


def complaint(error: msgspec.ValidationError, name: str = "") -> TrunklineError:
    """Say what msgspec found wrong, and name the field."""
    text = str(error)
    at = _AT.search(text)
    message = _AT.sub("", text)
    field = name or (at.group(1) if at else "")
    if name and at and at.group(1):
        field = name + at.group(1)
    if (missing := _NAMED_FIELD.search(message)) is not None:
        field = f"{field}.{missing.group(1)}".lstrip(".")
    message = message.replace("`", "'")
    return TrunklineError(Code.INVALID_PARAMS, f"{field}: {message}." if field else f"{message}.", field=field)
