"""The four merges, and the fold from entries to a card's state.

Every cell remembers the seq that wrote it, and one rule decides between two writers of a cell:

========= ==================== =========================================================================
merge     of two cells wins     what a key is, and what the field means
========= ==================== =========================================================================
set       the later            an element; the field is the keys whose value is true
first     the earlier          anything; who came first keeps it
last      the later            anything; the newest value
counter   the later            a party; its value is that party's total, and the field is the sum of all
========= ==================== =========================================================================

A seq names one entry, and an entry writes a cell at most once, so two different cells never tie. The fold is therefore
independent of the order and the number of times entries are applied, and ``join`` is commutative, associative and
idempotent: every device that has seen the same entries has the same state.

Not here: whether an operation is allowed (``domain.cards``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from trunkline.wire.cards import CardState, Cell, Field, Op

MAX_STATE_IN_PAGE_BYTES = 16_384
"""A larger state comes with ``card.get`` only."""

_encode = msgspec.msgpack.Encoder().encode


def wins(merge: str, new: Cell, old: Cell) -> bool:
    """Whether ``new`` replaces ``old``."""
    return new.seq < old.seq if merge == "first" else new.seq > old.seq


def apply(state: CardState, op: Op, *, seq: int, at_ms: int, by: str) -> bool:
    """Apply one operation of the entry at ``seq``; False when another cell wins."""
    field = state.fields.get(op.field)
    if field is None:
        field = state.fields[op.field] = Field(op.merge)
    cell = Cell(seq, at_ms, by, op.value)
    old = field.cells.get(op.key)
    if old is not None and not wins(field.merge, cell, old):
        return False
    field.cells[op.key] = cell
    return True


def apply_all(state: CardState, ops: Iterable[Op], *, seq: int, at_ms: int, by: str) -> None:
    """Apply the operations of one entry."""
    for op in ops:
        apply(state, op, seq=seq, at_ms=at_ms, by=by)


def fold_change(state: CardState, content: Any, *, seq: int, at_ms: int, by: str) -> None:
    """Apply a ``card.changed`` entry; one whose content was erased, or that is not understood, changes nothing."""
    raw = content.get("ops") if isinstance(content, dict) else None
    if not raw:
        return
    try:
        ops = msgspec.convert(raw, list[Op])
    except msgspec.ValidationError:
        return
    apply_all(state, ops, seq=seq, at_ms=at_ms, by=by)


def join(one: CardState, other: CardState) -> CardState:
    """The state of who has seen what either has seen."""
    joined = CardState(partial=one.partial and other.partial)
    for state in (one, other):
        for name, field in state.fields.items():
            into = joined.fields.setdefault(name, Field(field.merge)).cells
            for key, cell in field.cells.items():
                old = into.get(key)
                if old is None or wins(field.merge, cell, old):
                    into[key] = cell
    return joined


def too_large(state: CardState) -> bool:
    """Whether a page of history leaves a state out."""
    return any(len(field.cells) for field in state.fields.values()) and len(_encode(state)) > MAX_STATE_IN_PAGE_BYTES


def as_of(state: CardState, seq: int) -> CardState:
    """What is left of a state for a reader who may see entries up to ``seq`` only; what was overwritten is lost."""
    shown = CardState(partial=state.partial)
    for name, field in state.fields.items():
        cells = {key: cell for key, cell in field.cells.items() if cell.seq <= seq}
        if cells:
            shown.fields[name] = Field(field.merge, cells)
    return shown
