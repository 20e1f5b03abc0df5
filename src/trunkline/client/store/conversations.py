"""Conversations as this device knows them: the server's view, the position of the gap rule, what I want marked read.

What is not here: entries (``history``) and how a change entry alters a view (``client.views``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from trunkline.client.store.database import Database
from trunkline.wire.calls.session import ConversationView

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(ConversationView).decode
_COLUMNS = "conversation, last, floor, head, read_wanted, removed, view"


@dataclass(slots=True)
class ConversationRow:
    """What is kept of one conversation."""

    conversation: str
    last: int | None = None
    floor: int = 1
    head: int = 0
    read_wanted: int = 0
    removed: bool = False
    view: ConversationView | None = None


class ConversationTable:
    """The rows; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def get(self, conversation: str) -> ConversationRow | None:
        """One row."""
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM conversation WHERE conversation = ?",  # noqa: S608
            (conversation,),
        ).fetchone()
        return _row(found) if found is not None else None

    def all(self) -> list[ConversationRow]:
        """Every row, for the start of a client."""
        found = self._db.execute(f"SELECT {_COLUMNS} FROM conversation")  # noqa: S608
        return [_row(values) for values in found]

    def listed(self, limit: int, offset: int, *, hidden: bool = False) -> list[ConversationView]:
        """Views as a conversation list shows them: pinned first, then the most recently active."""
        found = self._db.execute(
            "SELECT view FROM conversation WHERE listed >= ? AND removed = 0 AND view IS NOT NULL "
            "ORDER BY pinned DESC, position, active_at_ms DESC, conversation LIMIT ? OFFSET ?",
            (0 if hidden else 1, limit, offset),
        )
        return [_DECODE(body) for (body,) in found]

    def put(self, row: ConversationRow) -> None:
        """Write one row as a whole."""
        view = row.view
        settings = view.settings if view is not None else None
        self._db.execute(
            "INSERT INTO conversation (conversation, last, floor, head, read_wanted, removed, listed, pinned, "
            "position, active_at_ms, view) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (conversation) DO UPDATE SET "
            "last = excluded.last, floor = excluded.floor, head = excluded.head, read_wanted = excluded.read_wanted, "
            "removed = excluded.removed, listed = excluded.listed, pinned = excluded.pinned, "
            "position = excluded.position, active_at_ms = excluded.active_at_ms, view = excluded.view",
            (
                row.conversation,
                row.last,
                row.floor,
                row.head,
                row.read_wanted,
                int(row.removed),
                int(view is not None and not (settings is not None and settings.hidden)),
                int(settings is not None and settings.pinned),
                settings.order if settings is not None else 0,
                view.active_at_ms if view is not None else 0,
                _ENCODE(view) if view is not None else None,
            ),
        )

    def unread_total(self) -> int:
        """Unread messages over all listed conversations that are not muted."""
        return sum(view.unread for view in self.listed(-1, 0) if not view.settings.mute)

    def remove(self, conversations: Iterable[str]) -> None:
        """The party is no longer in these; their history stays until the application drops it."""
        for name in conversations:
            self._db.execute("UPDATE conversation SET removed = 1 WHERE conversation = ?", (name,))

    def clear(self) -> None:
        """Forget every conversation: the server's log has another epoch."""
        self._db.execute("DELETE FROM conversation")


def _row(values: Sequence[Any]) -> ConversationRow:
    return ConversationRow(
        values[0],
        values[1],
        values[2],
        values[3],
        values[4],
        bool(values[5]),
        _DECODE(values[6]) if values[6] is not None else None,
    )
