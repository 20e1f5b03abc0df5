"""Delivering one webhook's events: from the journal, through its schedule, to its receiver.

What is decided (order, memory, outages, the cursor) is in ``domain.webhooks.schedule``; here are the tasks. The
journal is the outbox: nothing is stored for an event but the cursor below which all of them arrived, and the
conversations that are behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from trunkline.base.errors import TrunklineError
from trunkline.crypto.webhooks import sign
from trunkline.domain.log.records import EntryAppended, WebhookChanged, WebhookCursorMoved, WebhookLaneMoved
from trunkline.domain.webhooks.backoff import RetryPolicy
from trunkline.domain.webhooks.filters import EventFilter
from trunkline.domain.webhooks.schedule import Attempt, Bounds, Fetch, Schedule
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_range
from trunkline.services.webhooks.making import EventMaker
from trunkline.services.webhooks.ports import Batch, Courier, JournalTail, Reply
from trunkline.wire.calls.webhooks import Event

log = logging.getLogger("trunkline.webhooks")
GONE = 410
FETCH_ENTRIES = 64
QUIET_GROUPS = 10_000
"""Groups without a wanted event after which the cursor is saved nevertheless, so that the journal can be trimmed."""
STORE_PAUSE_S = 1.0
_json = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Counts:
    """What all webhooks together did since the start, deleted ones included."""

    delivered: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What delivering needs, the same for all webhooks.

    Attributes:
        secrets: those that sign for a webhook now.
        now_s: monotonic time.
        roll: uniform in [0, 1).
        hopeless: told (webhook, reason) when a webhook is to be switched off.
        timeout_s: of one attempt.
        in_flight: attempts of one webhook at a time.
    """

    engine: Engine
    tail: JournalTail
    courier: Courier
    maker: EventMaker
    policy: RetryPolicy
    secrets: Callable[[WebhookChanged], Sequence[bytes]]
    now_s: Callable[[], float]
    roll: Callable[[], float]
    hopeless: Callable[[WebhookChanged, str], None]
    timeout_s: float = 10.0
    in_flight: int = 16
    bounds: Bounds = field(default_factory=Bounds)
    counts: Counts = field(default_factory=Counts)


def filter_of(webhook: WebhookChanged) -> EventFilter:
    """What a webhook wants."""
    return EventFilter(webhook.events, webhook.kinds, webhook.prefix, webhook.message_types)


class Deliverer:
    """One webhook at work.

    Args:
        webhook: which.
        parts: what delivering needs.
        cursor: the durable one; None for a webhook that begins now.
        behind: conversations behind the cursor.

    Attributes:
        delivered: events that arrived since the start.
        failures: attempts that failed since the start.
        skipped: groups that were trimmed before they were read.
    """

    def __init__(
        self, webhook: WebhookChanged, parts: Delivery, cursor: WebhookCursorMoved | None, behind: dict[str, int]
    ) -> None:
        self.webhook = webhook
        self.filter = filter_of(webhook)
        self._parts = parts
        known_to = parts.engine.committed_lsn
        self.schedule = Schedule(known_to if cursor is None else cursor.lsn, behind, known_to, parts.bounds)
        self.delivered = 0
        self.failures = 0
        self.skipped = 0 if cursor is None else cursor.skipped
        self.last_error = "" if cursor is None else cursor.last_error
        self.failing_since_ms = 0 if cursor is None else cursor.failing_since_ms
        self._wake = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        self._changed = cursor is None
        self._whole = cursor is None

    # --- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or go on."""
        if self._loop_task is None and not self.webhook.disabled:
            self._loop_task = asyncio.get_running_loop().create_task(self._run(), name="webhook")

    async def stop(self) -> None:
        """End; what is under way may arrive once more later."""
        tasks = [*self._work]
        if self._loop_task is not None:
            tasks.append(self._loop_task)
        self._loop_task = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def update(self, webhook: WebhookChanged) -> None:
        """The webhook was changed: what waits is tried at once."""
        was_off, self.webhook = bool(self.webhook.disabled), webhook
        self.filter = filter_of(webhook)
        self.schedule.hurry(self._parts.now_s())
        if was_off and not webhook.disabled:
            self.failing_since_ms = 0
            self._changed = True
        self.wake()

    async def replay(self, after_lsn: int) -> None:
        """Deliver everything behind ``after_lsn`` (again), and nothing that waits from before."""
        await self.stop()
        self.schedule = Schedule(after_lsn, None, 0, self._parts.bounds)
        self._changed = self._whole = True
        self.save()
        self.start()

    # --- the durable cursor -----------------------------------------------------------------

    def save(self) -> None:
        """Queue what is to be remembered, if it changed."""
        schedule = self.schedule
        if not self._changed and schedule.read_position - schedule.saved_position < QUIET_GROUPS:
            return
        engine = self._parts.engine
        try:
            engine.check_room(100)
        except TrunklineError:
            return  # the journal has more urgent things to write; nothing is lost by saving later
        app, name = self.webhook.app, self.webhook.webhook
        whole, self._whole, self._changed = self._whole, False, False
        position, lanes = schedule.take_changes(whole=whole)
        engine.append_record(
            WebhookCursorMoved(
                app,
                name,
                position,
                engine.clock.now_ms(),
                failing_since_ms=self.failing_since_ms,
                last_error=self.last_error,
                fresh=whole,
                skipped=self.skipped,
            )
        )
        for conversation, next_seq in lanes:
            engine.append_record(WebhookLaneMoved(app, name, conversation, next_seq))
        engine.commits.release(self._saved)

    def _saved(self, error: TrunklineError | None, _first: object, _second: object) -> None:
        if error is not None:
            self._whole = self._changed = True  # whether parts of it are stored does not matter when all is replaced

    # --- the loop ---------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._step()
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("a webhook could not go on; trying again", extra={"webhook": self.webhook.webhook})
                await asyncio.sleep(STORE_PAUSE_S)

    async def _step(self) -> None:
        self._wake.clear()
        if self.webhook.disabled:
            await self._wake.wait()
            return
        self._begin_work()
        schedule = self.schedule
        if schedule.has_room and schedule.read_position < self._parts.engine.committed_lsn:
            await self._read()
            return
        wake_at_s = schedule.wake_at_s() if len(self._work) < self._parts.in_flight else None
        timeout_s = None if wake_at_s is None else max(0.0, wake_at_s - self._parts.now_s())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()

    async def _read(self) -> None:
        schedule = self.schedule
        position = schedule.read_position
        batch = await self._parts.tail.read(position, self._parts.engine.committed_lsn)
        if batch is None:
            self._skip(position, self._parts.tail.first_lsn - 1)
        elif batch.last_lsn == position:
            await asyncio.sleep(STORE_PAUSE_S)  # the journal was closed
        else:
            self._admit(batch)

    def _admit(self, batch: Batch) -> None:
        schedule, app, wanted = self.schedule, self.webhook.app, self.filter
        for lsn, records in batch.groups:
            for record in records:
                if (
                    type(record) is EntryAppended
                    and record.app == app
                    and wanted.may_want(record.conversation, record.entry.type)
                ):
                    schedule.admit(lsn, record.conversation, record.entry)
                    self._changed = True
        schedule.passed(batch.last_lsn)

    def _skip(self, position: int, kept_after: int) -> None:
        """The journal was trimmed further than this webhook was: say so, and go on with what is left."""
        self.skipped += kept_after - position
        self._parts.counts.skipped += kept_after - position
        self.last_error = f"commit groups {position + 1} to {kept_after} were trimmed before they were delivered"
        log.error(
            "a webhook was too far behind: the journal kept for it was trimmed",
            extra={"webhook": self.webhook.webhook, "from_lsn": position + 1, "to_lsn": kept_after},
        )
        self.schedule.passed(kept_after)
        self._changed = True

    def _begin_work(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._work) < self._parts.in_flight:
            work = self.schedule.next_work(self._parts.now_s())
            if work is None:
                return
            doing = self._attempt(work) if isinstance(work, Attempt) else self._fetch(work)
            task = loop.create_task(doing, name="webhook-attempt")
            self._work.add(task)
            task.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("an attempt of a webhook broke", exc_info=task.exception())
        self.wake()

    # --- one piece of work ------------------------------------------------------------------

    async def _fetch(self, work: Fetch) -> None:
        schedule, engine = self.schedule, self._parts.engine
        try:
            resident = await engine.conversation(self.webhook.app, work.conversation)
            last = work.last or resident.committed
            up_to = min(last, work.first + FETCH_ENTRIES - 1)
            entries = await read_range(engine, resident, work.first, up_to, FETCH_ENTRIES)
        except TrunklineError as error:
            self.last_error = error.detail
            schedule.postponed(work.conversation, self._parts.now_s() + STORE_PAUSE_S)
            return
        except BaseException:
            schedule.postponed(work.conversation, self._parts.now_s() + STORE_PAUSE_S)
            raise
        wanted = self.filter
        found = [entry for entry in entries if wanted.may_want(work.conversation, entry.type)]
        schedule.fetched(work.conversation, found, up_to, last)
        self._changed = True

    async def _attempt(self, work: Attempt) -> None:
        schedule, now_s = self.schedule, self._parts.now_s
        try:
            events = await self._parts.maker.events(self.webhook.app, work.conversation, work.entry, self.filter)
            for event in events[work.part :]:
                reply = await self._post(event)
                if not reply.ok:
                    self._failed(schedule, work, reply)
                    return
                self.delivered += 1
                self._parts.counts.delivered += 1
                self.failing_since_ms = 0
                schedule.part_delivered(work.conversation)
        except TrunklineError as error:
            self.last_error = error.detail
            schedule.postponed(work.conversation, now_s() + STORE_PAUSE_S)
        except BaseException:
            schedule.postponed(work.conversation, now_s() + STORE_PAUSE_S)
            raise
        else:
            schedule.delivered(work.conversation, now_s())
            self._changed = True

    async def _post(self, event: Event) -> Reply:
        webhook, parts = self.webhook, self._parts
        body = _json(event)
        signed_at_s = parts.engine.clock.now_ms() // 1000
        headers = sign(parts.secrets(webhook), event.id, signed_at_s, body)
        return await parts.courier.post(webhook.url, headers, body, parts.timeout_s)

    def _failed(self, schedule: Schedule, work: Attempt, reply: Reply) -> None:
        parts, policy = self._parts, self._parts.policy
        now_ms, now_s = parts.engine.clock.now_ms(), parts.now_s()
        self.failures += 1
        parts.counts.failed += 1
        self.failing_since_ms = self.failing_since_ms or now_ms
        self.last_error = reply.describe()
        pause_s = policy.pause_s(work.attempts + 1, parts.roll(), reply.retry_after_s)
        # What failed while the outage was being noticed says nothing about how long it lasts.
        rounds = max(1, schedule.failures_in_a_row - parts.bounds.outage_after - parts.in_flight + 1)
        probe_s = policy.probe_s(rounds, parts.roll(), reply.retry_after_s)
        schedule.failed(work.conversation, now_s + pause_s, now_s + probe_s)
        self._changed = True
        if reply.status == GONE:
            parts.hopeless(self.webhook, "the receiver answered 410 Gone")
        elif policy.is_hopeless(self.failing_since_ms, now_ms):
            parts.hopeless(self.webhook, f"nothing was accepted for {policy.disable_after_s:.0f} s: {self.last_error}")
