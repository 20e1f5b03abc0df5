"""Shared to-do lists.

``items`` (set): which items there are. ``text``, ``assignee``, ``due_at_ms``, ``done`` (last): by item. Items are
named by who adds them, so that an item can be added offline and ticked off before the server has seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision
from trunkline.domain.cards.kinds.kind import CardKind, ItemId, Party, Time, Title, refuse
from trunkline.wire.cards import Cell, Op

MAX_ITEMS = 500
ItemText = Annotated[str, Meta(min_length=1, max_length=1000)]


class Item(Struct, omit_defaults=True):
    """An item; without a name it gets its position in the list, from 1."""

    text: ItemText
    item: ItemId | None = None
    assignee: Party | None = None
    due_at_ms: Time = 0


class TodoData(Struct):
    """A title and the items to begin with."""

    title: Title
    items: Annotated[list[Item], Meta(max_length=MAX_ITEMS)] = msgspec.field(default_factory=list)


class Add(Struct, omit_defaults=True):
    """A new item under a name of its maker's choice."""

    item: ItemId
    text: ItemText
    assignee: Party | None = None
    due_at_ms: Time = 0


class Edit(Struct, omit_defaults=True):
    """What changes; None takes an assignee away."""

    item: ItemId
    text: ItemText | UnsetType = UNSET
    assignee: Party | UnsetType | None = UNSET
    due_at_ms: Time | UnsetType = UNSET


class Check(Struct):
    """Tick an item off, or not."""

    item: ItemId
    done: bool = True


class Remove(Struct):
    """Take an item off the list."""

    item: ItemId


class Todo(CardKind):
    """A shared to-do list."""

    name = "todo"
    data_type = TodoData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"add": Add, "edit": Edit, "check": Check, "remove": Remove}

    def check(self, data: dict[str, Any]) -> TodoData:
        """Items have different names."""
        todo: TodoData = self.read(data)
        if len(set(initial_items(todo))) != len(todo.items):
            refuse("two items have the same name")
        return todo

    def repeats(self, card: Card, actor: Actor, action: str, params: Any) -> Cell | None:
        """An item that is added, ticked or removed already."""
        if action == "check":
            cell = card.state.cells("done").get(params.item)
            same = cell is not None and cell.value == params.done
        elif action == "remove":
            cell = card.state.cells("items").get(params.item)
            same = cell is not None and cell.value is False
        elif action == "add":
            cell = card.state.cells("items").get(params.item)
            same = cell is not None and bool(cell.value) and card.state.value("text", params.item) == params.text
        else:
            return None
        return cell if same else None

    def decide(self, card: Card, actor: Actor, action: str, params: Any, draw: int) -> Decision:
        """Change the list."""
        item = params.item
        present = self._present(card)
        if action == "add":
            if item in present or card.state.value("items", item) is False:
                raise TrunklineError(Code.ALREADY_EXISTS, f"there is or was an item {item!r}", field="value")
            if len(present) >= MAX_ITEMS:
                raise TrunklineError(Code.LIMIT_EXCEEDED, f"a list has at most {MAX_ITEMS} items", field="value")
        elif item not in present:
            raise TrunklineError(Code.NOT_FOUND, f"there is no item {item!r}", field="value")
        if action == "check":
            return Decision((Op("done", "last", item, params.done),))
        if action == "remove":
            return Decision((Op("items", "set", item, False),))
        changed = {name: value for name, value in msgspec.to_builtins(params).items() if name != "item"}
        if not changed:
            refuse("name something to change", "value")
        ops = [Op("items", "set", item, True)] if action == "add" else []
        ops += [Op(name, "last", item, value) for name, value in changed.items()]
        return Decision(tuple(ops))

    @staticmethod
    def _present(card: Card) -> set[str]:
        cells = card.state.cells("items")
        present = {item for item in initial_items(card.data) if item not in cells or cells[item].value}
        return present | {item for item, cell in cells.items() if cell.value}


def initial_items(todo: TodoData) -> list[str]:
    """The names of the items the list was made with."""
    return [item.item or str(position) for position, item in enumerate(todo.items, 1)]
