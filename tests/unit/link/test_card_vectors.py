"""The vectors of cards (``spec/vectors/cards.json``), run against the fold that servers and the SDK share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.protocol.cards.merges import fold_change
from trunkline.wire.cards import CardState

FILE = Path(__file__).parents[3] / "spec" / "vectors" / "cards.json"
LOGS = json.loads(FILE.read_text(encoding="utf-8"))["logs"]
_KNOWN = {"name", "entries", "state", "closed", "members", "totals", "value"}


def folded(entries: list[dict[str, Any]]) -> CardState:
    """What the entries lead to, one after the other."""
    state = CardState()
    for entry in entries:
        fold_change(state, entry["content"], seq=entry["seq"], at_ms=entry["at_ms"], by=entry["sender"])
    return state


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log["name"])
def test_a_log_leads_to_its_state_in_any_order(log: dict[str, Any]) -> None:
    assert log.keys() <= _KNOWN, "a key that this runner does not know"
    entries = log["entries"]
    for order in (entries, entries[::-1], [entry for entry in entries for _ in (1, 2)], entries[1:] + entries[:1]):
        state = folded(order)
        assert msgspec.to_builtins(state) == log["state"]
        assert state.closed == log.get("closed", "")
        for name, elements in log.get("members", {}).items():
            assert state.members(name) == elements
        for name, total in log.get("totals", {}).items():
            assert state.total(name) == total
        for name, value in log.get("value", {}).items():
            assert state.value(name) == value
