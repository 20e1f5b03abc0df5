"""What applied entries make of a conversation's view."""

from __future__ import annotations

from typing import Any

from trunkline.client.views import apply_cursor, apply_entry, take_back
from trunkline.wire import entries as types
from trunkline.wire.calls.session import ConversationView
from trunkline.wire.entries import EntryView

ME = "user/me"


def view(**more: Any) -> ConversationView:
    return ConversationView(conversation="g.1", kind="group", epoch=7, head=10, member_count=3, **more)


def entry(seq: int, type: str = "text", content: Any = None, sender: str = "user/bob", **more: Any) -> EntryView:
    return EntryView(
        conversation="g.1", epoch=7, seq=seq, at_ms=5000, sender=sender, type=type, content=content, **more
    )


def test_messages_of_others_count_as_unread_once():
    shown = view()
    apply_entry(shown, entry(11), ME)
    apply_entry(shown, entry(11), ME)
    apply_entry(shown, entry(12, sender=ME), ME)
    apply_entry(shown, entry(13, mentions=[ME]), ME)
    apply_entry(shown, entry(14, mentions=["*"]), ME)
    apply_entry(shown, entry(15, types.RECALLED, {}, target=3), ME)
    assert (shown.unread, shown.unread_mentions, shown.head, shown.active_at_ms) == (3, 2, 15, 5000)
    assert shown.last is not None
    assert shown.last.seq == 14


def test_a_message_taken_back_is_not_unread_any_more():
    shown = view()
    message = entry(11, mentions=[ME])
    apply_entry(shown, message, ME)
    apply_entry(shown, entry(12), ME)
    take_back(shown, message, ME)
    assert (shown.unread, shown.unread_mentions) == (1, 0)
    take_back(shown, entry(11, sender=ME), ME)
    shown.read = 12
    take_back(shown, entry(12), ME)
    assert shown.unread == 1


def test_what_the_view_contains_already_is_not_counted_again():
    shown = view(unread=4)
    apply_entry(shown, entry(10), ME)
    assert shown.unread == 4


def test_what_is_read_already_is_not_unread():
    shown = view(read=12)
    apply_entry(shown, entry(11), ME)
    assert shown.unread == 0


def test_changes_of_the_conversation_show():
    shown = view(role="owner")
    apply_entry(
        shown, entry(11, types.UPDATED, {"name": "New name", "muted_all": True, "join": "open", "unknown": 1}), ME
    )
    apply_entry(shown, entry(12, types.MEMBERS_ADDED, {"parties": ["user/x", "user/y"]}), ME)
    apply_entry(shown, entry(13, types.MEMBER_CHANGED, {"party": ME, "muted_until_ms": 99}), ME)
    apply_entry(shown, entry(14, types.TRANSFERRED, {"party": "user/bob"}), ME)
    assert (shown.name, shown.muted_all, shown.member_count, shown.muted_until_ms) == ("New name", True, 5, 99)
    assert shown.join == "open"
    assert shown.role != "owner"
    apply_entry(shown, entry(15, types.MEMBERS_REMOVED, {"parties": [ME], "reason": "kick"}), ME)
    assert (shown.left_seq, shown.member_count) == (15, 4)
    apply_entry(shown, entry(16, types.DISMISSED, {}), ME)
    assert shown.dismissed


def test_cursors_only_move_forward():
    shown = view(peer="user/bob")
    apply_cursor(shown, "user/bob", 5, 4, ME)
    apply_cursor(shown, "user/bob", 3, 2, ME)
    apply_cursor(shown, "user/other", 9, 9, ME)
    apply_cursor(shown, ME, 8, 7, ME)
    assert (shown.peer_delivered, shown.peer_read, shown.delivered, shown.read) == (5, 4, 8, 7)
