"""The parts of webhooks, connected."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trunkline.base.clock import Randomness
from trunkline.base.errors import TrunklineError
from trunkline.crypto.keys import SecretDeriver
from trunkline.domain.log.records import WebhookChanged
from trunkline.domain.webhooks.backoff import RetryPolicy
from trunkline.services.log.engine import Engine
from trunkline.services.operation import Operation
from trunkline.services.sessions.hub import Hub
from trunkline.services.webhooks.asking import Asking
from trunkline.services.webhooks.book import WebhookBook
from trunkline.services.webhooks.deliverer import Delivery
from trunkline.services.webhooks.making import EventMaker
from trunkline.services.webhooks.operations import operations
from trunkline.services.webhooks.outbox import Outbox
from trunkline.services.webhooks.ports import Courier, JournalTail, WebhookTables
from trunkline.services.webhooks.pulling import EventReader
from trunkline.services.webhooks.subscriptions import Subscriptions, WebhookLimits


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """What the operator decides.

    Attributes:
        policy: when to try again, and when to give up.
        timeout_s: of one attempt.
        in_flight: attempts of one webhook at a time.
        keep_bytes: journal kept for webhooks that are behind.
        limits: how many webhooks an app may have.
    """

    policy: RetryPolicy
    timeout_s: float
    in_flight: int
    keep_bytes: int
    limits: WebhookLimits


@dataclass(frozen=True, slots=True)
class WebhookSystem:
    """Everything about webhooks."""

    book: WebhookBook
    outbox: Outbox
    tables: WebhookTables
    asking: Asking
    operations: list[Operation]

    async def start(self) -> None:
        """Go on where the last run ended; before anybody is let in."""
        await self.outbox.start(self.tables)

    async def stop(self) -> None:
        """End all deliveries and remember durably where they are, if the log still takes it."""
        await self.outbox.stop()
        with contextlib.suppress(TrunklineError):
            await self.outbox.parts.engine.commits.settled()
        await self.outbox.parts.courier.close()


async def build_webhooks(
    engine: Engine,
    hub: Hub,
    tail: JournalTail,
    tables: WebhookTables,
    courier: Courier,
    secrets: SecretDeriver,
    randomness: Randomness,
    draw: Callable[[], float],
    check_url: Callable[[str], str],
    settings: WebhookSettings,
) -> WebhookSystem:
    """Connect webhooks to the log, the journal and the network; ``draw`` is uniform in [0, 1)."""
    book = WebhookBook(engine)
    await book.load(tables)
    maker = EventMaker(engine, hub)

    def signing(webhook: WebhookChanged) -> Sequence[bytes]:
        return subscriptions.signing_secrets(webhook)

    def hopeless(webhook: WebhookChanged, reason: str) -> None:
        outbox.switch_off(webhook, reason)

    parts = Delivery(
        engine,
        tail,
        courier,
        maker,
        settings.policy,
        signing,
        engine.clock.monotonic_s,
        draw,
        hopeless,
        settings.timeout_s,
        settings.in_flight,
    )
    outbox = Outbox(book, parts, settings.keep_bytes)
    subscriptions = Subscriptions(engine, book, outbox, tail, secrets, randomness, check_url, settings.limits)
    asking = Asking(engine, hub, book, courier, signing, randomness)
    return WebhookSystem(book, outbox, tables, asking, operations(subscriptions, EventReader(engine, tail, maker)))
