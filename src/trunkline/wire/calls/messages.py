"""Sending, changing and reading messages."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

from trunkline.wire.calls.session import ConversationName, OutboxId, PartyName
from trunkline.wire.entries import EntryView

MessageType = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Position = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class MessageSend(Struct, kw_only=True):
    """Append a message to a conversation, named by ``conversation`` or, for a direct one, by ``to``.

    ``n`` strictly increases within the outbox named at hello (app servers may name an ``outbox``
    here or send an Idempotency-Key). ``after`` names the ``n`` of the sender's previous message in this
    conversation when it is still unacknowledged: if that one was not accepted, this one is refused.
    ``thread`` names the message whose thread this is a reply in.
    """

    type: MessageType = "text"
    content: Raw = Raw()
    conversation: ConversationName = ""
    to: PartyName | None = None
    n: Position = 0
    after: Position = 0
    outbox: OutboxId | None = None
    reply_to: Position = 0
    mentions: Annotated[list[str], Meta(max_length=200)] | None = None
    expires_in_ms: Annotated[int, Meta(ge=0, le=31_536_000_000)] = 0
    thread: Position = 0
    sender: Any = None
    at_ms: Any = None


class MessageSent(Struct):
    """The message is durable at ``(epoch, seq)``."""

    conversation: str
    epoch: int
    seq: int
    at_ms: int


class MessageForward(Struct, kw_only=True):
    """Forward messages to another conversation, each as a copy or all ``merged`` into one."""

    source: ConversationName
    seqs: Annotated[list[Seq], Meta(min_length=1, max_length=100)]
    conversation: ConversationName = ""
    to: PartyName | None = None
    merged: bool = False
    title: Annotated[str, Meta(max_length=200)] = ""
    n: Position = 0
    outbox: OutboxId | None = None


class MessagesForwarded(Struct):
    """What the forward appended."""

    sent: list[MessageSent]


class MessageEdit(Struct, kw_only=True):
    """Replace the content of one of my messages.

    ``n`` is this change's number in the outbox named at hello (or here), as for a send: a repeat gets the first answer.
    """

    conversation: ConversationName
    seq: Seq
    content: Raw
    n: Position = 0
    outbox: OutboxId | None = None


class MessageRecall(Struct, kw_only=True):
    """Take a message back for everyone. ``n``: as for an edit."""

    conversation: ConversationName
    seq: Seq
    n: Position = 0
    outbox: OutboxId | None = None


class MessageHide(Struct, kw_only=True):
    """Delete for me only: single messages, or everything up to a seq."""

    conversation: ConversationName
    seqs: Annotated[list[Seq], Meta(max_length=500)] = field(default_factory=list)
    up_to: Position = 0


class MessageReact(Struct, kw_only=True):
    """Add (or take back) a reaction. ``n``: as for an edit."""

    conversation: ConversationName
    seq: Seq
    key: Annotated[str, Meta(min_length=1, max_length=32)]
    on: bool = True
    n: Position = 0
    outbox: OutboxId | None = None


class MessagePin(Struct, kw_only=True):
    """Pin (or unpin) a message for everyone. ``n``: as for an edit."""

    conversation: ConversationName
    seq: Seq
    on: bool = True
    n: Position = 0
    outbox: OutboxId | None = None


class PinList(Struct):
    """The pinned messages of a conversation."""

    conversation: ConversationName


class Changed(Struct):
    """The change entry's position."""

    conversation: str
    epoch: int
    seq: int
    at_ms: int


class HistoryGet(Struct, kw_only=True):
    """A range of a conversation.

    By seq: entries with ``from_seq <= seq <= to_seq`` (0 = open end). By time: entries from
    ``from_ms`` up to ``to_ms``. ``newest_first`` takes the last ``limit`` of the range instead of
    the first; either way the entries come in ascending order.
    """

    conversation: ConversationName
    from_seq: Position = 0
    to_seq: Position = 0
    from_ms: Position = 0
    to_ms: Position = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    newest_first: bool = False


class History(Struct, omit_defaults=True, kw_only=True):
    """Entries in ascending order without a hole.

    ``more`` says that the range holds further entries beyond the limit. ``head`` is the newest
    seq the caller may see.
    """

    conversation: str
    epoch: int
    head: int
    entries: list[EntryView]
    more: bool = False


class CursorMove(Struct):
    """Tell how far I have received and read; cursors only move forward."""

    conversation: ConversationName
    delivered: Position = 0
    read: Position = 0


class Cursor(Struct):
    """A member's cursors after the move."""

    conversation: str
    delivered: int
    read: int
    unread: int
    unread_mentions: int


class ReceiptGet(Struct):
    """Who has received and read a message."""

    conversation: ConversationName
    seq: Seq
    limit: Annotated[int, Meta(ge=0, le=500)] = 100


class Receipt(Struct):
    """Counts over the members who could see the message, its sender left out; and the first readers."""

    conversation: str
    seq: int
    audience: int
    delivered: int
    read: int
    readers: list[str]


class BulkSend(Struct):
    """App server: up to 100 sends in one call; each succeeds or fails by itself."""

    messages: Annotated[list[MessageSend], Meta(min_length=1, max_length=100)]


class BulkItem(Struct, omit_defaults=True):
    """Result of one of them, in the order of the request."""

    sent: MessageSent | None = None
    error: str = ""
    detail: str = ""


class BulkSent(Struct):
    """One result per message."""

    results: list[BulkItem]
