"""Calling the application: entries in order with a durable position, everything else from a bounded queue.

A callback may be a function or an async function; the next one of its kind starts when it has ended. One that raises is
logged and counts as done: retrying it forever would stop everything behind it. What is not here: what the
notices mean (``notices``).
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from trunkline.client.feed import EntryStream
from trunkline.client.notices import (
    BlockedPush,
    ClientState,
    CursorMoved,
    Presence,
    Resync,
    SendOutcome,
    StateChange,
    Typing,
)
from trunkline.wire.calls.session import ConversationView
from trunkline.wire.entries import EntryView

__all__ = ["CALLBACK_CONSUMER", "BlockedPush", "Callbacks", "ClientState", "Notifier"]

logger = logging.getLogger("trunkline.client")
CALLBACK_CONSUMER = "on_entry"
_VOLATILE = ("on_typing", "on_presence", "on_cursor")
Result = Awaitable[None] | None


@dataclass(slots=True, kw_only=True)
class Callbacks:
    """What the application wants to be told; see ``Client``."""

    on_entry: Callable[[EntryView], Result] | None = None
    on_state: Callable[[StateChange], Result] | None = None
    on_resync: Callable[[Resync], Result] | None = None
    on_sent: Callable[[SendOutcome], Result] | None = None
    on_conversation: Callable[[ConversationView], Result] | None = None
    on_typing: Callable[[Typing], Result] | None = None
    on_presence: Callable[[Presence], Result] | None = None
    on_cursor: Callable[[CursorMoved], Result] | None = None


class Notifier:
    """Calls back, one notice after the other.

    Typing, presence and cursor notices are worth nothing when late: beyond ``max_notices`` the oldest are dropped.
    Changed conversations are told once however often they changed. The others are kept, and are few.
    """

    def __init__(
        self, callbacks: Callbacks, max_notices: int, view_of: Callable[[str], ConversationView | None]
    ) -> None:
        self._callbacks = callbacks
        self._max_notices = max_notices
        self._view_of = view_of
        self._listed: dict[str, None] = {}
        self._kept: deque[tuple[str, Any, Callable[[], None] | None]] = deque()
        self._volatile: deque[tuple[str, Any, Callable[[], None] | None]] = deque(maxlen=max_notices)
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self.dropped = 0

    def start(self, stream: EntryStream | None) -> None:
        """Begin calling; ``stream`` feeds ``on_entry``."""
        self._tasks.append(asyncio.create_task(self._notices()))
        if stream is not None and self._callbacks.on_entry is not None:
            self._tasks.append(asyncio.create_task(self._entries(stream, self._callbacks.on_entry)))

    def tell(self, name: str, notice: Any, then: Callable[[], None] | None = None) -> None:
        """Have the callback of that name called with the notice, if the application set one; ``then`` follows it."""
        if getattr(self._callbacks, name) is None:
            if then is not None:
                then()
            return
        if name in _VOLATILE:
            if len(self._volatile) == self._max_notices:
                self.dropped += 1
            self._volatile.append((name, notice, then))
        else:
            self._kept.append((name, notice, then))
        self._more.set()

    def tell_listed(self, conversations: Iterable[str]) -> None:
        """These conversations changed."""
        if self._callbacks.on_conversation is not None:
            self._listed.update(dict.fromkeys(conversations))
            self._more.set()

    async def stop(self, timeout_s: float) -> None:
        """Let running callbacks end and the kept notices be told, then stop."""
        self._closing = True
        self._more.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _notices(self) -> None:
        while True:
            while self._kept or self._volatile or self._listed:
                if self._kept or self._volatile:
                    name, notice, then = (self._kept or self._volatile).popleft()
                    await self._call(getattr(self._callbacks, name), notice)
                    if then is not None:
                        then()
                else:
                    await self._call_listed()
            if self._closing:
                return
            self._more.clear()
            await self._more.wait()

    async def _call_listed(self) -> None:
        conversation = next(iter(self._listed))
        del self._listed[conversation]
        view = self._view_of(conversation)
        if view is not None and self._callbacks.on_conversation is not None:
            await self._call(self._callbacks.on_conversation, view)

    async def _entries(self, stream: EntryStream, on_entry: Callable[[EntryView], Result]) -> None:
        async for entry in stream:
            await self._call(on_entry, entry)
            stream.ack()  # now, not when the next one comes

    @staticmethod
    async def _call(callback: Callable[[Any], Result], notice: Any) -> None:
        try:
            result = callback(notice)
            if inspect.isawaitable(result):
                await result
        except Exception:
            logger.exception("the application's callback %r failed", callback)
