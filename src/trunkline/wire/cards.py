"""Cards on the wire: the operations that change a card's shared state, and that state.

A card is an entry ``card.created {kind, text, data, closes_at_ms?}``. What happens to it are entries
``card.changed {kind, action, value, ops, event?, closes?}`` whose ``target`` is the card's seq. ``ops`` describe
themselves, so a client folds the state of a card whose kind it has never heard of.

Not here: how operations merge (``protocol.cards``), which ones a kind allows (``domain.cards``).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Merge = Literal["set", "first", "last", "counter"]
"""How a field's cells merge; see ``protocol.cards.merges``."""


class Op(msgspec.Struct, array_like=True, frozen=True):
    """One operation: ``value`` for ``key`` of ``field``."""

    field: str
    merge: Merge
    key: str
    value: Any = None


class Cell(msgspec.Struct, array_like=True, frozen=True):
    """What stands at a key: the value, who wrote it, and where in the log."""

    seq: int
    at_ms: int
    by: str
    value: Any = None


class Field(msgspec.Struct, array_like=True):
    """One field of a card: a merge and its cells by key."""

    merge: Merge
    cells: dict[str, Cell] = msgspec.field(default_factory=dict)


class CardState(msgspec.Struct, omit_defaults=True):
    """The shared state of a card.

    ``partial``: the state is larger than a page of history carries; ``card.get`` has all of it.
    """

    fields: dict[str, Field] = msgspec.field(default_factory=dict)
    partial: bool = False

    def cells(self, field: str) -> dict[str, Cell]:
        """The cells of a field; empty when nothing was written."""
        found = self.fields.get(field)
        return found.cells if found is not None else {}

    def value(self, field: str, key: str = "") -> Any:
        """What stands at a key, or None."""
        cell = self.cells(field).get(key)
        return cell.value if cell is not None else None

    def members(self, field: str) -> list[str]:
        """The elements of a ``set``, sorted."""
        return sorted(key for key, cell in self.cells(field).items() if cell.value)

    def total(self, field: str) -> int:
        """The value of a ``counter``."""
        return sum(cell.value for cell in self.cells(field).values())

    @property
    def closed(self) -> str:
        """Why the card takes no more actions; empty while it does."""
        return self.value("closed") or ""
