"""What the tests of this folder do over and over: say something, expect a refusal, make a group, wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.link.wire_client import Refused, WireClient
from trunkline.base.errors import Code

DEADLINE_S = 40.0


def say(client: WireClient, conversation: str, text: str, **more: Any) -> int:
    """Send a text; its seq."""
    seq: int = client.call("message.send", conversation=conversation, content={"text": text}, **more)["seq"]
    return seq


def tell(client: WireClient, to: str, text: str, **more: Any) -> tuple[str, int]:
    """Send a text directly to a party; conversation and seq."""
    sent = client.call("message.send", to=to, content={"text": text}, **more)
    return sent["conversation"], sent["seq"]


def refused(code: Code, client: WireClient, method: str, **params: Any) -> None:
    """The call is refused with exactly this code, as certainly not applied."""
    with pytest.raises(Refused) as caught:
        client.call(method, **params)
    assert caught.value.code == code.number, caught.value.error
    assert caught.value.error["name"] == code.slug
    assert caught.value.error["applied"] is False


def group(owner: WireClient, conversation: str, *members: str, **more: Any) -> str:
    """Create a group; its id."""
    made: str = owner.call("group.create", id=conversation, members=list(members), **more)["conversation"]
    return made


def history(client: WireClient, conversation: str, **more: Any) -> list[dict[str, Any]]:
    """Entries of a conversation."""
    entries: list[dict[str, Any]] = client.call("history.get", conversation=conversation, **more)["entries"]
    return entries


def entry_at(client: WireClient, conversation: str, seq: int) -> dict[str, Any]:
    """One entry."""
    (entry,) = history(client, conversation, from_seq=seq, to_seq=seq)
    assert entry["seq"] == seq
    return entry


def view(client: WireClient, conversation: str) -> dict[str, Any]:
    """A conversation as its member sees it."""
    found: dict[str, Any] = client.call("conversation.get", conversation=conversation)
    return found


def unread(client: WireClient, conversation: str) -> tuple[int, int]:
    """Unread messages and mentions."""
    found = view(client, conversation)
    return found.get("unread", 0), found.get("unread_mentions", 0)


def texts(entries: list[dict[str, Any]]) -> list[str]:
    """What the texts among entries say."""
    return [entry["content"]["text"] for entry in entries if entry["type"] == "text" and entry.get("content")]


def pushed(client: WireClient, event: str) -> list[Any]:
    """Every push of a kind that came up to now: whatever was sent before the reply to this call has arrived."""
    client.call("block.list")
    return [data for name, data in client.pushes if name == event]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, by asking the server again and again."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
