"""A real SDK client that writes down everything it does and sees, for the history checker."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from trunkline.client import Client, Options, RequestFailed
from trunkline.domain.history import Event, Fail, Invoke, Ok, Recv
from trunkline.wire.entries import EntryView


class Witness:
    """One user on one device.

    Attributes:
        events: its history.
        latencies_s: from calling ``send`` to the durable acknowledgement.
        last: by conversation, the highest seq its application has seen.
    """

    def __init__(self, url: str, token: str, party: str, store: Path | str = ":memory:") -> None:
        self.party = party
        self.events: list[Event] = []
        self.latencies_s: list[float] = []
        self.last: dict[str, int] = {}
        self._url = url
        self._token = token
        self._store = store
        self._count = 0
        self._moved = asyncio.Event()
        self.client: Client

    async def come_online(self) -> None:
        """Connect; returns once the client has caught up."""
        self.client = Client(
            self._url,
            self._token,
            self._store,
            device="demo",
            options=Options(max_outbox=100_000),
            on_entry=self._on_entry,
        )
        await self.client.__aenter__()
        async with asyncio.timeout(30):
            await self.client.online()

    async def go_offline(self) -> None:
        """Close the client; its store stays."""
        await self.client.close()

    async def say(self, to: str, conversation: str) -> None:
        """Send one message and wait until it is durable."""
        self._count += 1
        name = f"{self.party} #{self._count}"
        self.events.append(Invoke(self.party, conversation, name, time.monotonic_ns()))
        began_s = time.monotonic()
        try:
            sent = await self.client.send_nowait(to, name)
        except RequestFailed:
            self.events.append(Fail(name, time.monotonic_ns()))
            return
        self.latencies_s.append(time.monotonic() - began_s)
        self.events.append(Ok(name, sent.seq, sent.epoch, time.monotonic_ns()))

    async def seen(self, conversation: str, seq: int, timeout_s: float = 60) -> None:
        """Wait until the application has seen everything up to ``seq``."""
        async with asyncio.timeout(timeout_s):
            while self.last.get(conversation, 0) < seq:
                self._moved.clear()
                await self._moved.wait()

    def _on_entry(self, entry: EntryView) -> None:
        self.last[entry.conversation] = max(entry.seq, self.last.get(entry.conversation, 0))
        name = _text_of(entry.content) if entry.type == "text" else None
        self.events.append(Recv(self.party, entry.conversation, entry.seq, name, time.monotonic_ns(), entry.epoch))
        self._moved.set()


def _text_of(content: Any) -> str:
    return str(content["text"])
