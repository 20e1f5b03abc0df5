"""Aggregates in memory: loaded on first use, kept while the index is behind them, evicted when idle.

A resident's *tail* is what is committed but not yet projected. Loading reads the index and then
applies the tail on top; every record is idempotent, so it does not matter where between two
projections the load fell. A resident whose commit failed simply forgets its state and loads anew.

Not here: what is durable when (``commit``), one load for many (``loading``), nor decisions (``domain``).
"""

from __future__ import annotations

from collections import deque
from typing import Any, TypeVar

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.log.records import CursorMoved, EntriesHidden, Entry, SettingsChanged
from trunkline.domain.parties.state import Party
from trunkline.services.log.index_port import IndexReader
from trunkline.services.log.loading import Loading

Key = tuple[str, ...]


class ResidentConversation:
    """A conversation in memory.

    Attributes:
        state: decision state, uncommitted records included; None when it must be loaded.
        committed: highest durable seq; nothing above it may be shown.
        entries: committed entries the index may not have yet, with their lsn.
        changes: likewise for cursors, settings and hidden entries.
        in_flight: records appended and not yet durable.
        live: sessions that receive pushes, kept only for large conversations.
    """

    __slots__ = ("app", "changes", "committed", "entries", "id", "in_flight", "live", "state")

    def __init__(self, app: str, conversation: str) -> None:
        self.app = app
        self.id = conversation
        self.state: Conversation | None = None
        self.committed = 0
        self.entries: deque[tuple[int, Entry]] = deque()
        self.changes: deque[tuple[int, CursorMoved | EntriesHidden | SettingsChanged]] = deque()
        self.in_flight = 0
        self.live: dict[Any, None] | None = None

    @property
    def idle(self) -> bool:
        """Whether it may be evicted."""
        return not (self.in_flight or self.entries or self.changes or self.live)

    def adopt(self, loaded: Conversation | None, epoch: int) -> None:
        """Take a state from the index and bring it up to the committed tail."""
        state = loaded if loaded is not None else Conversation(self.app, self.id, epoch)
        for _, entry in self.entries:
            if entry.seq > state.head:
                state.apply(entry)
        for _, change in self.changes:
            apply_change(state, change)
        self.state = state
        self.committed = state.head
        self.live = None

    def projected(self, lsn: int) -> None:
        """Drop from the tail what the index holds now."""
        entries = self.entries
        while entries and entries[0][0] <= lsn:
            entries.popleft()
        while self.changes and self.changes[0][0] <= lsn:
            self.changes.popleft()


def apply_change(state: Conversation, change: CursorMoved | EntriesHidden | SettingsChanged) -> None:
    """Apply a record that is not an entry."""
    if isinstance(change, CursorMoved):
        state.move_cursor(change)
    elif isinstance(change, EntriesHidden):
        state.hide(change)
    else:
        state.configure(change)


class ResidentParty:
    """A party in memory; ``tail`` holds committed, unprojected records."""

    __slots__ = ("app", "id", "in_flight", "state", "tail")

    def __init__(self, app: str, party: str) -> None:
        self.app = app
        self.id = party
        self.state: Party | None = None
        self.tail: deque[tuple[int, Any]] = deque()
        self.in_flight = 0

    @property
    def idle(self) -> bool:
        """Whether it may be evicted."""
        return not (self.in_flight or self.tail)

    def adopt(self, loaded: Party) -> None:
        """Take a state from the index and bring it up to the committed tail."""
        for _, record in self.tail:
            loaded.apply(record)
        self.state = loaded

    def projected(self, lsn: int) -> None:
        """Drop from the tail what the index holds now."""
        while self.tail and self.tail[0][0] <= lsn:
            self.tail.popleft()


Found = TypeVar("Found")


class Residents:
    """All aggregates in memory, with bounded caches.

    Args:
        index: where missing ones are loaded from.
        epoch: of the store.
        capacity: how many idle conversations to keep; parties and outboxes get the same bound.
    """

    def __init__(self, index: IndexReader, epoch: int, capacity: int = 100_000) -> None:
        self._index = index
        self._epoch = epoch
        self._capacity = capacity
        self.conversations: dict[tuple[str, str], ResidentConversation] = {}
        self.parties: dict[tuple[str, str], ResidentParty] = {}
        self.outboxes: dict[tuple[str, str, str], Outbox] = {}
        self._loading: Loading[Key] = Loading()

    def conversation(self, app: str, conversation: str) -> ResidentConversation | None:
        """A loaded conversation, or None: then ``load_conversation``."""
        found = self.conversations.get((app, conversation))
        return found if found is not None and found.state is not None else None

    def party(self, app: str, party: str) -> Party | None:
        """A loaded party's state, or None: then ``load_party``."""
        found = self.parties.get((app, party))
        return found.state if found is not None else None

    async def load_conversation(self, app: str, conversation: str) -> ResidentConversation:
        """A loaded conversation (``state.head`` is 0 when there is no such log)."""
        key = (app, conversation)
        found = self.conversations.get(key)
        if found is not None and found.state is not None:
            return found

        async def fetch() -> None:
            loaded = await self._index.conversation(app, conversation)
            resident = self.conversations.get(key)
            if resident is None:
                self._make_room(self.conversations)
                resident = self.conversations[key] = ResidentConversation(app, conversation)
            if resident.state is None:
                resident.adopt(loaded, self._epoch)

        while (found := self.conversations.get(key)) is None or found.state is None:
            await self._loading.once(("c", *key), fetch)
        return found

    async def load_party(self, app: str, party: str) -> Party:
        """A loaded party."""
        key = (app, party)

        async def fetch() -> None:
            loaded = await self._index.party(app, party)
            resident = self.parties.get(key)
            if resident is None:
                self._make_room(self.parties)
                resident = self.parties[key] = ResidentParty(app, party)
            if resident.state is None:
                resident.adopt(loaded)

        while (state := self.party(app, party)) is None:
            await self._loading.once(("p", *key), fetch)
        return state

    async def load_outbox(self, app: str, party: str, outbox: str) -> Outbox:
        """What is remembered of an outbox; an integer not in memory is unknown, not zero."""
        key = (app, party, outbox)

        async def fetch() -> None:
            stored = await self._index.outbox(app, party, outbox)
            if key not in self.outboxes:
                if len(self.outboxes) > 4 * self._capacity:
                    self._drop_idle_outboxes()
                self.outboxes[key] = Outbox(party, outbox, stored.highest, stored.floor)

        while (found := self.outboxes.get(key)) is None:
            await self._loading.once(("o", *key), fetch)
        return found

    def _make_room(self, cache: dict[tuple[str, str], Any]) -> None:
        """Evict the oldest idle tenth when the cache is full."""
        if len(cache) < self._capacity:
            return
        wanted = max(1, self._capacity // 10)
        idle = []
        for key, resident in cache.items():
            if resident.idle:
                idle.append(key)
                if len(idle) >= wanted:
                    break
        for key in idle:
            evicted = cache.pop(key)
            evicted.state = None  # whoever still holds it finds that it has to be loaded
            if isinstance(evicted, ResidentConversation):
                evicted.live = None

    def _drop_idle_outboxes(self) -> None:
        idle = [key for key, outbox in self.outboxes.items() if not outbox.recent and not outbox.holders]
        for key in idle[: self._capacity]:
            del self.outboxes[key]
