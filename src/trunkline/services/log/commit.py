"""Group commit: records pile up while the previous group is on its way to disk.

One group is in flight at a time. Replies and pushes belong to a group and leave when it is
durable; a reply that depends on nothing pending leaves at once. When a group cannot be written,
everything pending was decided on top of it and fails with it.

Not here: the journal (a port), what records mean (``engine``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.log.records import Record
from trunkline.services.log.ports import JournalNotWritten, JournalWriter, Timer
from trunkline.services.log.residents import ResidentConversation, ResidentParty

log = logging.getLogger("trunkline.commit")
Owner = ResidentConversation | ResidentParty | None
Release = Callable[[TrunklineError | None, Any, Any], None]
Waiter = tuple[Release, Any, Any]
FEW_RECORDS = 8
SMALL_GROUP = 128
BUSY_TICK = 128
LARGE_GROUP = 4096
MAX_DELAY_S = 0.002


class Group:
    """Records that become durable together, and who waits for them."""

    __slots__ = ("lsn", "outboxes", "owners", "records", "waiters")

    def __init__(self) -> None:
        self.lsn = 0
        self.records: list[Record] = []
        self.owners: list[Owner] = []
        self.outboxes: list[Outbox | None] = []
        self.waiters: list[Waiter] = []


class CommitQueue:
    """Accepts records synchronously and commits them in groups.

    Args:
        writer: the journal.
        timer: the event loop.
        on_durable: called with each durable group, in order, before its waiters.
        on_failed: called with groups that were not written, newest first, before their waiters.
        capacity: most records that may wait; beyond it ``check_room`` refuses.
    """

    def __init__(
        self,
        writer: JournalWriter,
        timer: Timer,
        on_durable: Callable[[Group], None],
        on_failed: Callable[[Group], None],
        capacity: int = 100_000,
    ) -> None:
        self._writer = writer
        self._timer = timer
        self._on_durable = on_durable
        self._on_failed = on_failed
        self.capacity = capacity
        self._pending = Group()
        self._in_flight: Group | None = None
        self._scheduled = False
        self._last_start_s = self._last_end_s = 0.0
        self._last_size = 0
        self._seen = 0
        self.failure: TrunklineError | None = None
        self.refused: TrunklineError | None = None
        """Why the last group was not written, while that can pass by itself: a full disk."""
        """Set for good once the journal's state is unknown."""
        self.count_down: Callable[[list[Owner]], object] = count_down
        self.tell: Callable[[list[Waiter]], object] = tell_durable
        """Both may be replaced by something that does the same, faster."""

    @property
    def depth(self) -> int:
        """Records not yet durable."""
        return len(self._pending.records) + (len(self._in_flight.records) if self._in_flight is not None else 0)

    def check_room(self, records: int = 1) -> None:
        """Refuse when the queue has no room for so many records, or the journal failed.

        Raises:
            TrunklineError: ``BUSY`` or ``STORE_FAILED``; nothing was applied.
        """
        if self.failure is not None:
            raise self.failure
        if len(self._pending.records) + records > self.capacity:
            raise TrunklineError(Code.BUSY, "the journal is behind", retry_ms=200)

    def append(self, record: Record, owner: Owner, outbox: Outbox | None = None) -> None:
        """Add a record to the pending group. The caller has applied it to memory already."""
        pending = self._pending
        pending.records.append(record)
        pending.owners.append(owner)
        pending.outboxes.append(outbox)
        if owner is not None:
            owner.in_flight += 1
        self.wake()

    def wake(self) -> None:
        """Make sure that what is pending is on its way, or will be when the group before it is durable."""
        if not self._scheduled and self._in_flight is None:
            self._schedule()

    def release(self, callback: Release, first: Any = None, second: Any = None) -> None:
        """Call ``callback(error, first, second)`` once everything appended so far is durable."""
        if self._pending.records:
            self._pending.waiters.append((callback, first, second))
        elif self._in_flight is not None:
            self._in_flight.waiters.append((callback, first, second))
        else:
            callback(None, first, second)

    async def settled(self) -> None:
        """Wait until everything appended so far is durable.

        Raises:
            TrunklineError: it was not written (definite), or the outcome is unknown.
        """
        if not self._pending.records and self._in_flight is None:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.release(_resolve, future)
        await future

    def _schedule(self) -> None:
        """Start the next group at the end of this tick, or a little later when groups are small and frequent.

        A tiny group costs as much CPU as a large one; waiting up to 2 ms at a high rate halves the load for
        a latency nobody sees. An idle server does not wait. When several send at once, the time that the disk took does
        not count: on a slow one groups would follow each other without a pause, each for a handful of records.
        """
        self._scheduled = True
        last_s = self._last_start_s if self._last_size < FEW_RECORDS else self._last_end_s
        since_last_s = self._timer.time() - last_s
        if self._last_size < SMALL_GROUP and since_last_s < MAX_DELAY_S:
            self._timer.call_later(MAX_DELAY_S - since_last_s, self._start)
        else:
            self._timer.call_soon(self._start)

    def _start(self) -> None:
        group = self._pending
        size = len(group.records)
        if self._in_flight is not None or not size:
            self._scheduled = False
            return
        if size - self._seen >= BUSY_TICK and size < LARGE_GROUP:
            # The tick that just ended brought many records, so more are waiting in the sockets: take them along.
            # Whoever both sends and receives then gets all of it in one write instead of two.
            self._seen = size
            self._timer.call_soon(self._start)
            return
        self._scheduled = False
        self._seen = 0
        self._pending = Group()
        self._in_flight = group
        self._last_start_s = self._timer.time()
        self._last_size = len(group.records)
        self._writer.submit(group.records, self._done)

    def _done(self, lsn: int, error: BaseException | None) -> None:
        group = self._in_flight
        if group is None:
            raise RuntimeError("a commit ended that was not under way")
        self._in_flight = None
        self._last_end_s = self._timer.time()
        if error is not None:
            self._fail(group, error)
            return
        group.lsn = lsn
        self.refused = None
        if self._pending.records:
            self._schedule()
        self.count_down(group.owners)
        self._on_durable(group)
        self.tell(group.waiters)

    def _fail(self, group: Group, cause: BaseException) -> None:
        pending, self._pending = self._pending, Group()
        if isinstance(cause, JournalNotWritten):
            error = TrunklineError(Code.DISK_FULL, f"nothing was written: {cause}", retry_ms=1000)
            if self.refused is None:
                log.error("the journal cannot be written; sends are refused until it can", extra={"error": str(cause)})
            self.refused = error
        else:
            log.critical("the journal failed; nothing is accepted until a restart", extra={"error": str(cause)})
            error = TrunklineError(Code.STORE_FAILED, f"the journal failed: {cause}")
            self.failure = error
        for failed in (pending, group):
            count_down(failed.owners)
            self._on_failed(failed)
        for failed in (group, pending):
            _tell(failed.waiters, error)


def count_down(owners: list[Owner]) -> None:
    """One record less is on its way for each owner."""
    for owner in owners:
        if owner is not None:
            owner.in_flight -= 1


def tell_durable(waiters: list[Waiter]) -> None:
    """Call who waits for a group that is durable now."""
    _tell(waiters, None)


def _tell(waiters: list[Waiter], error: TrunklineError | None) -> None:
    """Call who waits for a group; one that raises does not keep the others from hearing."""
    for callback, first, second in waiters:
        try:
            callback(error, first, second)
        except Exception:
            log.exception("a reply could not be given")


def _resolve(error: TrunklineError | None, future: asyncio.Future[None], _: Any) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
