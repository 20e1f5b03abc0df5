"""What stays of a party's cards and actions when the party is erased; the same on servers and devices.

Amounts of a red packet and who got them stay, or sums would no longer be exact; so does who may claim, or an erasure
would open a packet to everyone; so does why and when a card closed. Everything else a party put on a card goes.
"""

from __future__ import annotations

from typing import Any

from trunkline.wire import entries as types
from trunkline.wire.cards import CardState, Cell

_PACKET_DATA = ("amount", "shares", "split", "currency", "to")
_STRUCTURE = {
    "red_packet": frozenset({"closed", "claims", "refund"}),
    "approval": frozenset({"closed", "outcome"}),
}
_CLOSED = frozenset({"closed"})


def redacted(type: str, content: dict[str, Any]) -> dict[str, Any] | None:
    """What stays of the content of a ``card.created`` or ``card.changed`` entry; None for nothing.

    Redacting twice changes nothing more.
    """
    kind = str(content.get("kind", ""))
    if type == types.CARD_CHANGED:
        ops = [op for op in content.get("ops") or () if op[0] in structure(kind)]
        if not ops:
            return None
        kept = {"kind": kind, "action": content.get("action", ""), "ops": ops}
        return kept | {name: content[name] for name in ("event", "closes") if name in content}
    created: dict[str, Any] = {"kind": kind}
    if "closes_at_ms" in content:
        created["closes_at_ms"] = content["closes_at_ms"]
    data = content.get("data")
    if kind == "red_packet" and isinstance(data, dict):
        created["data"] = {name: data[name] for name in _PACKET_DATA if name in data}
    return created


def without_party(state: CardState, kind: str, party: str) -> None:
    """Drop what a party wrote from the state of a card."""
    kept = structure(kind)
    for name, field in state.fields.items():
        if name in kept:
            continue
        for key, cell in field.cells.items():
            if cell.value is not None and party in (key, cell.by):
                field.cells[key] = Cell(cell.seq, cell.at_ms, cell.by, 0 if field.merge == "counter" else None)


def structure(kind: str) -> frozenset[str]:
    """The fields of a kind that an erasure leaves alone."""
    return _STRUCTURE.get(kind, _CLOSED)
