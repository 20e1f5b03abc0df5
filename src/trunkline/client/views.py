"""How applied entries change what a client shows of a conversation, until the server's next view says it exactly.

Pure functions over ``ConversationView``. What is not here: storing views, and positions in the log.
"""

from __future__ import annotations

from typing import Any

from trunkline.wire import entries as types
from trunkline.wire.calls.session import ConversationView
from trunkline.wire.entries import EntryView

MESSAGES = frozenset(
    {
        types.TEXT,
        types.IMAGE,
        types.VOICE,
        types.VIDEO,
        types.FILE,
        types.LOCATION,
        types.STICKER,
        types.CUSTOM,
        types.FORWARD,
        types.CARD_CREATED,
    }
)
_UPDATABLE = ("name", "avatar", "custom", "muted_all", "join", "who_invites", "history_before_join")


def apply_entry(view: ConversationView, entry: EntryView, me: str) -> None:
    """Alter ``view`` by an entry beyond the head that the view was made at."""
    if entry.seq <= view.head:
        return
    view.head = entry.seq
    if entry.thread:
        return  # a reply, or the removal of one, counts in its thread only
    view.active_at_ms = max(view.active_at_ms, entry.at_ms)
    if entry.type in MESSAGES:
        view.last = entry
        if entry.sender != me and entry.seq > view.read:
            view.unread += 1
            if me in entry.mentions or "*" in entry.mentions:
                view.unread_mentions += 1
    elif isinstance(entry.content, dict):
        _apply_change(view, entry, entry.content, me)
    elif entry.type == types.DISMISSED:
        view.dismissed = True


def take_back(view: ConversationView, message: EntryView, me: str) -> None:
    """A message was recalled or expired: it no longer counts as unread."""
    if message.type in MESSAGES and not message.thread and message.sender != me and message.seq > view.read:
        view.unread = max(0, view.unread - 1)
        if me in message.mentions or "*" in message.mentions:
            view.unread_mentions = max(0, view.unread_mentions - 1)


def _apply_change(view: ConversationView, entry: EntryView, content: dict[str, Any], me: str) -> None:
    kind = entry.type
    if kind == types.UPDATED:
        for key in _UPDATABLE:
            if key in content:
                setattr(view, key, content[key])
    elif kind == types.MEMBERS_ADDED:
        parties = content.get("parties", ())
        view.member_count += len(parties)
        if me in parties:
            view.left_seq = 0
    elif kind == types.MEMBERS_REMOVED:
        parties = content.get("parties", ())
        view.member_count = max(0, view.member_count - len(parties))
        if me in parties:
            view.left_seq = entry.seq
    elif kind == types.MEMBER_CHANGED and content.get("party") == me:
        view.role = content.get("role", view.role)
        view.muted_until_ms = content.get("muted_until_ms", view.muted_until_ms)
    elif kind == types.TRANSFERRED:
        view.role = "owner" if content.get("party") == me else "admin" if view.role == "owner" else view.role
    elif kind == types.DISMISSED:
        view.dismissed = True
    elif kind == types.ERASED and view.last is not None and view.last.sender == content.get("party"):
        view.last.content = None


def apply_cursor(view: ConversationView, party: str, delivered: int, read: int, me: str) -> None:
    """Alter ``view`` by a cursor push; cursors only move forward."""
    if party == me:
        view.delivered = max(view.delivered, delivered)
        view.read = max(view.read, read)
    elif view.peer == party:
        view.peer_delivered = max(view.peer_delivered, delivered)
        view.peer_read = max(view.peer_read, read)
