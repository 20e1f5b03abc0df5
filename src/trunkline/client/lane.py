"""The messages of one conversation that are not known to be accepted.

What is not here: sending them (``sending``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from trunkline.client.store import OutboxRow
from trunkline.wire import entries as types

_METHODS = {types.CARD_CREATED: "card.create", types.CARD_CHANGED: "card.act"}


class Lane:
    """The unaccepted messages of one conversation, oldest first: flying, then again, then queue."""

    __slots__ = ("again", "attempt", "flying", "key", "queue", "resting", "wait_s", "window")

    def __init__(self, key: str, window: int) -> None:
        self.key = key
        self.window = float(window)
        self.queue: deque[OutboxRow] = deque()
        self.flying: dict[int, OutboxRow] = {}
        self.again: list[OutboxRow] = []
        self.attempt = 0
        self.wait_s = 0.0
        self.resting: asyncio.TimerHandle | None = None

    @property
    def empty(self) -> bool:
        """Whether everything of this conversation is settled."""
        return not (self.queue or self.flying or self.again)

    @property
    def last_sent(self) -> int:
        """Number of the newest message on its way, which the next one must not overtake; 0 for none."""
        return next((row.n for row in reversed(self.flying.values()) if row.type != types.CARD_CHANGED), 0)

    def accepted(self, most: int) -> None:
        """A message was accepted: the way is free again, for a little more at a time."""
        self.attempt = 0
        self.window = min(float(most), self.window + 1.0 / self.window)

    def set_back(self) -> None:
        """The server cannot take more now: half as much at a time, once for everything that is on its way."""
        if not self.again:
            self.attempt += 1
            self.window = max(1.0, self.window / 2.0)

    def merge(self) -> None:
        """What must be sent again comes first, in its old order."""
        self.queue.extendleft(sorted(self.again, key=lambda row: row.id, reverse=True))
        self.again = []

    def remove(self, row: OutboxRow) -> None:
        """Forget a message, wherever it is."""
        if self.flying.pop(row.id, None) is None:
            self.again = [other for other in self.again if other.id != row.id]
            self.queue = deque(other for other in self.queue if other.id != row.id)


def request_of(row: OutboxRow, after: int) -> tuple[str, dict[str, Any]]:
    """The method and parameters that a row asks for."""
    if row.type not in (types.CARD_CREATED, types.CARD_CHANGED):
        return "message.send", send_params(row, after)
    params = send_params(row, after)
    del params["type"]
    content = params.pop("content")
    if row.type == types.CARD_CHANGED:
        params.pop("after", None)  # an action stands for itself
    return _METHODS[row.type], params | content | {"outbox": row.outbox}


def send_params(row: OutboxRow, after: int) -> dict[str, Any]:
    """The parameters of ``message.send``; ``after`` is the number of the message before it on its way, or 0.

    All but ``after`` are the same at every attempt, so that the server knows a repeat when it sees one.
    """
    params: dict[str, Any] = {"type": row.type, "content": row.content_value(), "n": row.n}
    if row.recipient:
        params["to"] = row.recipient
    else:
        params["conversation"] = row.conversation
    optional = {
        "after": after,
        "reply_to": row.reply_to,
        "mentions": row.mentions,
        "expires_in_ms": row.expires_in_ms,
        "thread": row.thread,
    }
    return params | {name: value for name, value in optional.items() if value}
