"""What an action will become if the server accepts it: so a device shows it at once, also without a connection.

Pure and total: an action that is not understood, or whose outcome only the server can know (the amount of a claim, the
alias of an anonymous vote), foresees nothing. The operations go through the merges of every other operation, as if
written after everything this device has seen; the real entry then takes their place.

Not here: whether the server will accept it (``domain.cards``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.protocol.cards.merges import apply_all
from trunkline.wire.cards import CardState, Merge, Op

FIRST_FORESEEN_SEQ = 2**53
"""Above every seq of a log."""

_POSITION = ("latitude", "longitude", "accuracy_m", "heading_deg", "speed_mps")
_DETAILS = ("title", "starts_at_ms", "ends_at_ms", "place", "description")
_ITEM = ("text", "assignee", "due_at_ms")

_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(CardState).decode


def foresee(kind: str, data: Any, state: CardState, party: str, action: str, value: Any) -> list[Op]:
    """The operations of an action of ``party`` on a card in ``state``."""
    if action == "close":
        return [Op("closed", "first", "", "closed")] if kind != "red_packet" else []
    rule = _RULES.get((kind, action))
    if rule is None or not isinstance(data, dict) or not isinstance(value, dict):
        return []
    try:
        return rule(data, state, party, value)
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def with_foreseen(kind: str, data: Any, state: CardState, party: str, actions: list[tuple[str, Any, int]]) -> CardState:
    """A state with actions of this device on top that have not come back yet: (action, value, at_ms), oldest first."""
    shown = _decode(_encode(state))
    for position, (action, value, at_ms) in enumerate(actions):
        ops = foresee(kind, data, shown, party, action, value)
        apply_all(shown, ops, seq=FIRST_FORESEEN_SEQ + position, at_ms=at_ms, by=party)
    return shown


def _vote(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    return [] if data.get("anonymous") else [Op("votes", "last", party, sorted(set(value["choices"])))]


def _rsvp(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    answer = {"answer": value["answer"], "guests": value.get("guests", 0), "note": value.get("note", "")}
    return [Op("rsvp", "last", party, answer)]


def _details(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    return [Op("details", "last", name, value[name]) for name in _DETAILS if name in value]


def _position(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    at = {name: float(value[name]) for name in _POSITION if name in value}
    return [Op("positions", "last", party, {k: v for k, v in at.items() if v or k in _POSITION[:2]})]


def _add(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    given = [name for name in _ITEM if value.get(name)]
    return [
        Op("items", "set", value["item"], True),
        *(Op(name, "last", value["item"], value[name]) for name in given),
    ]


def _edit(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    return [Op(name, "last", value["item"], value[name]) for name in _ITEM if name in value]


def _check(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    return [Op("done", "last", value["item"], value.get("done", True))]


def _remove(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    return [Op("items", "set", value["item"], False)]


def _decide(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    decision = {"decision": value["decision"], "comment": value.get("comment", "")}
    return [Op("decisions", "first", party, decision)]


def _submit(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    return [Op("responses", "first" if data.get("final") else "last", party, value["answers"])]


def _apply(data: dict[str, Any], state: CardState, party: str, value: dict[str, Any]) -> list[Op]:
    ops = []
    for given in value["ops"]:
        name = given["field"]
        spec = data["fields"][name]
        merge: Merge = spec["merge"]
        keys = spec.get("keys", "party")
        key = "" if keys == "one" else given.get("key", "") if keys == "any" else party
        written = given["value"]
        if merge == "counter":
            written += state.value(name, key) or 0
        ops.append(Op(name, merge, key, written))
    return ops


_RULES: dict[tuple[str, str], Callable[[dict[str, Any], CardState, str, dict[str, Any]], list[Op]]] = {
    ("poll", "vote"): _vote,
    ("event", "rsvp"): _rsvp,
    ("event", "update"): _details,
    ("live_location", "update"): _position,
    ("todo", "add"): _add,
    ("todo", "edit"): _edit,
    ("todo", "check"): _check,
    ("todo", "remove"): _remove,
    ("approval", "decide"): _decide,
    ("form", "submit"): _submit,
    ("custom", "apply"): _apply,
}
