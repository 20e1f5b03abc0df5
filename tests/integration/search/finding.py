"""Searching over REST, once the index has everything."""

from __future__ import annotations

import time
from typing import Any

import httpx

DEADLINE_S = 40.0


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of a success."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def page(client: httpx.Client, text: str, **more: Any) -> Any:
    """One page, asked for again until the index is not behind."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = ok(client.get("/v1/messages/search", params={"text": text, **more}))
        if not found.get("behind") and not found.get("building"):
            return found
        assert time.monotonic() < deadline, "the index does not catch up"


def every(client: httpx.Client, text: str, **more: Any) -> list[Any]:
    """All hits of all pages."""
    hits: list[Any] = []
    after = ""
    while True:
        found = page(client, text, **more, **({"after": after} if after else {}))
        hits += found["hits"]
        after = found.get("next", "")
        if not after:
            return hits


def texts(client: httpx.Client, text: str, **more: Any) -> list[str]:
    """What the hits say."""
    return [hit["text"] for hit in every(client, text, **more)]


def say(client: httpx.Client, conversation: str, text: str, **more: Any) -> int:
    """Send a text; its seq."""
    path = f"/v1/conversations/{conversation}/messages"
    return int(ok(client.post(path, json={"content": {"text": text}, **more}), 201)["seq"])
