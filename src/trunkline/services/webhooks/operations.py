"""Operations on webhooks and events."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.webhooks.pulling import EventReader
from trunkline.services.webhooks.subscriptions import Subscriptions
from trunkline.wire.calls import webhooks as calls
from trunkline.wire.frames import EmptyResult

SCOPE = "webhooks"


def operations(subscriptions: Subscriptions, events: EventReader) -> list[Operation]:
    """What an app server can do with webhooks and events."""
    own = subscriptions
    hook, who = calls.Webhook, Audience.SERVERS
    return [
        Operation("webhook.create", calls.WebhookCreate, hook, own.create, SCOPE, "Make a webhook", who),
        Operation("webhook.list", calls.WebhookList, calls.Webhooks, own.list, SCOPE, "List webhooks", who, False),
        Operation("webhook.get", calls.WebhookRef, hook, own.get, SCOPE, "Read a webhook", who, False),
        Operation("webhook.update", calls.WebhookUpdate, hook, own.update, SCOPE, "Change a webhook", who),
        Operation("webhook.delete", calls.WebhookRef, EmptyResult, own.delete, SCOPE, "Delete a webhook", who),
        Operation("webhook.rotate", calls.WebhookRotate, hook, own.rotate, SCOPE, "Replace a webhook's secret", who),
        Operation("webhook.replay", calls.WebhookReplay, calls.Backlog, own.replay, SCOPE, "Move a webhook", who),
        Operation(
            "webhook.backlog", calls.WebhookRef, calls.Backlog, own.backlog, SCOPE, "What still waits", who, False
        ),
        Operation("event.list", calls.EventList, calls.EventPage, events.list, SCOPE, "Pull events", who, False),
    ]
