"""All webhooks at work: starting them, waking them, remembering how far they are, keeping the journal for them.

The outbox is the journal itself; see ``deliverer`` for one webhook.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from trunkline.base.errors import TrunklineError
from trunkline.domain.log.records import WebhookChanged
from trunkline.services.webhooks.book import AFTER, WebhookBook
from trunkline.services.webhooks.deliverer import Deliverer, Delivery
from trunkline.services.webhooks.ports import WebhookTables

log = logging.getLogger("trunkline.webhooks")
TICK_S = 0.03
"""How often to look whether anything became durable: looking costs nothing where messages are accepted."""
SAVE_EVERY = 33
"""Ticks between two saves of the cursors."""


class Outbox:
    """Delivers to the webhooks of a book.

    Args:
        book: which webhooks there are.
        parts: what delivering needs.
        keep_bytes: how much journal is kept for those that are behind.
    """

    def __init__(self, book: WebhookBook, parts: Delivery, keep_bytes: int) -> None:
        self.book = book
        self.parts = parts
        self.keep_bytes = keep_bytes
        self._deliverers: dict[tuple[str, str], Deliverer] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._seen_lsn = 0
        self._some = asyncio.Event()
        """There are webhooks."""
        book.on_change(self._changed)

    async def start(self, tables: WebhookTables) -> None:
        """Go on where the last run ended."""
        cursors = {(cursor.app, cursor.webhook): cursor for cursor in await tables.webhook_cursors()}
        behind: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for lane in await tables.webhook_lanes():
            behind[lane.app, lane.webhook][lane.conversation] = lane.next_seq
        for webhook in self.book.every():
            if webhook.mode == AFTER:
                key = (webhook.app, webhook.webhook)
                self._deliverers[key] = Deliverer(webhook, self.parts, cursors.get(key), behind[key])
        self._keep()
        for deliverer in self._deliverers.values():
            deliverer.start()

    async def run(self) -> None:
        """Wake, save and keep, until cancelled."""
        ticks = 0
        while True:
            if not self._deliverers:
                self._some.clear()
                await self._some.wait()
            await asyncio.sleep(TICK_S)
            lsn = self.parts.engine.committed_lsn
            if lsn != self._seen_lsn:
                self._seen_lsn = lsn
                for deliverer in self._deliverers.values():
                    deliverer.wake()
            ticks += 1
            if ticks % SAVE_EVERY == 0:
                self.save()

    def save(self) -> None:
        """Queue all cursors that moved, and let go of the journal behind them."""
        for deliverer in self._deliverers.values():
            deliverer.save()
        self._keep()

    async def stop(self) -> None:
        """End all deliveries and queue where they are; settle the log afterwards."""
        await asyncio.gather(*(deliverer.stop() for deliverer in self._deliverers.values()), *self._ending)
        self.save()

    def get(self, app: str, webhook: str) -> Deliverer | None:
        """One webhook at work."""
        return self._deliverers.get((app, webhook))

    def __iter__(self) -> Iterator[Deliverer]:
        """All webhooks at work."""
        return iter(self._deliverers.values())

    @property
    def waiting(self) -> int:
        """Events in memory or named as behind that wait, over all webhooks; an estimate where they are many."""
        return sum(deliverer.schedule.waiting for deliverer in self)

    @property
    def unread_groups(self) -> int:
        """Commit groups that the webhook furthest behind has not read yet."""
        head = self.parts.engine.committed_lsn
        return max((head - deliverer.schedule.read_position for deliverer in self), default=0)

    @property
    def oldest_age_s(self) -> float:
        """Age of the oldest event that waits; 0 when none does."""
        times = [at_ms for deliverer in self if (at_ms := deliverer.schedule.oldest_at_ms())]
        return max(0.0, (self.parts.engine.clock.now_ms() - min(times)) / 1000) if times else 0.0

    @property
    def disabled(self) -> int:
        """Webhooks that are switched off."""
        return sum(1 for deliverer in self if deliverer.webhook.disabled)

    def switch_off(self, webhook: WebhookChanged, reason: str) -> None:
        """Disable a webhook that cannot be delivered to."""
        known = self.book.get(webhook.app, webhook.webhook)
        if known is None or known.disabled:
            return
        log.warning("a webhook was disabled", extra={"webhook": webhook.webhook, "app": webhook.app, "reason": reason})
        self._background(self._put(msgspec.structs.replace(known, disabled=reason)))

    async def _put(self, webhook: WebhookChanged) -> None:
        try:
            await self.book.put(webhook)
        except TrunklineError as error:
            # The next failed attempt says so again.
            log.warning("a webhook could not be disabled yet", extra={"error": error.code.slug})

    def _changed(self, webhook: WebhookChanged) -> None:
        if webhook.mode != AFTER:
            return
        key = (webhook.app, webhook.webhook)
        known = self._deliverers.get(key)
        if webhook.deleted:
            if known is not None:
                del self._deliverers[key]
                self._background(known.stop())
        elif known is None:
            deliverer = self._deliverers[key] = Deliverer(webhook, self.parts, None, {})
            deliverer.save()
            deliverer.start()
            self._some.set()
        else:
            known.update(webhook)
            known.start()

    def _background(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name="webhook-change")  # type: ignore[arg-type]
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _keep(self) -> None:
        """What is not delivered must not be trimmed, also that of disabled webhooks: they may be enabled again."""
        cursors = [deliverer.schedule.saved_position for deliverer in self._deliverers.values()]
        self.parts.tail.keep(min(cursors) + 1 if cursors else None, self.keep_bytes)
