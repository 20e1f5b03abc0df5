"""The local store as one object: the database and its tables, and the values that belong to the whole store.

What is not here: SQL of single tables (their modules).
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from trunkline.client.store.consumers import ConsumerTable
from trunkline.client.store.conversations import ConversationTable
from trunkline.client.store.database import Database
from trunkline.client.store.history import HistoryTable
from trunkline.client.store.outbox import OutboxTable
from trunkline.client.store.threads import ThreadTable
from trunkline.client.store.uploads import UploadTable

_N_BLOCK = 64


class LocalStore:
    """Everything a client keeps on its device."""

    def __init__(self, path: str | Path, device: str | None = None) -> None:
        self.database = Database(path)
        self.outbox = OutboxTable(self.database)
        self.uploads = UploadTable(self.database)
        self.history = HistoryTable(self.database)
        self.conversations = ConversationTable(self.database)
        self.threads = ThreadTable(self.database)
        self.consumers = ConsumerTable(self.database)
        with self.database.transaction(durable=True):
            if not self.database.text("outbox"):
                self.database.put("outbox", mint_outbox_id())
            if device is not None:
                self.database.put("device", device)
            elif not self.database.text("device"):
                self.database.put("device", "py-" + secrets.token_urlsafe(9))
        self._next_n = self._reserved_n = max(1, self.database.number("next_n"))

    @property
    def device(self) -> str:
        """This device's id."""
        return self.database.text("device")

    @property
    def party(self) -> str:
        """Whose store this is; empty before the first connection."""
        return self.database.text("party")

    @property
    def outbox_id(self) -> str:
        """The id under which new messages are sent."""
        return self.database.text("outbox")

    @property
    def next_n(self) -> int:
        """The lowest number this outbox has certainly never used."""
        return self._next_n

    @property
    def epoch(self) -> int:
        """Life of the server's log that this store follows; 0 before the first sync."""
        return self.database.number("epoch")

    @property
    def pts(self) -> int:
        """Position in the inbox."""
        return self.database.number("pts")

    @property
    def blocked(self) -> list[str]:
        """Parties I block, as the server last said."""
        return list(json.loads(self.database.text("blocked") or "[]"))

    def put_blocked(self, parties: list[str]) -> None:
        """Keep the block list; inside a transaction."""
        self.database.put("blocked", json.dumps(parties))

    def take_n(self, count: int = 1) -> int:
        """The first of ``count`` numbers never used before in this outbox, even if the process dies now."""
        first, self._next_n = self._next_n, self._next_n + count
        if self._next_n > self._reserved_n:
            # Numbers are reserved in blocks, so that most cost no write; gaps are allowed.
            with self.database.transaction(durable=True):
                self.database.put("next_n", self._next_n + _N_BLOCK)
            self._reserved_n = self._next_n + _N_BLOCK
        return first

    def renew_outbox(self) -> str:
        """Mint a new outbox id and start its numbers at 1; rows keep theirs until they are renamed."""
        fresh = mint_outbox_id()
        with self.database.transaction(durable=True):
            self.database.put("outbox", fresh)
            self.database.put("next_n", 1 + _N_BLOCK)
        self._next_n, self._reserved_n = 1, 1 + _N_BLOCK
        return fresh

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def mint_outbox_id() -> str:
    """A random outbox id; it names the storage, so it is made with it and never copied."""
    return secrets.token_urlsafe(16)
