"""The projector's thread: collects committed groups for about a second, then projects them at once.

Not here: who applies them, here or elsewhere (``appliers``), what is written (``projection``), and the queries
(``reader``).
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from trunkline.domain.log.records import Record
from trunkline.store.sqlite.appliers import Applier, InThread
from trunkline.store.sqlite.connection import Database, may_be_retried
from trunkline.store.sqlite.projection import Group
from trunkline.store.sqlite.schema import read_meta

_PAUSE_S = 0.000_05
_MANY_RECORDS = 400_000
"""Waiting records from which on the event loop is not spared any more: it would refuse sends before long."""
_CHECKPOINT_S = 5.0
_CHECKPOINT_IDLE_S = 2.0
_FIRST_BACKOFF_S = 0.05
_LONGEST_BACKOFF_S = 5.0

Result = TypeVar("Result")


class SqliteProjector:
    """Implements ``services.log.index_port.Projector``.

    Args:
        open_db: opens the writing connection, schema in place; called once, here.
        epoch: of the store.
        batch_s: how long to collect before projecting.
        batch_records: project at once when that many records wait, and no more than these at a time.
        niceness: added to the priority of the thread (Linux only): where the thread itself applies, it shares one
            core and the GIL with the event loop, and so works at a lower priority and in slices.
        apply_elsewhere: makes what applies the groups in place of this thread.
    """

    def __init__(
        self,
        open_db: Callable[[], Database],
        epoch: int,
        *,
        batch_s: float,
        batch_records: int,
        niceness: int,
        apply_elsewhere: Callable[[], Applier] | None = None,
    ) -> None:
        self._db = open_db()
        self._batch_s = batch_s
        self._batch_records = batch_records
        self._niceness = niceness if apply_elsewhere is None else 0
        self._applier: Applier = (
            InThread(self._db, epoch, self._pause) if apply_elsewhere is None else apply_elsewhere()
        )
        self._projected = self._durable = self._submitted = read_meta(self._db, "projected_lsn")
        self._condition = threading.Condition()
        self._queue: deque[Group] = deque()
        self._queued_records = 0
        self._jobs: deque[Callable[[], None]] = deque()
        self._hurried = False
        self._stopping = False
        self._failure: BaseException | None = None
        self._waiting_for_more = False
        self._checkpointed_at_s = time.monotonic()
        self._on_progress: list[tuple[asyncio.AbstractEventLoop, Callable[[int], None]]] = []
        self._on_failure: list[tuple[asyncio.AbstractEventLoop, Callable[[BaseException], None]]] = []
        self._on_delay: list[tuple[asyncio.AbstractEventLoop, Callable[[BaseException], None]]] = []
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    @property
    def projected_lsn(self) -> int:
        """Every group up to this one is visible to the reader."""
        return self._projected

    @property
    def durable_lsn(self) -> int:
        """Every group up to this one survives a power cut without the journal."""
        return self._durable

    @property
    def queued_records(self) -> int:
        """Records submitted and not yet projected."""
        return self._queued_records

    @property
    def records_per_s(self) -> float:
        """How many records a second of processor time projects; 0 while that is not known."""
        return self._applier.records_per_s

    @property
    def reads_journal(self) -> bool:
        """Whether only the numbers of submitted groups matter, because the records are read from the journal."""
        return self._applier.reads_journal

    def submit(self, lsn: int, records: Sequence[Record]) -> None:
        """Queue a committed group; one that was submitted or projected before is ignored.

        Raises:
            ValueError: a group is missing before this one.
        """
        if lsn <= self._submitted:
            return
        if lsn != self._submitted + 1:
            raise ValueError(f"group {lsn} does not follow {self._submitted}")
        self._submitted = lsn
        with self._condition:
            if self._failure is not None:
                return
            self._queue.append((lsn, records))
            self._queued_records += len(records)
            if not self._waiting_for_more or self._queued_records >= self._batch_records:
                self._condition.notify()

    def hurry(self) -> None:
        """Project what is queued now instead of waiting to batch more."""
        with self._condition:
            if self._queue:
                self._hurried = True
                self._condition.notify()

    def on_progress(self, callback: Callable[[int], None]) -> None:
        """Call ``callback(projected_lsn)`` on the running event loop after each projected batch."""
        self._on_progress.append((asyncio.get_running_loop(), callback))

    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        """Call on the running event loop when projection failed for good, also if it has already."""
        loop = asyncio.get_running_loop()
        with self._condition:
            self._on_failure.append((loop, callback))
            if self._failure is not None:
                loop.call_soon(callback, self._failure)

    def on_delay(self, callback: Callable[[BaseException], None]) -> None:
        """Call on the running event loop when a batch could not be written yet (a full disk); once per batch."""
        self._on_delay.append((asyncio.get_running_loop(), callback))

    async def stop(self) -> None:
        """Project what is queued, make it durable, then end. May be called twice."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def checkpoint(self) -> int:
        """Make durable what is projected, as far as running queries allow; returns ``durable_lsn``."""
        await self.run(lambda _: self._checkpoint())
        return self._durable

    async def run(self, job: Callable[[Database], Result]) -> Result:
        """Run something on the writing connection, between two batches.

        Raises:
            RuntimeError: the projector has stopped or failed.
        """
        future: Future[Result] = Future()

        def work() -> None:
            try:
                future.set_result(job(self._db))
            except BaseException as error:
                future.set_exception(error)

        with self._condition:
            if self._stopping or self._failure is not None:
                raise RuntimeError("the projector has stopped")
            self._jobs.append(work)
            self._condition.notify()
        return await asyncio.wrap_future(future)

    # --- on the projector's thread ----------------------------------------------------------

    def _run(self) -> None:
        if self._niceness and hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        try:
            while self._wait():
                self._run_jobs()
                if self._queue:
                    self._project(self._take())
                self._checkpoint_if_due()
            self._checkpoint()
        except BaseException as error:
            self._fail(error)
        try:
            self._applier.close()
            self._db.close()
        except Exception as error:
            if self._failure is None:
                self._fail(error)

    def _wait(self) -> bool:
        """Wait for a batch's worth of work, or for a reason not to; False when it is time to end."""
        with self._condition:
            while not self._queue and not self._jobs and not self._stopping:
                if not self._condition.wait(_CHECKPOINT_IDLE_S) and self._durable < self._projected:
                    return True
            self._waiting_for_more = True
            deadline_s = time.monotonic() + self._batch_s
            while not (self._jobs or self._hurried or self._stopping or self._queued_records >= self._batch_records):
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    break
                self._condition.wait(left_s)
            self._waiting_for_more = False
            return bool(self._queue or self._jobs or not self._stopping)

    def _run_jobs(self) -> None:
        while self._jobs:
            self._jobs.popleft()()

    def _take(self) -> list[Group]:
        with self._condition:
            taken: list[Group] = []
            records = 0
            while self._queue and (not taken or records + len(self._queue[0][1]) <= self._batch_records):
                group = self._queue.popleft()
                taken.append(group)
                records += len(group[1])
            if not self._queue:
                self._hurried = False
            return taken

    def _project(self, groups: list[Group]) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while True:
            try:
                self._applier.apply(groups)
                break
            except Exception as error:
                if not may_be_retried(error) or self._stopping:
                    raise
                self._applier.forget()
                if backoff_s == _FIRST_BACKOFF_S:
                    self._tell(self._on_delay, error)
            with self._condition:
                if not self._stopping and not self._jobs:
                    self._condition.wait(backoff_s)
            self._run_jobs()
            backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
        lsn = groups[-1][0]
        with self._condition:
            self._queued_records -= sum(len(records) for _, records in groups)
        self._projected = lsn
        self._tell(self._on_progress, lsn)

    def _checkpoint_if_due(self) -> None:
        if self._durable >= self._projected:
            return
        since_s = time.monotonic() - self._checkpointed_at_s
        if since_s >= _CHECKPOINT_S or (not self._queue and since_s >= _CHECKPOINT_IDLE_S):
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Move the write-ahead log into the file; what is fully moved is durable."""
        lsn = self._projected
        self._checkpointed_at_s = time.monotonic()
        try:
            moved = self._applier.checkpoint()
        except Exception as error:
            if may_be_retried(error):
                return
            raise
        if moved:
            self._durable = lsn

    def _pause(self) -> None:
        """Let the event loop have the GIL; while much waits, it has to ask for it."""
        if self._queued_records < _MANY_RECORDS:
            time.sleep(_PAUSE_S)

    def _fail(self, error: BaseException) -> None:
        with self._condition:
            self._failure = error
            self._queue.clear()
            listeners = list(self._on_failure)
        self._run_jobs()
        self._tell(listeners, error)

    @staticmethod
    def _tell(listeners: Sequence[tuple[asyncio.AbstractEventLoop, Callable[[Any], None]]], argument: object) -> None:
        for loop, callback in listeners:
            try:
                loop.call_soon_threadsafe(callback, argument)
            except RuntimeError:
                pass  # the loop is closed: nobody listens any more
