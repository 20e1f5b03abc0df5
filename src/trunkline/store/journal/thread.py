"""The journal's writer thread: one group at a time, encoded, written and fsynced off the event loop."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable

from trunkline.domain.log.records import Record, encode_group
from trunkline.services.log.journal_port import Journal, JournalNotApplied
from trunkline.services.log.ports import CommitDone, JournalNotWritten
from trunkline.store.journal.urgency import ask_for_short_turns

_MOMENT_S = 0.000_01


class JournalThread:
    """``services.log.ports.JournalWriter`` over a ``Journal``.

    Args:
        journal: where groups go.
        loop: where ``done`` is called.
        after_append: called on the thread when a group is durable and was handed back.
    """

    def __init__(
        self, journal: Journal, loop: asyncio.AbstractEventLoop, after_append: Callable[[], None] = lambda: None
    ) -> None:
        self._after_append = after_append
        self.encode: Callable[[list[Record]], bytes] = encode_group
        self._journal = journal
        self._loop = loop
        self._work: queue.SimpleQueue[tuple[list[Record], CommitDone] | None] = queue.SimpleQueue()
        self._last_lsn = journal.last_lsn
        self._one_core = len(os.sched_getaffinity(0)) == 1
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def last_lsn(self) -> int:
        """Lsn of the last durable group."""
        return self._last_lsn

    def submit(self, records: list[Record], done: CommitDone) -> None:
        """Write a group and fsync; then ``done`` on the event loop."""
        self._work.put((records, done))
        if self._one_core:
            # Else the loop would go on for milliseconds before the thread gets the core and the interpreter, and the
            # disk would have nothing to do.
            time.sleep(_MOMENT_S)

    def stop(self) -> None:
        """Write what was submitted, then end the thread."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        ask_for_short_turns()
        while (item := self._work.get()) is not None:
            records, done = item
            lsn = 0
            error: BaseException | None = None
            try:
                lsn = self._journal.append(self.encode(records))
            except JournalNotApplied as refused:
                error = JournalNotWritten(str(refused))
                error.__cause__ = refused
            except BaseException as failed:  # noqa: BLE001 - whatever it is, the loop must learn of it
                error = failed
            self._loop.call_soon_threadsafe(self._done, lsn, error, done)
            if error is None:
                self._after_append()

    def _done(self, lsn: int, error: BaseException | None, done: CommitDone) -> None:
        if error is None:
            self._last_lsn = lsn
        done(lsn, error)
