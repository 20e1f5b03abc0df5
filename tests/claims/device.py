"""A real SDK client over a real socket that writes down everything it does and sees.

Lives here: one device and its history. Does not live here: the conversations and the judgement (`world`).

The id of a send in the history is the text of the message, which the device makes unique. So the promise is tested end
to end: whatever the SDK does with outboxes and retries, the application's message is in the log once or something is
wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from trunkline.client import (
    Client,
    ClientState,
    ClientStopped,
    CursorMoved,
    Options,
    RequestFailed,
    StateChange,
)
from trunkline.client import (
    Resync as ResyncNotice,
)
from trunkline.domain.history import Asked, Cursor, Event, Fail, Head, Invoke, Ok, Recv, Resync, Unknown
from trunkline.wire.calls.conversations import ConversationRef
from trunkline.wire.calls.session import ConversationView
from trunkline.wire.entries import PLACEHOLDER, EntryView

RecvHook = Callable[[EntryView], Awaitable[None] | None]


class Device:
    """One device of one party.

    Args:
        url: Of the server, or of a proxy in front of it.
        token: A function that mints a token.
        party: Who it is.
        name: The device's id.
        store: Its database; in memory by default, and then it cannot be restarted.
        on_recv: Called with every entry after it was written down; may be slow on purpose.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        party: str,
        name: str,
        *,
        store: Path | str = ":memory:",
        options: Options | None = None,
        on_recv: RecvHook | None = None,
        encoding: str = "msgpack",
    ) -> None:
        self.url = url
        self.party = party
        self.name = name
        self.dev = f"{party}:{name}"
        self.events: list[Event] = []
        self.latency_ms: list[float] = []
        self.acked = 0
        self.acked_at_s: list[float] = []
        self.last_seen: dict[str, int] = {}
        self.placeholders: set[tuple[str, int]] = set()
        self.connecting_at_s: list[float] = []
        self.waits_s: list[float] = []
        self.online_at_s: list[float] = []
        self._came_online = asyncio.Event()
        self.epoch = 0
        self.resyncs = 0
        self.client: Client | None = None
        self.pending: set[asyncio.Task[None]] = set()
        self.mint = token
        self._store = store
        self._options = options or Options()
        self.on_recv = on_recv
        self._encoding = encoding
        self._n = 0

    async def start(self, *, online: bool = True) -> Client:
        """Open the client; wait until it has caught up unless told not to."""
        assert self.client is None
        self.client = Client(
            self.url,
            self.mint,
            self._store,
            device=self.name,
            encoding=self._encoding,
            options=self._options,
            on_entry=self._on_entry,
            on_resync=self._on_resync,
            on_cursor=self._on_cursor,
            on_state=self._on_state,
        )
        await self.client.__aenter__()
        if online:
            async with asyncio.timeout(30):
                await self.client.online()
        return self.client

    async def stop(self) -> None:
        """Close the client; what was not sent stays in the store."""
        client, self.client = self.client, None
        if client is not None:
            await client.close()
        if self.pending:
            await asyncio.wait(self.pending, timeout=5)

    def send(self, conv: str, *, to: str = "", padding_bytes: int = 0, **more: Any) -> asyncio.Task[None]:
        """Send the next message; the task ends with its outcome."""
        assert self.client is not None
        self._n += 1
        send_id = f"{self.dev}#{self._n}"
        text = f"{send_id} {'.' * padding_bytes}" if padding_bytes else send_id
        self.events.append(Invoke(self.dev, conv, send_id, time.monotonic_ns()))
        task = asyncio.create_task(self._send(send_id, text, to or conv, more))
        self.pending.add(task)
        task.add_done_callback(self.pending.discard)
        return task

    async def settled(self, timeout_s: float = 60) -> None:
        """Wait until every send has an outcome."""
        async with asyncio.timeout(timeout_s):
            while self.pending:
                await asyncio.wait(self.pending)

    async def back_online(self, since_s: float, timeout_s: float = 60) -> None:
        """Wait until the device has caught up on a connection that it made after this moment."""
        async with asyncio.timeout(timeout_s):
            while not self.online_at_s or self.online_at_s[-1] < since_s:
                self._came_online.clear()
                await self._came_online.wait()

    async def look(self, conv: str) -> None:
        """Ask the server for the head and write it down."""
        assert self.client is not None
        asked_t = time.monotonic_ns()
        self.events.append(Asked(self.dev, conv, asked_t))
        # Without an answer there is nothing to write down.
        with contextlib.suppress(RequestFailed, ClientStopped, TimeoutError):
            view = await self.client.call("conversation.get", ConversationRef(conv), ConversationView)
            self.events.append(Head(self.dev, conv, view.epoch, view.head, time.monotonic_ns(), asked_t))

    async def caught_up(self, heads: dict[str, int], timeout_s: float = 60) -> None:
        """Wait until the callback has had everything up to these heads."""
        async with asyncio.timeout(timeout_s):
            while any(self.last_seen.get(conv, 0) < head for conv, head in heads.items()):
                await asyncio.sleep(0.02)

    def state_hash(self, conv: str) -> str:
        """Hash what the device would show of a conversation."""
        assert self.client is not None
        digest = hashlib.sha256()
        for entry in self.client.local_history(conv, limit=10_000_000):
            shown = (entry.seq, entry.sender, entry.type, entry.content, entry.now and msgspec.to_builtins(entry.now))
            digest.update(msgspec.json.encode(shown, order="deterministic"))
        return digest.hexdigest()[:16]

    async def _send(self, send_id: str, text: str, to: str, more: dict[str, Any]) -> None:
        assert self.client is not None
        start_s = time.monotonic()
        try:
            sent = await self.client.send_nowait(to, text, **more)
        except RequestFailed:
            self.events.append(Fail(send_id, time.monotonic_ns()))
            return
        except ClientStopped:
            self.events.append(Unknown(send_id, time.monotonic_ns()))
            return
        now_ns = time.monotonic_ns()
        self.events.append(Ok(send_id, sent.seq, sent.epoch, now_ns))
        self.acked += 1
        self.acked_at_s.append(now_ns / 1e9)
        self.latency_ms.append((now_ns / 1e9 - start_s) * 1e3)

    async def _on_entry(self, entry: EntryView) -> None:
        self.epoch = entry.epoch
        self.events.append(
            Recv(self.dev, entry.conversation, entry.seq, id_of(entry), time.monotonic_ns(), entry.epoch)
        )
        self.last_seen[entry.conversation] = entry.seq
        if entry.type == PLACEHOLDER:
            self.placeholders.add((entry.conversation, entry.seq))
        if self.on_recv is not None:
            result = self.on_recv(entry)
            if result is not None:
                await result

    def _on_state(self, change: StateChange) -> None:
        if change.state is ClientState.CONNECTING:
            self.connecting_at_s.append(time.monotonic())
        elif change.state is ClientState.ONLINE:
            self.online_at_s.append(time.monotonic())
            self._came_online.set()
        elif change.state is ClientState.OFFLINE and change.retry_in_s is not None:
            self.waits_s.append(change.retry_in_s)

    def _on_resync(self, notice: ResyncNotice) -> None:
        self.resyncs += 1
        if not notice.history_dropped or self.client is None:
            return
        # Everything arrives again under the new epoch, from the first entry the device may see.
        self.epoch = self.client._store.epoch
        for conv in self.last_seen:
            self.events.append(Resync(self.dev, conv, self.epoch, 0, time.monotonic_ns()))
            self.last_seen[conv] = 0

    def _on_cursor(self, moved: CursorMoved) -> None:
        for kind, seq in (("delivered", moved.delivered), ("read", moved.read)):
            if seq:
                self.events.append(
                    Cursor(self.dev, moved.conversation, moved.party, kind, seq, time.monotonic_ns(), self.epoch)
                )


def id_of(entry: EntryView) -> str | None:
    """Return the history's id of an entry: the first word of a message, None for everything else."""
    if entry.type == "text" and isinstance(entry.content, dict):
        return str(entry.content.get("text", "")).split(" ", 1)[0]
    return None
