"""What the tests of rooms do over and over: make a room, come in, say something, and look at what came."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.integration.link.wire_client import WireClient

TYPES = {
    "x.say": {"delivery": "reliable", "speech": True, "recent": True},
    "x.chat": {"delivery": "sample", "speech": True, "recent": True},
    "x.like": {"delivery": "coalesce"},
    "x.where": {"delivery": "latest-wins"},
}
"""One type of each delivery policy."""

Item = list[Any]
TYPE, SENDER, AFTER, CONTENT, SEQ, COUNT, TARGET = range(7)


def room(host: WireClient, conversation: str = "r1", **settings: Any) -> str:
    """Create a room; its id."""
    made: str = host.call("room.create", id=conversation, **{"types": TYPES, **settings})["conversation"]
    return made


def join(client: WireClient, conversation: str = "r1") -> Any:
    """Come in; how the room is."""
    return client.call("room.join", conversation=conversation)


def say(client: WireClient, text: str, type: str = "x.say", conversation: str = "r1", **more: Any) -> Any:
    """Send a message; the acknowledgement."""
    return client.call("room.send", conversation=conversation, type=type, content={"text": text}, **more)


def items(client: WireClient, conversation: str = "r1") -> list[Item]:
    """Every item that came so far."""
    batches = [data for event, data in client.pushes if event == "room" and data["conversation"] == conversation]
    return [item for batch in batches for item in batch.get("items", [])]


def texts(found: list[Item]) -> list[str]:
    """What the items say."""
    return [item[CONTENT]["text"] for item in found if isinstance(item[CONTENT], dict) and "text" in item[CONTENT]]


def wait_for(client: WireClient, condition: Callable[[], Any], timeout_s: float = 45) -> Any:
    """Receive until a condition holds; what it answered."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        client.receive()
    return found


def hear(client: WireClient, *wanted: str, conversation: str = "r1") -> list[str]:
    """Receive until these texts have come; all texts in order."""
    wait_for(client, lambda: set(wanted) <= set(texts(items(client, conversation))))
    return texts(items(client, conversation))


def counts(client: WireClient, conversation: str = "r1") -> dict[str, Any]:
    """The counters by type; the client must run the room."""
    found: dict[str, Any] = client.call("room.stats", conversation=conversation)["types"]
    return found


def balanced(found: dict[str, Any]) -> bool:
    """Whether every message is accounted for."""
    return all(
        c.get("received", 0)
        == sum(c.get("refused", {}).values())
        + c.get("sent", 0)
        + sum(c.get("dropped", {}).values())
        + c.get("pending", 0)
        for c in found.values()
    )
