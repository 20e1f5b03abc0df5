"""Reading committed groups again, for those who follow the journal: webhooks and pulls.

It reads files (the newest are in the page cache), not the memory of the engine, so that following costs nothing where
messages are accepted. What was read last is kept decoded, because several followers are usually at the same place.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from trunkline.domain.log.keeping import keep_from
from trunkline.domain.log.records import EntryAppended, Record, decode_group
from trunkline.protocol.journal.errors import JournalClosed, JournalTrimmed
from trunkline.services.webhooks.ports import Batch
from trunkline.store.journal.file_journal import FileJournal

BATCH_BYTES = 512 * 1024
BATCH_GROUPS = 256
KEPT_BATCHES = 4
PIN = "webhooks"


class SegmentTail:
    """Implements ``services.webhooks.ports.JournalTail`` on segment files."""

    def __init__(self, journal: FileJournal) -> None:
        self._journal = journal
        self._kept: OrderedDict[tuple[int, int], Batch] = OrderedDict()

    @property
    def first_lsn(self) -> int:
        """The oldest group that can be read."""
        return self._journal.first_lsn

    async def read(self, after_lsn: int, up_to_lsn: int) -> Batch | None:
        """Some of the groups behind ``after_lsn``; None when the next one was trimmed."""
        if after_lsn >= up_to_lsn:
            return Batch((), after_lsn)
        key = (after_lsn, up_to_lsn)
        found = self._kept.get(key)
        if found is None:
            try:
                found = await asyncio.get_running_loop().run_in_executor(None, self._read, after_lsn, up_to_lsn)
            except JournalTrimmed:
                return None
            except JournalClosed:
                return Batch((), after_lsn)
            self._kept[key] = found
            while len(self._kept) > KEPT_BATCHES:
                self._kept.popitem(last=False)
        return found

    async def find(self, at_ms: int, up_to_lsn: int) -> int:
        """The first kept group with an entry at or after a time; behind ``up_to_lsn`` when there is none."""
        return await asyncio.get_running_loop().run_in_executor(None, self._find, at_ms, up_to_lsn)

    def keep(self, from_lsn: int | None, max_bytes: int) -> None:
        """Keep groups from ``from_lsn`` on from being trimmed, as far as ``max_bytes`` go; None keeps nothing."""
        if from_lsn is None:
            self._journal.unpin(PIN)
            return
        segments = [(segment.first_lsn, segment.size_bytes) for segment in self._journal.segments()]
        try:
            self._journal.pin(PIN, max(keep_from(from_lsn, segments, max_bytes), self._journal.first_lsn))
        except JournalTrimmed:
            self._journal.unpin(PIN)  # trimmed in this moment; the next call pins what is left

    def _read(self, after_lsn: int, up_to_lsn: int) -> Batch:
        groups: list[tuple[int, list[Record]]] = []
        size_bytes = 0
        frames = self._journal.read(after_lsn)
        for lsn, payload in frames:
            if lsn > up_to_lsn:
                break
            groups.append((lsn, decode_group(payload)))
            size_bytes += len(payload)
            if size_bytes >= BATCH_BYTES or len(groups) >= BATCH_GROUPS:
                break
        return Batch(groups, groups[-1][0] if groups else after_lsn)

    def _find(self, at_ms: int, up_to_lsn: int) -> int:
        start = self._journal.first_lsn
        for segment in self._journal.segments():
            # A segment that begins early enough lets the ones before it be passed over unread.
            first = self._first_entry_ms(segment.first_lsn, segment.last_lsn)
            if first and first >= at_ms:
                break
            start = segment.first_lsn
        try:
            for lsn, payload in self._journal.read(start - 1):
                if lsn > up_to_lsn:
                    break
                for record in decode_group(payload):
                    if type(record) is EntryAppended and record.entry.at_ms >= at_ms:
                        return lsn
        except (JournalTrimmed, JournalClosed):
            return self._journal.first_lsn
        return up_to_lsn + 1

    def _first_entry_ms(self, first_lsn: int, last_lsn: int) -> int:
        """Time of the first entry of a segment; 0 when there is none, or the segment is gone."""
        try:
            for lsn, payload in self._journal.read(first_lsn - 1):
                if lsn > last_lsn:
                    return 0
                for record in decode_group(payload):
                    if type(record) is EntryAppended:
                        return record.entry.at_ms
        except (JournalTrimmed, JournalClosed):
            pass
        return 0
