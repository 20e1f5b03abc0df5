"""App-defined cards: the app names fields, says how each merges, who may write it, and what a value looks like.

The merges are those of every other card, so an order, a queue number or a game score converges like a poll does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision
from trunkline.domain.cards.kinds.kind import CardKind, refuse
from trunkline.domain.cards.schema import check_schema, check_value
from trunkline.wire.cards import Cell, Merge, Op

MAX_FIELDS = 32
MAX_OPS = 50
Name = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9._-]{0,63}$")]
Key = Annotated[str, Meta(max_length=64)]
_RESERVED = frozenset({"closed"})
_MOST = 2**53 - 1


class FieldSpec(Struct):
    """One field of shared state.

    Attributes:
        merge: how two writers are decided between.
        keys: ``party``: everyone has a cell of its own; ``one``: there is a single cell; ``any``: the writer names it.
        by: who may write.
        schema: JSON Schema of a value (of the element, for a ``set``; of what is added, for a ``counter``).
    """

    merge: Merge
    keys: Literal["party", "one", "any"] = "party"
    by: Literal["everyone", "creator", "admins"] = "everyone"
    schema: dict[str, Any] = msgspec.field(default_factory=dict)


class CustomData(Struct):
    """A name of the app's own, fields, and whatever else the app shows."""

    name: Name
    fields: Annotated[dict[Name, FieldSpec], Meta(max_length=MAX_FIELDS)]
    title: Annotated[str, Meta(max_length=500)] = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    data_schema: dict[str, Any] = msgspec.field(default_factory=dict)


class FieldOp(Struct):
    """A value for a field. A ``set`` takes true or false for an element, a ``counter`` what to add."""

    field: str
    value: Any
    key: Key = ""


class Apply(Struct):
    """Operations that take effect together."""

    ops: Annotated[list[FieldOp], Meta(min_length=1, max_length=MAX_OPS)]


class Custom(CardKind):
    """An app-defined card."""

    name = "custom"
    data_type = CustomData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"apply": Apply}

    def check(self, data: dict[str, Any]) -> CustomData:
        """Schemas are within bounds, and the card's own data fits its schema."""
        custom: CustomData = self.read(data)
        for name, spec in custom.fields.items():
            if name in _RESERVED:
                refuse(f"the field name {name!r} is reserved")
            if spec.merge == "counter" and spec.keys != "party":
                refuse(f"field {name!r}: a counter has one cell per party")
            if spec.merge == "set" and spec.keys == "one":
                refuse(f"field {name!r}: a set has a cell per element")
            check_schema(spec.schema, f"field {name!r}")
        if custom.data_schema:
            check_schema(custom.data_schema, "data")
            check_value(custom.data_schema, custom.data, "data", "data")
        return custom

    def decide(self, card: Card, actor: Actor, action: str, params: Apply, draw: int) -> Decision:
        """Check every operation; those that lose to what is there are left out."""
        ops: list[Op] = []
        beaten: Cell | None = None
        seen: set[tuple[str, str]] = set()
        for given in params.ops:
            op = self._op(card, actor, given)
            if (op.field, op.key) in seen:
                refuse(f"two operations write {op.field!r} at {op.key!r}", "value")
            seen.add((op.field, op.key))
            there = card.state.cells(op.field).get(op.key)
            if there is not None and (op.merge == "first" or (op.merge == "set" and there.value == op.value)):
                beaten = there
            else:
                ops.append(op)
        return Decision(tuple(ops), repeats=None if ops else beaten)

    @staticmethod
    def _op(card: Card, actor: Actor, given: FieldOp) -> Op:
        spec: FieldSpec | None = card.data.fields.get(given.field)
        if spec is None:
            refuse(f"there is no field {given.field[:64]!r}", "value")
        if not _may_write(spec, card, actor):
            raise TrunklineError(Code.FORBIDDEN, f"only the {spec.by} may write {given.field!r}", field="value")
        if spec.keys == "party" and spec.merge != "set":
            if given.key not in ("", actor.key):
                raise TrunklineError(Code.FORBIDDEN, f"{given.field!r} has a cell per party; write your own")
            key = actor.key
        elif spec.keys == "one":
            key = ""
        else:
            key = given.key
        if spec.merge == "set":
            return _set_op(spec, given, key if spec.keys == "any" else actor.key)
        check_value(spec.schema, given.value, f"field {given.field!r}")
        if spec.merge != "counter":
            return Op(given.field, spec.merge, key, given.value)
        if isinstance(given.value, bool) or not isinstance(given.value, int):
            refuse(f"{given.field!r} is a counter: the value is a whole number to add", "value")
        total = (card.state.value(given.field, key) or 0) + given.value
        if abs(total) > _MOST:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"the counter {given.field!r} would leave its range")
        return Op(given.field, "counter", key, total)


def _set_op(spec: FieldSpec, given: FieldOp, element: str) -> Op:
    if not isinstance(given.value, bool):
        refuse(f"{given.field!r} is a set: the value is true or false", "value")
    if not element:
        refuse(f"{given.field!r} is a set: the key is its element", "value")
    check_value(spec.schema, element, f"field {given.field!r}")
    return Op(given.field, "set", element, given.value)


def _may_write(spec: FieldSpec, card: Card, actor: Actor) -> bool:
    if actor.server or spec.by == "everyone":
        return True
    return actor.party == card.creator or (spec.by == "admins" and actor.rank >= 2)
