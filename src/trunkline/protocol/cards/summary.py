"""What a person wants to know of a card, computed from its data and state; the same on servers and clients.

Pure and total: data or cells that were erased, or are not understood, count for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from trunkline.wire.cards import CardState


def summarize(kind: str, data: Any, state: CardState) -> dict[str, Any]:
    """The summary of a card; empty for kinds without one."""
    make = _SUMMARIES.get(kind)
    return make(data, state) if make is not None and isinstance(data, dict) else {}


def _poll(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    votes = [0] * len(data.get("options", ()))
    voters = 0
    for cell in state.cells("votes").values():
        voters += bool(cell.value)
        for choice in cell.value or ():
            if choice < len(votes):
                votes[choice] += 1
    return {"votes": votes, "voters": voters}


def _event(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    answers = {"yes": 0, "no": 0, "maybe": 0}
    guests = 0
    for cell in state.cells("rsvp").values():
        if cell.value:
            answers[cell.value["answer"]] += 1
            guests += cell.value["guests"] if cell.value["answer"] == "yes" else 0
    details = {name: cell.value for name, cell in state.cells("details").items() if cell.value is not None}
    return {**answers, "guests": guests, "details": details}


def _live_location(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    positions = {party: cell.value for party, cell in state.cells("positions").items() if cell.value}
    return {"positions": positions}


def _todo(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    present = state.cells("items")
    initial = {item.get("item") or str(i): item for i, item in enumerate(data.get("items", ()), 1)}
    names = [name for name in initial if name not in present or present[name].value]
    added = sorted((cell.seq, name) for name, cell in present.items() if cell.value and name not in initial)
    items = []
    for name in [*names, *(name for _, name in added)]:
        item = {"item": name, "text": "", "done": False} | initial.get(name, {})
        for field in ("text", "assignee", "due_at_ms", "done"):
            cell = state.cells(field).get(name)
            if cell is not None and (cell.value is not None or field == "assignee"):
                item[field] = cell.value
        items.append(item | {"item": name, "done": bool(item["done"])})
    return {"items": items, "done": sum(item["done"] for item in items)}


def _approval(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    decisions = {party: cell.value["decision"] for party, cell in state.cells("decisions").items() if cell.value}
    waiting = [party for party in data.get("approvers", ()) if party not in decisions]
    if state.closed:
        waiting = []
    elif data.get("mode", "ordered") == "ordered":
        waiting = waiting[:1]
    return {"decisions": decisions, "outcome": state.value("outcome") or "", "waiting_for": waiting}


def _form(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    responses = [cell.value for cell in state.cells("responses").values() if cell.value]
    counts: dict[str, dict[str, int]] = {}
    for question in data.get("questions", ()):
        if question.get("type") in ("choice", "choices", "boolean"):
            given = [response[question["id"]] for response in responses if response.get(question["id"]) is not None]
            flat = [one for answer in given for one in (answer if isinstance(answer, list) else [answer])]
            counts[question["id"]] = dict(Counter(str(one).lower() if isinstance(one, bool) else one for one in flat))
    return {"responses": len(responses), "counts": counts}


def _red_packet(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    claims = {party: cell.value["amount"] for party, cell in state.cells("claims").items()}
    refund = state.value("refund")
    claimed, refunded = sum(claims.values()), refund["amount"] if refund else 0
    left = {"amount": data.get("amount", 0) - claimed - refunded, "shares": data.get("shares", 0) - len(claims)}
    if refund:
        left["shares"] = 0
    return {"claims": claims, "claimed": claimed, "refunded": refunded, "left": left}


def _custom(data: dict[str, Any], state: CardState) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name, field in state.fields.items():
        if name == "closed":
            continue
        if field.merge == "set":
            summary[name] = state.members(name)
        elif field.merge == "counter":
            summary[name] = state.total(name)
        else:
            summary[name] = {key: cell.value for key, cell in field.cells.items()}
    return summary


_SUMMARIES: dict[str, Callable[[dict[str, Any], CardState], dict[str, Any]]] = {
    "poll": _poll,
    "event": _event,
    "live_location": _live_location,
    "todo": _todo,
    "approval": _approval,
    "form": _form,
    "red_packet": _red_packet,
    "custom": _custom,
}
