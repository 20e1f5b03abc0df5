"""How change entries fold into the present state of a message.

Server, projections and clients use the same fold, so that all of them converge: every change is
last-writer-wins per (message, aspect, party) in log order, and ``as_of`` makes it idempotent.
"""

from __future__ import annotations

from typing import Any

from trunkline.protocol.cards.merges import fold_change
from trunkline.wire import entries as types
from trunkline.wire.cards import CardState
from trunkline.wire.entries import Overlay

CHANGES_A_MESSAGE = frozenset(
    {types.EDITED, types.RECALLED, types.EXPIRED, types.REACTED, types.PINNED, types.CARD_CHANGED}
)
"""Entry types whose ``target`` gets an overlay."""


def fold(overlay: Overlay, *, seq: int, at_ms: int, sender: str, type: str, content: Any) -> None:
    """Apply one change entry to the overlay of its target; entries already contained are ignored."""
    if seq <= overlay.as_of:
        return
    overlay.as_of = seq
    if type == types.EDITED:
        if not overlay.recalled and not overlay.expired:
            overlay.content = content["content"]
            overlay.edited_seq = seq
            overlay.edited_at_ms = at_ms
    elif type == types.REACTED:
        _react(overlay, sender, content["key"], content["on"])
    elif type == types.PINNED:
        overlay.pinned = content["on"]
    elif type == types.CARD_CHANGED:
        if not overlay.recalled and not overlay.expired:
            overlay.card = overlay.card or CardState()
            fold_change(overlay.card, content, seq=seq, at_ms=at_ms, by=sender)
    elif type in (types.RECALLED, types.EXPIRED):
        overlay.recalled = overlay.recalled or type == types.RECALLED
        overlay.expired = overlay.expired or type == types.EXPIRED
        overlay.content = None
        overlay.reactions = {}
        overlay.pinned = False
        overlay.card = None


def _react(overlay: Overlay, sender: str, key: str, on: bool) -> None:
    parties = [party for party in overlay.reactions.get(key, ()) if party != sender]
    if on:
        parties.append(sender)
    if parties:
        overlay.reactions[key] = parties
    else:
        overlay.reactions.pop(key, None)
