"""Pulling events: the same events as pushed ones, read from the kept journal by whoever asks.

A pull keeps nothing on the server: its cursor is in the answer. Not here: pushing (``deliverer``).
"""

from __future__ import annotations

import asyncio
import re

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import EntryAppended
from trunkline.domain.webhooks.filters import EventFilter, check_events
from trunkline.services.log.engine import Engine
from trunkline.services.webhooks.making import EventMaker
from trunkline.services.webhooks.ports import JournalTail
from trunkline.wire.calls import webhooks as calls

LOOK_EVERY_S = 0.05
BATCHES_PER_CALL = 20
"""Of the journal, read for one answer: a filter that wants little must not keep a request busy for minutes."""
_CURSOR = re.compile(r"([0-9a-f]{1,13})-([0-9a-f]{1,13})-([0-9a-f]{1,8})")


class EventReader:
    """Answers pulls."""

    def __init__(self, engine: Engine, tail: JournalTail, maker: EventMaker) -> None:
        self._engine = engine
        self._tail = tail
        self._maker = maker

    async def list(self, caller: Caller, request: calls.EventList) -> calls.EventPage:
        """Events behind a cursor, waiting for the first if asked to.

        Raises:
            TrunklineError: ``INVALID_PARAMS``, ``INVALID_PAGE_CURSOR`` or ``EVENTS_GONE``.
        """
        check_events(request.events)
        wanted = EventFilter(request.events, request.kinds, request.prefix, request.message_types)
        lsn, done = await self._start(request)
        deadline_s = self._engine.clock.monotonic_s() + request.wait_s
        events: list[calls.Event] = []
        batches = 0
        while True:
            head = self._engine.committed_lsn
            while lsn < head and batches < BATCHES_PER_CALL:
                batches += 1
                batch = await self._tail.read(lsn, head)
                if batch is None:
                    raise self._gone()
                for at, records in batch.groups:
                    for number, record in enumerate(records, 1):
                        if number <= done or type(record) is not EntryAppended or record.app != caller.app:
                            continue
                        events += await self._maker.events(caller.app, record.conversation, record.entry, wanted)
                        if len(events) >= request.limit:
                            return calls.EventPage(events=events, next=self._cursor(at - 1, number), more=True)
                    done = 0
                    lsn = at
                lsn = max(lsn, batch.last_lsn)
            more = lsn < head
            if events or more or self._engine.clock.monotonic_s() >= deadline_s:
                return calls.EventPage(events=events, next=self._cursor(lsn, 0), more=more)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _start(self, request: calls.EventList) -> tuple[int, int]:
        """The lsn behind which to read, and how many records of the next group were read already."""
        head = self._engine.committed_lsn
        if request.after:
            found = _CURSOR.fullmatch(request.after)
            epoch, lsn, done = (int(part, 16) for part in found.groups()) if found else (0, 0, 0)
            if found is None or lsn > head:
                raise TrunklineError(Code.INVALID_PAGE_CURSOR, "this is no cursor of event.list", field="after")
            if epoch != self._engine.epoch:
                raise TrunklineError(
                    Code.EVENTS_GONE, "the store was restored from a backup; begin without a cursor", field="after"
                )
        elif request.from_ms:
            lsn, done = await self._tail.find(request.from_ms, head) - 1, 0
        else:
            return head, 0
        if lsn < self._tail.first_lsn - 1:
            raise self._gone()
        return lsn, done

    def _gone(self) -> TrunklineError:
        first = self._tail.first_lsn
        return TrunklineError(
            Code.EVENTS_GONE, f"the journal is kept from lsn {first} on; begin without a cursor", field="after"
        )

    def _cursor(self, lsn: int, done: int) -> str:
        return f"{self._engine.epoch:x}-{lsn:x}-{done:x}"
