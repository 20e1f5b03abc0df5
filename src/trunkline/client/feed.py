"""Handing applied entries to the application, from a position that survives restarts.

Entries reach the application from the local store, never from the network, in the order in which they were applied. A
named *consumer* has a durable position there. It moves past an entry when the application comes back for the next one,
when it acknowledges the entry, or, together with what the application writes itself, at the end of ``transaction``:

* with ``transaction`` every entry has its effect exactly once, whatever crashes when;
* without it, entries handed out but not acknowledged before a crash are handed out again: at least once;
* a view that is drawn from the local history shows each entry once in any case: that is keyed by (conversation, seq).

What is not here: applying entries (``receiving``).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator
from contextvars import ContextVar

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.client.store import Applied, LocalStore
from trunkline.wire.entries import EntryView

logger = logging.getLogger("trunkline.client")
_BATCH = 64
_handling: ContextVar[EntryStream | None] = ContextVar("trunkline_handling", default=None)


class Feed:
    """All consumers of one client."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self._more = asyncio.Event()
        self._ending = False
        self._closed = False
        self._handed: dict[str, int] = {}
        self._durable: dict[str, int] = {}

    def applied(self) -> None:
        """New entries are in the store."""
        self._more.set()

    def stop(self) -> None:
        """No more entries will be applied: streams end once they have handed out what is there."""
        self._ending = True
        self._more.set()

    def close(self) -> None:
        """Streams end now."""
        self._closed = True
        self.stop()

    def settle(self, *, except_for: str) -> None:
        """Everything handed out counts as done with, except for one consumer, which acknowledges by itself."""
        handed = {name: ord for name, ord in self._handed.items() if name != except_for}
        with self._store.database.transaction(durable=False):
            for name, ord in handed.items():
                self._store.consumers.put(name, ord)

    def stream(self, consumer: str | None, conversation: str, types: Collection[str] | None) -> EntryStream:
        """Entries of one conversation or all, for a named consumer, or (None) from now on without a position."""
        return EntryStream(self, consumer, conversation, types)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """See ``Client.transaction``."""
        stream = _handling.get()
        with self._store.database.transaction(durable=True) as connection:
            yield connection
            if stream is not None and stream._feed is self:
                stream._put_position()
        if stream is not None and stream._feed is self:
            stream._position_stored()

    # ------------------------------------------------------------------ for streams

    def _start_of(self, name: str) -> int:
        if name not in self._handed:
            start = self._store.consumers.get(name)
            self._handed[name] = self._durable[name] = start or 0
        return self._handed[name]

    async def _wait(self) -> bool:
        """Wait until entries were applied; False if none will be."""
        if not self._ending:
            self._more.clear()
            await self._more.wait()
            return True
        return False


class EntryStream(AsyncIterator[EntryView]):
    """An endless iterator over applied entries; it ends when the client stops.

    Leave it whenever you like; another one of the same consumer goes on after the last entry handed out. Two at a time
    of the same consumer share the entries between them.
    """

    def __init__(self, feed: Feed, consumer: str | None, conversation: str, types: Collection[str] | None) -> None:
        self._types = types
        self._feed = feed
        self._store = feed._store
        self._consumer = consumer
        self._conversation = conversation
        self._position = self._store.history.newest_ord if consumer is None else feed._start_of(consumer)
        self._after_seq = 0
        self._batch: deque[Applied] = deque()
        self._current: Applied | None = None

    def __aiter__(self) -> EntryStream:
        """Itself."""
        return self

    async def __anext__(self) -> EntryView:
        """The next entry; asking for it says that the one before is done with."""
        if self._feed._closed:
            raise StopAsyncIteration
        self.ack()
        while True:
            found = self._next_applied()
            if found is None:
                if not await self._feed._wait() or self._feed._closed:
                    raise StopAsyncIteration
            elif self._types is None or found.entry.type in self._types:
                break
            else:
                self._pass(found)
        hit(FaultPoint.SDK_BEFORE_DELIVERY)
        self._current = found
        self._pass(found)
        _handling.set(self)
        return found.entry

    def ack(self) -> None:
        """The entry handed out last is done with, and will not be handed to this consumer again."""
        if self._current is None:
            return
        name = self._consumer
        if name is not None and self._feed._durable[name] < self._current.ord:
            hit(FaultPoint.SDK_AFTER_DELIVERY)
            with self._store.database.transaction(durable=False):
                self._put_position()
            self._position_stored()
            hit(FaultPoint.SDK_AFTER_CURSOR)
        self._current = None

    # ------------------------------------------------------------------ inside

    def _next_applied(self) -> Applied | None:
        if self._consumer is not None and self._feed._handed[self._consumer] > self._position:
            # Another stream of this consumer went on meanwhile.
            self._position = self._feed._handed[self._consumer]
            self._batch.clear()
        while self._batch and self._store.history.oldest_ord > self._batch[0].ord:
            self._batch.popleft()  # dropped by a new epoch since it was read
        if not self._batch:
            if self._store.history.newest_ord <= self._position:
                return None
            if self._store.history.oldest_ord > self._position:
                self._after_seq = 0
            self._batch.extend(
                self._store.history.applied_after(self._position, _BATCH, self._conversation, self._after_seq)
            )
        return self._batch.popleft() if self._batch else None

    def _pass(self, found: Applied) -> None:
        self._position = found.ord
        self._after_seq = found.entry.seq
        if self._consumer is not None:
            self._feed._handed[self._consumer] = found.ord

    def _put_position(self) -> None:
        if self._consumer is not None and self._current is not None:
            self._store.consumers.put(self._consumer, self._current.ord)

    def _position_stored(self) -> None:
        if self._consumer is not None and self._current is not None:
            self._feed._durable[self._consumer] = self._current.ord
