"""History on demand: from this device where it has it, from the server where not.

What is not here: following the present (``receiving``).
"""

from __future__ import annotations

from trunkline.client.receiving import Receiver
from trunkline.client.requests import Requests
from trunkline.client.store import LocalStore
from trunkline.wire.calls.messages import History, HistoryGet
from trunkline.wire.entries import EntryView

_PAGE = 200


class HistoryReader:
    """Reads pages of the past."""

    def __init__(self, store: LocalStore, requests: Requests, receiver: Receiver) -> None:
        self._store = store
        self._requests = requests
        self._receiver = receiver

    async def page(self, conversation: str, before_seq: int, limit: int) -> list[EntryView]:
        """The last ``limit`` entries before a seq (0: the newest), ascending.

        What is fetched directly below what this device holds is kept, so the next time it is here.
        """
        row = self._store.conversations.get(conversation)
        last = row.last if row is not None else None
        if row is None or last is None:
            return await self._fetch(conversation, 0, before_seq - 1 if before_seq else 0, limit)
        top = min(before_seq - 1 if before_seq else last, last)
        lowest = max(1, top - limit + 1, row.view.first_visible_seq if row.view is not None else 1)
        while lowest < row.floor:
            # Fetch downwards from the floor, so that what is kept has no hole.
            upper = row.floor - 1
            found = await self._fetch(conversation, max(lowest, upper - _PAGE + 1), upper, _PAGE)
            if not found or found[-1].seq != upper:
                break
            with self._store.database.transaction(durable=False):
                self._store.history.backfill(found)
                self._receiver.backfilled(conversation, found[0].seq)
            row.floor = found[0].seq
        return self._store.history.page(conversation, before_seq=top + 1, limit=limit)

    async def between(
        self, conversation: str, from_ms: int, to_ms: int, limit: int, newest_first: bool
    ) -> list[EntryView]:
        """Entries of a time range, ascending."""
        request = HistoryGet(
            conversation=conversation, from_ms=from_ms, to_ms=to_ms, limit=limit, newest_first=newest_first
        )
        return (await self._requests.call("history.get", request, History, again=True)).entries

    async def _fetch(self, conversation: str, from_seq: int, to_seq: int, limit: int) -> list[EntryView]:
        request = HistoryGet(
            conversation=conversation, from_seq=from_seq, to_seq=to_seq, limit=limit, newest_first=True
        )
        return (await self._requests.call("history.get", request, History, again=True)).entries
