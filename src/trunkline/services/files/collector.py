"""``Collector``: removes what nobody needs any more, and then its bytes.

Two steps, each a record, so that a crash between them is made good by the next round: ``FileRemoved`` takes the file
away from everyone, ``FilePurged`` says that its bytes are gone as well.
"""

from __future__ import annotations

import asyncio
import logging

from trunkline.base.errors import TrunklineError
from trunkline.domain.log.records import PartyErased, Record
from trunkline.services.files.book import FileBook
from trunkline.services.files.finishing import CONTENT, blob_key
from trunkline.services.files.limits import FileCounts, FileLimits
from trunkline.services.files.ports import BlobStore, FileIndex
from trunkline.services.files.uploads import Uploads
from trunkline.services.log.engine import Engine

log = logging.getLogger("trunkline.files")
BATCH = 200


class Collector:
    """Runs in the background.

    Args:
        engine: the log.
        book: changes files.
        index: what is idle, aged or removed.
        blobs: the bytes.
        uploads: unfinished ones expire.
        limits: how long things stay.
        counts: for the metrics.
        every_s: how often to look.
    """

    def __init__(
        self,
        engine: Engine,
        book: FileBook,
        index: FileIndex,
        blobs: BlobStore,
        uploads: Uploads,
        limits: FileLimits,
        counts: FileCounts,
        every_s: float,
    ) -> None:
        self._engine = engine
        self._book = book
        self._index = index
        self._blobs = blobs
        self._uploads = uploads
        self.limits = limits
        self._counts = counts
        self._every_s = every_s
        self._wanted = asyncio.Event()
        self._erased: list[tuple[str, str]] = []
        engine.on_record(self._on_record, PartyErased)

    def hurry(self) -> None:
        """Look now."""
        self._wanted.set()

    async def run(self) -> None:
        """Look every now and then, for ever."""
        while True:
            try:
                await self.collect()
            except (TrunklineError, OSError) as error:
                log.warning("files could not be tidied up; trying again", extra={"error": str(error)})
            try:
                async with asyncio.timeout(self._every_s):
                    await self._wanted.wait()
            except TimeoutError:
                continue
            self._wanted.clear()

    async def collect(self) -> None:
        """One round: expired uploads, unused and aged files, then the bytes of what was removed.

        Raises:
            TrunklineError: the log cannot be written at the moment.
            OSError: the store of files cannot be used at the moment.
        """
        while self._erased:
            await self._uploads.forget_party(*self._erased.pop())
        await self._uploads.sweep()
        await self._remove()
        await self._purge()

    async def _remove(self) -> None:
        now_ms = self._engine.clock.now_ms()
        limits = self.limits
        due = [
            (app, file, "unused")
            for app, file in await self._index.idle(now_ms - limits.unused_ms, now_ms - limits.detached_ms, BATCH)
        ]
        if limits.retention_ms:
            due += [
                (app, file, "retention") for app, file in await self._index.aged(now_ms - limits.retention_ms, BATCH)
            ]
        removed = 0
        for app, file, reason in due:
            # What the index does not know yet: a message that names it is on its way.
            if reason == "unused" and self._book.busy(app, file):
                continue
            self._engine.check_room()
            self._book.remove(app, file, reason)
            removed += 1
        if removed:
            self._counts.removed += removed
            await self._engine.commits.settled()
            await self._engine.projected(self._engine.committed_lsn)

    async def _purge(self) -> None:
        while True:
            removed = await self._index.removed(BATCH)
            for stored in removed:
                for variant in (*(picture.name for picture in stored.variants), CONTENT):
                    await self._blobs.delete(blob_key(stored.app, stored.file, variant))
                self._engine.check_room()
                self._book.purge(stored.app, stored.file)
                self._counts.purged += 1
            if removed:
                await self._engine.commits.settled()
                await self._engine.projected(self._engine.committed_lsn)
            if len(removed) < BATCH:
                return

    def _on_record(self, record: Record, owner: object) -> None:
        if isinstance(record, PartyErased):
            self._erased.append((record.app, record.party))
            self._wanted.set()
