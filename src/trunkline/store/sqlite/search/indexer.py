"""The indexer's thread: follows the journal, a batch per transaction, at a low priority and in slices.

The journal is kept for it, within a bound. Where it does not reach back to what is indexed (search was switched on
later, or was off for long), the chunks of ``index.db`` are read first. Applying twice changes nothing, so the two may
overlap.

Not here: what is written (``documents``), and queries (``reader``).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from trunkline.domain.log.keeping import keep_from
from trunkline.domain.log.records import EntryAppended, PartyErased, decode_group
from trunkline.protocol.journal.errors import JournalClosed, JournalTrimmed
from trunkline.store.sqlite.connection import may_be_retried
from trunkline.store.sqlite.schema import read_meta, write_meta
from trunkline.store.sqlite.search import schema
from trunkline.store.sqlite.search.crawl import Crawl
from trunkline.store.sqlite.search.documents import Documents, Item

BATCH_ITEMS = 2_000
NICENESS = 10
MERGE_PAGES = 200
PIN = "search"
_PAUSE_S = 0.001
_BACKOFF_S = 1.0
log = logging.getLogger("trunkline.search")


class Segment(Protocol):
    """One file of the journal."""

    @property
    def first_lsn(self) -> int:
        """Its oldest frame."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes on disk."""
        ...


class Frames(Protocol):
    """The part of the journal that is followed."""

    @property
    def first_lsn(self) -> int:
        """Oldest kept frame."""
        ...

    @property
    def last_lsn(self) -> int:
        """Newest durable frame."""
        ...

    def read(self, after_lsn: int) -> Iterator[tuple[int, bytes]]:
        """Durable frames behind ``after_lsn``."""
        ...

    def segments(self) -> Sequence[Segment]:
        """Its files, oldest first."""
        ...

    def pin(self, name: str, lsn: int) -> None:
        """Keep frame ``lsn`` and all later ones."""
        ...

    def unpin(self, name: str) -> None:
        """Keep nothing for this name any more."""
        ...


class Indexer:
    """Keeps ``search.db`` up to date.

    Args:
        path: of ``search.db``.
        source: of ``index.db``.
        frames: the journal.
        epoch: of the store.
        every_s: how often to look for new frames.
        keep_bytes: journal kept for what is not indexed yet.

    Attributes:
        lsn: every frame up to here is indexed.
        building: older chunks are being read.
        generation: of the positions.
        failure: why the thread ended; "" while it works.
    """

    def __init__(self, path: Path, source: Path, frames: Frames, epoch: int, every_s: float, keep_bytes: int) -> None:
        self._path, self._source, self._frames = path, source, frames
        self._epoch, self._every_s, self._keep_bytes = epoch, every_s, keep_bytes
        self.failure = ""
        self._crawl: Crawl | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._open()
        self._keep()
        self._thread = threading.Thread(target=self._run, name="search-indexer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def hurry(self) -> None:
        """Look for new frames now."""
        self._wake.set()

    def stop(self) -> None:
        """End after the present batch and close the file."""
        self._stopping = True
        self._wake.set()
        self._thread.join()
        if self._crawl is not None:
            self._crawl.close()
        self._db.close()

    def _open(self) -> None:
        try:
            self._connect()
        except (schema.Unusable, sqlite3.DatabaseError) as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            log.warning("the search index is built anew", extra={"error": str(error)})
            self._db.close()
            schema.delete(self._path)
            self._connect()

    def _connect(self) -> None:
        self._db = schema.connect(self._path)
        schema.prepare_writer(self._db)
        schema.create_or_check(self._db, self._epoch, time.time_ns() // 1_000_000)
        self.generation = read_meta(self._db, "generation")
        self.lsn = read_meta(self._db, "lsn")
        if self.lsn > self._frames.last_lsn:
            raise schema.Unusable("it is ahead of the journal")
        self.building = bool(read_meta(self._db, "building"))
        self._documents = Documents(self._db, lambda: time.sleep(_PAUSE_S))

    # --- on the thread ----------------------------------------------------------------------

    def _run(self) -> None:
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stopping:
            try:
                worked = self._step()
            except JournalClosed:
                return
            except JournalTrimmed:
                self._begin_crawl()
                continue
            except Exception as error:
                self._undo()
                if not may_be_retried(error):
                    log.exception("search stopped; delete search.db to build it anew")
                    self.failure = str(error) or type(error).__name__
                    self._frames.unpin(PIN)
                    return
                self._keep()
                self._wait(_BACKOFF_S)
                continue
            self._keep()
            if not worked:
                self._wait(self._every_s)

    def _wait(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _keep(self) -> None:
        """Keep the journal behind what is indexed; while chunks are read, from where it is to be followed then."""
        needed = 1 + (read_meta(self._db, "follow_from") if self.building else self.lsn)
        segments = [(segment.first_lsn, segment.size_bytes) for segment in self._frames.segments()]
        try:
            self._frames.pin(PIN, max(keep_from(needed, segments, self._keep_bytes), self._frames.first_lsn))
        except JournalTrimmed:
            self._frames.unpin(PIN)  # trimmed in this moment; the next call pins what is left

    def _undo(self) -> None:
        self._documents.forget()
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _step(self) -> bool:
        """Do one batch of what is to do; False when there is nothing."""
        if self.building:
            self._crawl_on()
            return True
        if self._frames.last_lsn > self.lsn:
            self._follow()
            return True
        return self._purge() if read_meta(self._db, "purge") else False

    def _follow(self) -> None:
        items: list[Item] = []
        reached = self.lsn
        for lsn, payload in self._frames.read(self.lsn):
            reached = lsn
            for record in decode_group(payload):
                if type(record) is EntryAppended:
                    items.append((record.app, record.conversation, record.entry))
                elif type(record) is PartyErased:
                    items.append(record)
            if len(items) >= BATCH_ITEMS:
                break
        self._apply(items, {"lsn": reached})
        self.lsn = reached

    def _apply(self, items: list[Item], meta: dict[str, int]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._documents.apply(items)
        for key, value in meta.items():
            write_meta(self._db, key, value)
        self._db.execute("COMMIT")

    def _begin_crawl(self) -> None:
        """Start over with the chunks: follow the journal from what they hold now."""
        crawl = Crawl(self._source, 0)
        lsn = crawl.projected_lsn()
        crawl.close()
        self._apply([], {"building": 1, "crawled": 0, "follow_from": lsn})
        self.building = True

    def _crawl_on(self) -> None:
        if self._crawl is None:
            self._crawl = Crawl(self._source, read_meta(self._db, "crawled"))
        crawl = self._crawl
        items = crawl.next()
        for start in range(0, len(items), BATCH_ITEMS):
            self._apply(items[start : start + BATCH_ITEMS], {})
        if not crawl.done:
            self._apply([], {"crawled": crawl.resume_at})
            return
        lsn = read_meta(self._db, "follow_from")
        self._apply([], {"building": 0, "lsn": lsn})
        crawl.close()
        self._crawl, self.lsn, self.building = None, lsn, False

    def _purge(self) -> bool:
        """Merge the index step by step, so that the terms of erased messages leave the file."""
        db = self._db
        db.execute("PRAGMA secure_delete=ON").fetchone()
        merged = -MERGE_PAGES if read_meta(db, "purge") == 1 else MERGE_PAGES
        before = db.total_changes
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (merged,))
        more = db.total_changes - before >= 2
        write_meta(db, "purge", 2 if more else 0)
        db.execute("COMMIT")
        db.execute("PRAGMA secure_delete=OFF").fetchone()
        if not more:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return True
