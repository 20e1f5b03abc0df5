"""Events, derived from the log: one entry, one event, named after the entry.

An event needs no storage of its own: its id is a hash of its place in the log, so that the same entry gives the same
event whenever and from wherever it is read. Not here: who wants it (``filters``).
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

from trunkline.domain.log.records import Entry
from trunkline.domain.messages.types import MESSAGE_TYPES
from trunkline.wire import entries as types
from trunkline.wire.calls.webhooks import Event, EventData
from trunkline.wire.content import decode_content
from trunkline.wire.entries import EntryView, Overlay

CREATED = "message.created"
UNDELIVERED = "message.undelivered"
BEFORE_SEND = "message.before_send"

CHANGE_EVENTS = frozenset(
    value for name, value in vars(types).items() if name.isupper() and isinstance(value, str) and "." in value
)
"""Entries that are no messages; each is an event of its own name."""

EVENT_NAMES = CHANGE_EVENTS | {CREATED, UNDELIVERED}


def event_of(entry_type: str) -> str:
    """The name of the event that an entry is."""
    return entry_type if entry_type in CHANGE_EVENTS else CREATED


def is_message(entry_type: str) -> bool:
    """Whether an entry is something said, and no change."""
    return entry_type in MESSAGE_TYPES or entry_type not in CHANGE_EVENTS


def event_id(app: str, epoch: int, conversation: str, seq: int, name: str) -> str:
    """The id of an event: the same in every attempt, and no other event's. It has no dots, as its signature asks."""
    place = f"{app}\n{epoch}\n{conversation}\n{seq}\n{name}".encode()
    return "evt_" + base64.urlsafe_b64encode(hashlib.sha256(place).digest()[:18]).decode("ascii")


def iso_time(at_ms: int) -> str:
    """A time as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry_view(conversation: str, epoch: int, entry: Entry, overlay: Overlay | None = None) -> EntryView:
    """An entry as events show it: as it was written, unless it was taken back since."""
    gone = overlay is not None and (overlay.recalled or overlay.expired or overlay.erased)
    return EntryView(
        conversation=conversation,
        epoch=epoch,
        seq=entry.seq,
        at_ms=entry.at_ms,
        sender=entry.sender,
        type=entry.type,
        content=None if gone or not entry.content else decode_content(entry.content),
        outbox=entry.outbox,
        n=entry.n,
        target=entry.target,
        reply_to=entry.reply_to,
        mentions=list(entry.mentions),
        expires_at_ms=entry.expires_at_ms,
        thread=entry.thread,
    )


def make_event(
    app: str,
    epoch: int,
    conversation: str,
    kind: str,
    entry: Entry,
    overlay: Overlay | None = None,
    *,
    name: str = "",
    receivers: tuple[str, ...] = (),
    muted: tuple[str, ...] = (),
    truncated: bool = False,
) -> Event:
    """The event of an entry, or the one named."""
    name = name or event_of(entry.type)
    return Event(
        id=event_id(app, epoch, conversation, entry.seq, name),
        type=name,
        timestamp=iso_time(entry.at_ms),
        conversation=conversation,
        kind=kind,
        data=EventData(
            entry=entry_view(conversation, epoch, entry, overlay),
            receivers=list(receivers),
            muted=list(muted),
            truncated=truncated,
        ),
    )
