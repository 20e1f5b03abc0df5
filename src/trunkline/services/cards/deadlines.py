"""What the server does when a time is up: messages disappear, cards close and refund.

Times are rows of the index, written from the journal, so they survive a restart. Each is acted on at most once, because
the entry that acts on it is part of the log that the next attempt reads.
"""

from __future__ import annotations

from trunkline.services.cards.acting import Acting
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry
from trunkline.services.messages.changes import Changes
from trunkline.wire import entries as types


class Deadlines:
    """Acts on times that are up."""

    def __init__(self, engine: Engine, changes: Changes, cards: Acting) -> None:
        self._engine = engine
        self._changes = changes
        self._cards = cards

    async def expire(self, app: str, conversation: str, seq: int) -> bool:
        """Act on the entry at ``seq``; False when there was nothing left to do."""
        resident, _ = await self._engine.existing(app, conversation)
        entry = await read_entry(self._engine, resident, seq)
        if entry is not None and entry.type == types.CARD_CREATED:
            return await self._cards.expire(app, conversation, seq)
        return await self._changes.expire(app, conversation, seq)
