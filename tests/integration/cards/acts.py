"""What the tests of cards do over and over: put one up, act on it, read it."""

from __future__ import annotations

from typing import Any

from tests.integration.link.wire_client import WireClient

POLL = {"question": "Where do we eat?", "options": ["Noodles", "Pizza"]}
PACKET = {"amount": 1000, "shares": 3, "split": "random", "currency": "CNY", "greeting": "Good luck"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "poll": POLL,
    "event": {"title": "Launch", "starts_at_ms": 1_900_000_000_000, "capacity": 3},
    "location": {"latitude": 31.2, "longitude": 121.5, "title": "The Bund"},
    "live_location": {"latitude": 31.2, "longitude": 121.5, "shared": True},
    "todo": {"title": "Trip", "items": [{"text": "Tickets", "item": "t"}]},
    "approval": {"title": "Leave", "approvers": ["user/b", "user/c"]},
    "form": {
        "title": "Shirts",
        "questions": [{"id": "size", "label": "Size", "type": "choice", "options": ["S", "M"], "required": True}],
    },
    "red_packet": PACKET,
    "custom": {
        "name": "order",
        "fields": {
            "cups": {"merge": "counter", "schema": {"type": "integer", "minimum": 1, "maximum": 9}},
            "taken_by": {"merge": "first", "keys": "one", "schema": {"type": "string"}},
            "tags": {"merge": "set", "keys": "any"},
        },
    },
}
"""A card of every kind."""

ACTIONS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "poll": [("user/b", "vote", {"choices": [1]}), ("user/c", "vote", {"choices": [1]})],
    "event": [("user/b", "rsvp", {"answer": "yes", "guests": 1}), ("user/a", "update", {"place": "Hall 2"})],
    "location": [],
    "live_location": [("user/b", "update", {"latitude": 1.5, "longitude": 2.5})],
    "todo": [("user/b", "add", {"item": "v", "text": "Visa"}), ("user/c", "check", {"item": "t"})],
    "approval": [("user/b", "decide", {"decision": "approve"}), ("user/c", "decide", {"decision": "approve"})],
    "form": [("user/b", "submit", {"answers": {"size": "M"}})],
    "red_packet": [("user/b", "claim", {}), ("user/c", "claim", {})],
    "custom": [
        ("user/b", "apply", {"ops": [{"field": "cups", "value": 2}, {"field": "tags", "key": "hot", "value": True}]}),
        ("user/c", "apply", {"ops": [{"field": "taken_by", "value": "c"}, {"field": "cups", "value": 3}]}),
    ],
}
"""Who does what to it, one after the other."""

OUTCOMES: dict[str, dict[str, Any]] = {
    "poll": {"votes": [0, 2], "voters": 2},
    "event": {"yes": 1, "no": 0, "maybe": 0, "guests": 1, "details": {"place": "Hall 2"}},
    "location": {},
    "todo": {
        "items": [{"item": "t", "text": "Tickets", "done": True}, {"item": "v", "text": "Visa", "done": False}],
        "done": 1,
    },
    "approval": {"decisions": {"user/b": "approve", "user/c": "approve"}, "outcome": "approved", "waiting_for": []},
    "form": {"responses": 1, "counts": {"size": {"M": 1}}},
    "custom": {"cups": 5, "taken_by": {"": "c"}, "tags": ["hot"]},
}
"""What the summary then says."""


def create(client: WireClient, conversation: str, kind: str = "poll", data: Any = None, **more: Any) -> int:
    """Put up a card; its seq."""
    content = EXAMPLES[kind] if data is None else data
    seq: int = client.call("card.create", conversation=conversation, kind=kind, data=content, **more)["seq"]
    return seq


def act(client: WireClient, conversation: str, seq: int, action: str, value: Any = None, **more: Any) -> Any:
    """Act on a card; the answer."""
    return client.call("card.act", conversation=conversation, seq=seq, action=action, value=value or {}, **more)


def card(client: WireClient, conversation: str, seq: int) -> Any:
    """A card as its reader sees it."""
    return client.call("card.get", conversation=conversation, seq=seq)


def paid(found: Any) -> tuple[int, int, int]:
    """Amounts of a red packet: claimed, refunded, left."""
    summary = found["summary"]
    return summary["claimed"], summary["refunded"], summary["left"]["amount"]
