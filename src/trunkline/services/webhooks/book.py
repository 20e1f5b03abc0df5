"""Which webhooks there are: durable ones, by app, with everything prepared that deciding needs.

Not here: changing them on request (``subscriptions``), delivering (``deliverer``).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.domain.log.records import WebhookChanged
from trunkline.services.log.engine import Engine
from trunkline.services.webhooks.ports import WebhookTables

AFTER = "after"
BEFORE_SEND = "before_send"


class WebhookBook:
    """The webhooks of all apps.

    Args:
        engine: the log.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_app: dict[str, dict[str, WebhookChanged]] = {}
        self._listeners: list[Callable[[WebhookChanged], None]] = []

    async def load(self, tables: WebhookTables) -> None:
        """Read what is stored; once, at start."""
        for webhook in await tables.webhooks():
            self._take(webhook)

    def on_change(self, listener: Callable[[WebhookChanged], None]) -> None:
        """Call with every webhook that was made, changed or deleted, once that is durable."""
        self._listeners.append(listener)

    def get(self, app: str, webhook: str) -> WebhookChanged | None:
        """One webhook of an app."""
        return self._by_app.get(app, {}).get(webhook)

    def of(self, app: str) -> list[WebhookChanged]:
        """An app's webhooks, oldest first."""
        return list(self._by_app.get(app, {}).values())

    def every(self) -> list[WebhookChanged]:
        """All webhooks of all apps."""
        return [webhook for webhooks in self._by_app.values() for webhook in webhooks.values()]

    async def put(self, webhook: WebhookChanged) -> None:
        """Make a change durable, then known.

        Raises:
            TrunklineError: it was not written, and nothing changed.
        """
        self._engine.check_room()
        self._engine.append_record(webhook)
        await self._engine.commits.settled()
        self._take(webhook)
        for listener in self._listeners:
            listener(webhook)

    def _take(self, webhook: WebhookChanged) -> None:
        webhooks = self._by_app.setdefault(webhook.app, {})
        if webhook.deleted:
            webhooks.pop(webhook.webhook, None)
            if not webhooks:
                del self._by_app[webhook.app]
        else:
            webhooks[webhook.webhook] = webhook
