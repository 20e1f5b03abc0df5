"""Opening the local SQLite file, its transactions and its few named values.

Two strengths of commit: *durable* (fsync; the only copy of something, such as a message to send) and *plain*
(survives a killed process, not a power cut; what the server can send again). What is not here: tables with meaning.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from trunkline.client.store.schema import migrate


class StoreUnusable(Exception):
    """The store cannot be opened or written; the message says why and what to do."""


class StoreInUse(StoreUnusable):
    """Another client, in this process or another, has the store open."""


class Database:
    """One open local store.

    Args:
        path: a file (made if missing; its folder too), or ``":memory:"`` for a store that ends with the process.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        if self.path != ":memory:":
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self.connection = sqlite3.connect(self.path, isolation_level=None, timeout=1.0)
        except sqlite3.Error as exc:
            raise StoreUnusable(f"cannot open the store {self.path}: {exc}") from exc
        self._durable: bool | None = None
        self._named: dict[str, int | str] = {}  # what `meta` holds, as far as it was asked for: nobody else writes it
        try:
            self._prepare()
        except (sqlite3.Error, ValueError) as exc:
            self.connection.close()
            if isinstance(exc, sqlite3.OperationalError) and "locked" in str(exc):
                raise StoreInUse(
                    f"the store {self.path} is open elsewhere: give every running client a store of its own"
                ) from exc
            raise StoreUnusable(f"cannot use the store {self.path}: {exc}") from exc

    def _prepare(self) -> None:
        run = self.connection.execute
        # Exclusive: two clients on one outbox would send under the same ids.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA foreign_keys = ON")
        migrate(self.connection)
        run("BEGIN EXCLUSIVE")
        run("INSERT INTO meta VALUES ('opened', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1")
        run("COMMIT")

    @contextlib.contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Run the body as one transaction; commit at its end, roll back if it raises.

        Transactions do not nest and must not await anything.
        """
        if durable is not self._durable:
            self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            self._named.clear()
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def number(self, key: str) -> int:
        """A named integer, 0 when it was never set."""
        return int(self._value(key) or 0)

    def text(self, key: str) -> str:
        """A named string, empty when it was never set."""
        return str(self._value(key))

    def put(self, key: str, value: int | str) -> None:
        """Set a named value; inside a transaction where it must go together with something else."""
        self.connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )
        self._named[key] = value

    def _value(self, key: str) -> int | str:
        found = self._named.get(key)
        if found is None:
            row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            found = self._named[key] = row[0] if row is not None else ""
        return found

    def close(self) -> None:
        """Close the file; everything committed stays."""
        self.connection.close()
