"""Webhooks and events: what app servers subscribe to, are sent, are asked, and may pull."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from trunkline.wire.calls.session import PartyName
from trunkline.wire.entries import EntryView

EVENT_PATTERN = r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$"
EventName = Annotated[str, Meta(min_length=1, max_length=64, pattern=EVENT_PATTERN)]
Kind = Literal["direct", "group", "room", "broadcast", "community", "channel"]
Events = Annotated[list[EventName], Meta(min_length=1, max_length=50)]
Kinds = Annotated[list[Kind], Meta(max_length=6)]
Prefix = Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": r"^[A-Za-z0-9._~\-]*$"})]
MessageTypes = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=50)]
Url = Annotated[str, Meta(min_length=8, max_length=2048)]
WebhookId = Annotated[str, Meta(min_length=1, max_length=64)]
Description = Annotated[str, Meta(max_length=200)]
Deadline = Annotated[int, Meta(ge=50, le=10_000)]
OnFailure = Literal["accept", "reject"]
EventCursor = Annotated[str, Meta(max_length=200)]
Instant = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class WebhookCreate(Struct, kw_only=True):
    """App server: subscribe a URL to events, or (``mode`` ``before_send``) have it asked before a message is accepted.

    A conversation matches when its kind is one of ``kinds`` (none given: any) and its id begins with ``prefix``.
    ``message_types`` narrows what is said about messages. ``events`` are names, ``*``, or the beginning of names
    (``members.*``); ``message.undelivered`` comes only when it is named. ``before_send`` needs ``on_failure``: what
    happens when the app does not answer within ``deadline_ms``.
    """

    url: Url
    mode: Literal["after", "before_send"] = "after"
    events: Events = field(default_factory=lambda: ["*"])
    kinds: Kinds = field(default_factory=list)
    prefix: Prefix = ""
    message_types: MessageTypes = field(default_factory=list)
    description: Description = ""
    deadline_ms: Deadline = 1000
    on_failure: OnFailure | UnsetType = UNSET


class WebhookUpdate(Struct, kw_only=True):
    """Change what is given; leave the rest. ``enabled`` true starts a disabled webhook where it stopped."""

    webhook: WebhookId
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    prefix: Prefix | UnsetType = UNSET
    message_types: MessageTypes | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    deadline_ms: Deadline | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookRef(Struct):
    """Names one webhook."""

    webhook: WebhookId


class WebhookList(Struct):
    """List the app's webhooks."""


class WebhookRotate(Struct, kw_only=True):
    """Make a new secret; for ``overlap_s`` every request is signed with both."""

    webhook: WebhookId
    overlap_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400


class WebhookReplay(Struct, kw_only=True):
    """Go back, or forward: deliver from ``lsn`` on, from a time on, or (``now``) forget what waits.

    Name exactly one. What the journal keeps no longer is refused: read it from the history.
    """

    webhook: WebhookId
    lsn: Instant | None = None
    from_ms: Instant | None = None
    now: bool = False


class Webhook(Struct, omit_defaults=True, kw_only=True):
    """A webhook. ``secret`` is shown when it is made. ``disabled`` says why it is off."""

    webhook: str
    mode: str
    url: str
    events: list[str]
    created_at_ms: int
    kinds: list[str] = field(default_factory=list)
    prefix: str = ""
    message_types: list[str] = field(default_factory=list)
    description: str = ""
    deadline_ms: int = 0
    on_failure: str = ""
    disabled: str = ""
    secret_generation: int = 1
    previous_secret_until_ms: int = 0
    secret: str = ""


class Webhooks(Struct):
    """Webhooks, oldest first."""

    webhooks: list[Webhook]


class Backlog(Struct, omit_defaults=True, kw_only=True):
    """What a webhook has still to be sent.

    ``waiting`` counts events; with ``at_least`` true there are more than were counted. ``blocked`` counts
    conversations whose first event failed. ``cursor_lsn`` is as far as everything else was delivered. ``skipped``
    counts commit groups that were trimmed from the journal before this webhook got to them: their events are lost to
    it, and are in the history.
    """

    webhook: str
    state: Literal["running", "retrying", "catching_up", "disabled"]
    waiting: int
    at_least: bool = False
    blocked: int = 0
    oldest_at_ms: int = 0
    oldest_age_ms: int = 0
    cursor_lsn: int = 0
    head_lsn: int = 0
    delivered: int = 0
    attempts_failed: int = 0
    last_error: str = ""
    failing_since_ms: int = 0
    next_attempt_in_ms: int = 0
    skipped: int = 0


class EventData(Struct, omit_defaults=True, kw_only=True):
    """What happened: the log entry; for ``message.undelivered`` also who was not reached.

    ``muted`` are those who silenced the conversation. ``truncated``: there are more than are named here.
    """

    entry: EntryView
    receivers: list[str] = field(default_factory=list)
    muted: list[str] = field(default_factory=list)
    truncated: bool = False


class Event(Struct, kw_only=True):
    """One event, the same whether pushed or pulled; ``id`` is the ``webhook-id`` and the same in every attempt."""

    id: str
    type: str
    timestamp: str
    conversation: str
    kind: str
    data: EventData


class EventList(Struct, kw_only=True):
    """App server: pull events, in the order of the journal, waiting up to ``wait_s`` for the first.

    ``after`` is the ``next`` of an earlier answer. Without it reading begins at ``from_ms``, or with what comes from
    now on.
    """

    after: EventCursor = ""
    from_ms: Instant = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    wait_s: Annotated[float, Meta(ge=0, le=25)] = 0.0
    events: Events = field(default_factory=lambda: ["*"])
    kinds: Kinds = field(default_factory=list)
    prefix: Prefix = ""
    message_types: MessageTypes = field(default_factory=list)


class EventPage(Struct, kw_only=True):
    """Events in order; always go on with ``next``, also after an empty page. ``more``: ask again at once."""

    events: list[Event]
    next: str
    more: bool = False


class BeforeSendData(Struct, omit_defaults=True, kw_only=True):
    """The message that waits for the app's answer; ``edits`` is the seq of the message that it would replace."""

    sender: PartyName
    type: str
    content: Any = None
    to: str = ""
    reply_to: int = 0
    mentions: list[str] = field(default_factory=list)
    edits: int = 0


class BeforeSend(Struct, kw_only=True):
    """What a ``before_send`` webhook is asked."""

    id: str
    type: str
    timestamp: str
    conversation: str
    kind: str
    data: BeforeSendData


class HookAnswer(Struct, kw_only=True):
    """What it answers, with status 200. ``code`` and ``message`` reach the sender of a rejected message."""

    action: Literal["accept", "reject", "replace"]
    code: Annotated[str, Meta(max_length=64)] = ""
    message: Annotated[str, Meta(max_length=500)] = ""
    content: Raw = Raw()
