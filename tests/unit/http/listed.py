"""Rows of the registry (see ``registry``) made from the operations a feature lists, with the smallest answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect as types

from trunkline.services.broadcasts import operations as broadcasts
from trunkline.services.communities import operations as communities
from trunkline.services.live import operations as live
from trunkline.services.operation import Audience, Operation
from trunkline.services.quizzes import operations as quizzes
from trunkline.services.threads import operations as threads
from trunkline.services.webhooks import operations as webhooks

Row = tuple[str, type[msgspec.Struct], type[msgspec.Struct], Any, str, Audience]


class Anything:
    """A service of which only the names of its methods are used."""

    def __getattr__(self, name: str) -> None:
        return None


def smallest(kind: Any) -> Any:
    """A value of a type with as little in it as the type allows."""
    info = types.type_info(kind) if not isinstance(kind, types.Type) else kind
    if isinstance(info, types.StructType):
        return info.cls(**{field.name: smallest(field.type) for field in info.fields if field.required})
    if isinstance(info, types.LiteralType):
        return info.values[0]
    simple: dict[type, Any] = {
        types.StrType: "x",
        types.IntType: 1,
        types.BoolType: True,
        types.ListType: [],
        types.DictType: {},
    }
    return simple.get(type(info))


def rows(listing: Callable[..., list[Operation]]) -> list[Row]:
    """One row for each operation of a feature."""
    services = [Anything() for _ in inspect.signature(listing).parameters]
    return [(op.name, op.request, op.result, smallest(op.result), op.scope, op.audience) for op in listing(*services)]


LISTED: tuple[Row, ...] = (
    *rows(threads.operations),
    *rows(live.operations),
    *rows(quizzes.operations),
    *rows(broadcasts.operations),
    *rows(communities.operations),
    *rows(webhooks.operations),
)
