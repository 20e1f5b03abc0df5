"""Entries of a conversation's log as clients see them, and the names of entry types.

``EntryView`` is what pushes, history and REST show. The stored form is
``domain.log.records.Entry``; the two differ so that each can evolve by its own rule.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.wire.cards import CardState

# Messages
TEXT = "text"
IMAGE = "image"
VOICE = "voice"
VIDEO = "video"
FILE = "file"
LOCATION = "location"
STICKER = "sticker"
CUSTOM = "custom"
FORWARD = "forward"

# Changes to the conversation
CREATED = "conversation.created"
UPDATED = "conversation.updated"
DISMISSED = "conversation.dismissed"
MEMBERS_ADDED = "members.added"
MEMBERS_REMOVED = "members.removed"
MEMBER_CHANGED = "member.changed"
TRANSFERRED = "conversation.transferred"

# Changes to a live room
ROOM_PARTIES_CHANGED = "room.parties_changed"
"""Parties got a role, a mute, a ban, or onto the allow-list: ``{parties, role?, muted_until_ms?, ...}``."""
ROOM_ATTRIBUTES_CHANGED = "room.attributes_changed"
"""``{set: [[key, value, version, owner]], removed: [key]}``."""

# A live quiz in a room; answers are no entries
QUIZ_CREATED = "quiz.created"
QUIZ_ASKED = "quiz.asked"
QUIZ_CLOSED = "quiz.closed"
QUIZ_ENDED = "quiz.ended"

COMMUNITY_CHANGED = "community.changed"

# Changes to a message; ``target`` names it
EDITED = "message.edited"
RECALLED = "message.recalled"
EXPIRED = "message.expired"
REACTED = "message.reacted"
PINNED = "message.pinned"
ERASED = "message.erased"
"""A party's messages up to here lost their content for good: ``{party}``; it has no target."""

# Cards; ``target`` of a change names the card
CARD_CREATED = "card.created"
CARD_CHANGED = "card.changed"

PLACEHOLDER = "placeholder"
"""A numbered entry the reader may not see; keeps the sequence dense."""


class Overlay(msgspec.Struct, omit_defaults=True):
    """The present state of a message: what later changes made of it.

    A reader applies change entries with ``seq > as_of`` on top; earlier ones are contained. ``replies`` are
    those of its thread that were not taken back; ``last_reply_seq`` is the newest one, taken back or not.
    """

    as_of: int = 0
    content: Any = None
    edited_seq: int = 0
    edited_at_ms: int = 0
    recalled: bool = False
    expired: bool = False
    erased: bool = False
    pinned: bool = False
    reactions: dict[str, list[str]] = msgspec.field(default_factory=dict)
    replies: int = 0
    last_reply_seq: int = 0
    last_reply_at_ms: int = 0
    card: CardState | None = None


class EntryView(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One entry as shown to a reader.

    ``outbox`` and ``n`` name the send that made it (the sender's dedupe id). ``now`` is present
    in history when the message was changed later. ``content`` preserves fields we do not know.
    """

    conversation: str
    epoch: int
    seq: int
    at_ms: int
    sender: str
    type: str
    content: Any = None
    outbox: str = ""
    n: int = 0
    target: int = 0
    reply_to: int = 0
    mentions: list[str] = msgspec.field(default_factory=list)
    expires_at_ms: int = 0
    now: Overlay | None = None
    thread: int = 0
