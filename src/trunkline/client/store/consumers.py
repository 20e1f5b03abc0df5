"""How far each named consumer of entries has got.

What is not here: handing entries to consumers (``client.feed``).
"""

from __future__ import annotations

from trunkline.client.store.database import Database


class ConsumerTable:
    """Positions in the order of application; ``put`` expects an open transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def get(self, name: str) -> int | None:
        """The order number of the last entry the consumer is done with; None for a new consumer."""
        row = self._db.execute("SELECT ord FROM consumer WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row is not None else None

    def put(self, name: str, ord: int) -> None:
        """The consumer is done with everything up to ``ord``; positions never go back."""
        self._db.execute(
            "INSERT INTO consumer VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET ord = MAX(ord, excluded.ord)",
            (name, ord),
        )
