"""What an app server does with its webhooks: make, change, look at, replay, delete.

Every look-up is by app first, so that no app sees or touches another's.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.keys import SecretDeriver
from trunkline.crypto.webhooks import show_secret
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import WebhookChanged
from trunkline.domain.webhooks.filters import check_events
from trunkline.services.log.engine import Engine
from trunkline.services.webhooks.book import AFTER, BEFORE_SEND, WebhookBook
from trunkline.services.webhooks.deliverer import Deliverer
from trunkline.services.webhooks.outbox import Outbox
from trunkline.services.webhooks.ports import JournalTail
from trunkline.wire.calls import webhooks as calls
from trunkline.wire.frames import EmptyResult

SWITCHED_OFF = "switched off by the app"


@dataclass(frozen=True, slots=True)
class WebhookLimits:
    """How many webhooks an app may have.

    Attributes:
        webhooks: all together.
        hooks: of those, how many are asked before a message is accepted.
    """

    webhooks: int = 20
    hooks: int = 3


class Subscriptions:
    """Changes and shows webhooks.

    Args:
        engine: the log.
        book: which webhooks there are.
        outbox: the webhooks at work.
        tail: the kept journal.
        secrets: makes signing secrets.
        randomness: for ids.
        check_url: refuses URLs that may not be called.
        limits: how many.
    """

    def __init__(
        self,
        engine: Engine,
        book: WebhookBook,
        outbox: Outbox,
        tail: JournalTail,
        secrets: SecretDeriver,
        randomness: Randomness,
        check_url: Callable[[str], str],
        limits: WebhookLimits,
    ) -> None:
        self._engine = engine
        self._book = book
        self._outbox = outbox
        self._tail = tail
        self._secrets = secrets
        self._randomness = randomness
        self._check_url = check_url
        self._limits = limits
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def create(self, caller: Caller, request: calls.WebhookCreate) -> calls.Webhook:
        """Make a webhook; its secret is shown here and never again.

        Raises:
            TrunklineError: ``INVALID_PARAMS``, ``ADDRESS_FORBIDDEN`` or ``LIMIT_EXCEEDED``.
        """
        asks = request.mode == BEFORE_SEND
        if asks and request.on_failure is UNSET:
            raise TrunklineError(
                Code.INVALID_PARAMS, "before_send needs on_failure: 'accept' or 'reject'", field="on_failure"
            )
        if not asks and request.on_failure is not UNSET:
            raise TrunklineError(Code.INVALID_PARAMS, "only before_send has on_failure", field="on_failure")
        made = WebhookChanged(
            caller.app,
            "w_" + self._randomness.token(12),
            request.mode,
            self._check_url(request.url),
            self._engine.clock.now_ms(),
            events=check_events(request.events),
            kinds=tuple(request.kinds),
            prefix=request.prefix,
            message_types=tuple(request.message_types),
            description=request.description,
            deadline_ms=request.deadline_ms if asks else 0,
            on_failure=request.on_failure if asks and request.on_failure is not UNSET else "",
        )
        async with self._locks[caller.app]:
            present = self._book.of(caller.app)
            if len(present) >= self._limits.webhooks:
                raise TrunklineError(Code.LIMIT_EXCEEDED, f"an app has at most {self._limits.webhooks} webhooks")
            if asks and sum(webhook.mode == BEFORE_SEND for webhook in present) >= self._limits.hooks:
                raise TrunklineError(
                    Code.LIMIT_EXCEEDED, f"an app has at most {self._limits.hooks} webhooks of mode before_send"
                )
            await self._book.put(made)
        return self._view(made, show=True)

    async def list(self, caller: Caller, request: calls.WebhookList) -> calls.Webhooks:
        """The app's webhooks, without secrets."""
        return calls.Webhooks([self._view(webhook) for webhook in self._book.of(caller.app)])

    async def get(self, caller: Caller, request: calls.WebhookRef) -> calls.Webhook:
        """One webhook, without its secret.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        return self._view(self._own(caller, request.webhook))

    async def update(self, caller: Caller, request: calls.WebhookUpdate) -> calls.Webhook:
        """Change a webhook.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``INVALID_PARAMS`` or ``ADDRESS_FORBIDDEN``.
        """
        async with self._locks[caller.app]:
            known = self._own(caller, request.webhook)
            changes: dict[str, Any] = {}
            for field in ("url", "events", "kinds", "prefix", "message_types", "description"):
                value = getattr(request, field)
                if value is not UNSET:
                    changes[field] = tuple(value) if isinstance(value, list) else value
            for field in ("deadline_ms", "on_failure"):
                value = getattr(request, field)
                if value is not UNSET:
                    if known.mode != BEFORE_SEND:
                        raise TrunklineError(Code.INVALID_PARAMS, f"only before_send has {field}", field=field)
                    changes[field] = value
            if "url" in changes:
                self._check_url(changes["url"])
            if "events" in changes:
                changes["events"] = check_events(changes["events"])
            if request.enabled is not UNSET and request.enabled is bool(known.disabled):
                changes["disabled"] = "" if request.enabled else SWITCHED_OFF
            changed = msgspec.structs.replace(known, **changes)
            if changed != known:
                await self._book.put(changed)
        return self._view(changed)

    async def delete(self, caller: Caller, request: calls.WebhookRef) -> EmptyResult:
        """Delete a webhook; what waits is not delivered.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        async with self._locks[caller.app]:
            known = self._own(caller, request.webhook)
            await self._book.put(msgspec.structs.replace(known, deleted=True))
        return EmptyResult()

    async def rotate(self, caller: Caller, request: calls.WebhookRotate) -> calls.Webhook:
        """Make a new secret and show it; the one before signs along for a while.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        async with self._locks[caller.app]:
            known = self._own(caller, request.webhook)
            until_ms = self._engine.clock.now_ms() + request.overlap_s * 1000
            changed = msgspec.structs.replace(known, generation=known.generation + 1, previous_until_ms=until_ms)
            await self._book.put(changed)
        return self._view(changed, show=True)

    async def replay(self, caller: Caller, request: calls.WebhookReplay) -> calls.Backlog:
        """Move a webhook's cursor.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``INVALID_PARAMS`` or ``EVENTS_GONE``.
        """
        async with self._locks[caller.app]:
            return await self._replay(self._at_work(caller, request.webhook), request)

    async def _replay(self, deliverer: Deliverer, request: calls.WebhookReplay) -> calls.Backlog:
        if (request.lsn is not None) + (request.from_ms is not None) + request.now != 1:
            raise TrunklineError(Code.INVALID_PARAMS, "name exactly one of lsn, from_ms and now", field="lsn")
        head = self._engine.committed_lsn
        if request.now:
            after = head
        elif request.lsn is not None:
            after = request.lsn - 1
            if request.lsn > head + 1 or request.lsn < 1:
                raise TrunklineError(Code.INVALID_PARAMS, f"lsn must be from 1 to {head + 1}", field="lsn")
        else:
            after = await self._tail.find(request.from_ms or 0, head) - 1
        first = self._tail.first_lsn
        if after < first - 1:
            raise TrunklineError(Code.EVENTS_GONE, f"the journal is kept from lsn {first} on", field="lsn")
        await deliverer.replay(after)
        return self._backlog(deliverer)

    async def backlog(self, caller: Caller, request: calls.WebhookRef) -> calls.Backlog:
        """What a webhook has still to be sent.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``INVALID_PARAMS``.
        """
        return self._backlog(self._at_work(caller, request.webhook))

    # --- parts ------------------------------------------------------------------------------

    def signing_secrets(self, webhook: WebhookChanged) -> Sequence[bytes]:
        """The secrets that sign for a webhook now, the newest first."""
        found = [self._secrets.webhook_secret(webhook.webhook, webhook.generation)]
        if webhook.generation > 1 and webhook.previous_until_ms > self._engine.clock.now_ms():
            found.append(self._secrets.webhook_secret(webhook.webhook, webhook.generation - 1))
        return found

    def _own(self, caller: Caller, webhook: str) -> WebhookChanged:
        known = self._book.get(caller.app, webhook)
        if known is None:
            raise TrunklineError(Code.NOT_FOUND, "This app has no such webhook.", field="webhook")
        return known

    def _at_work(self, caller: Caller, webhook: str) -> Deliverer:
        if self._own(caller, webhook).mode != AFTER:
            raise TrunklineError(
                Code.INVALID_PARAMS, "a before_send webhook is asked at once and has no backlog", field="webhook"
            )
        deliverer = self._outbox.get(caller.app, webhook)
        if deliverer is None:
            raise TrunklineError(Code.BUSY, "The webhook is being started.", retry_ms=100)
        return deliverer

    def _backlog(self, deliverer: Deliverer) -> calls.Backlog:
        schedule, now_s = deliverer.schedule, self._outbox.parts.now_s()
        head = self._engine.committed_lsn
        behind = head - schedule.read_position
        state: Any = "running"
        if deliverer.webhook.disabled:
            state = "disabled"
        elif schedule.outage or schedule.blocked:
            state = "retrying"
        elif behind > 0 and not schedule.has_room:
            state = "catching_up"
        oldest_ms = schedule.oldest_at_ms()
        wake_s = schedule.wake_at_s()
        return calls.Backlog(
            webhook=deliverer.webhook.webhook,
            state=state,
            waiting=schedule.waiting,
            at_least=behind > 0 or not schedule.counts_exactly,
            blocked=schedule.blocked,
            oldest_at_ms=oldest_ms,
            oldest_age_ms=max(0, self._engine.clock.now_ms() - oldest_ms) if oldest_ms else 0,
            cursor_lsn=schedule.saved_position,
            head_lsn=head,
            delivered=deliverer.delivered,
            attempts_failed=deliverer.failures,
            last_error=deliverer.last_error,
            failing_since_ms=deliverer.failing_since_ms,
            next_attempt_in_ms=0 if wake_s is None else max(0, int((wake_s - now_s) * 1000)),
            skipped=deliverer.skipped,
        )

    def _view(self, webhook: WebhookChanged, *, show: bool = False) -> calls.Webhook:
        secret = self._secrets.webhook_secret(webhook.webhook, webhook.generation)
        return calls.Webhook(
            webhook=webhook.webhook,
            mode=webhook.mode,
            url=webhook.url,
            events=list(webhook.events),
            created_at_ms=webhook.at_ms,
            kinds=list(webhook.kinds),
            prefix=webhook.prefix,
            message_types=list(webhook.message_types),
            description=webhook.description,
            deadline_ms=webhook.deadline_ms,
            on_failure=webhook.on_failure,
            disabled=webhook.disabled,
            secret_generation=webhook.generation,
            previous_secret_until_ms=webhook.previous_until_ms,
            secret=show_secret(secret) if show else "",
        )
