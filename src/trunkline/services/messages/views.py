"""Stored entries as clients see them."""

from __future__ import annotations

from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.log.records import Entry
from trunkline.domain.messages.types import MESSAGE_TYPES
from trunkline.protocol.cards.merges import as_of, too_large
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE
from trunkline.wire import entries as types
from trunkline.wire.cards import CardState
from trunkline.wire.content import decode_content
from trunkline.wire.entries import EntryView, Overlay


def view_of(state: Conversation, entry: Entry, overlay: Overlay | None = None) -> EntryView:
    """An entry with the present state of its message.

    What was taken back is not shown: the content of a recalled or expired message is gone from the view, and an
    edited one shows what it is now.
    """
    content = decode_content(entry.content) if entry.content else None
    if overlay is not None:
        if overlay.recalled or overlay.expired:
            content = None
        elif overlay.edited_seq:
            content = overlay.content
        if overlay.card is not None and too_large(overlay.card):
            overlay.card = CardState(partial=True)
    return EntryView(
        conversation=state.id,
        epoch=state.epoch,
        seq=entry.seq,
        at_ms=entry.at_ms,
        sender=entry.sender,
        type=entry.type,
        content=content,
        outbox=entry.outbox,
        n=entry.n,
        target=entry.target,
        reply_to=entry.reply_to,
        mentions=list(entry.mentions),
        expires_at_ms=entry.expires_at_ms,
        now=overlay,
        thread=entry.thread,
    )


def as_of_leaving(overlay: Overlay, left_seq: int) -> Overlay:
    """What a former member may know of a message's present state: nothing that was added after leaving.

    What was taken back stays hidden. A later edit shows the content the member had seen at first, and reactions
    and pins, whose time an overlay does not keep, are left out.
    """
    if overlay.as_of <= left_seq:
        return overlay
    gone = Overlay(as_of=left_seq, recalled=overlay.recalled, expired=overlay.expired, erased=overlay.erased)
    if 0 < overlay.edited_seq <= left_seq:
        gone.content, gone.edited_seq, gone.edited_at_ms = overlay.content, overlay.edited_seq, overlay.edited_at_ms
    if overlay.card is not None:
        gone.card = as_of(overlay.card, left_seq)
    return gone


def placeholder(state: Conversation, entry: Entry) -> EntryView:
    """A numbered entry that shows nothing."""
    return EntryView(
        conversation=state.id, epoch=state.epoch, seq=entry.seq, at_ms=entry.at_ms, sender="", type=types.PLACEHOLDER
    )


def visible(member: Member | None, entry: Entry) -> bool:
    """Whether a reader may see an entry: its own seq and, for a change, its target's."""
    if member is None:
        return True
    if not member.may_see(entry.seq):
        return False
    if entry.target and entry.type in CHANGES_A_MESSAGE and not member.may_see(entry.target):
        return False
    if entry.seq <= member.hidden_up_to:
        return False
    return not (member.hidden and entry.seq in member.hidden)


def is_message(entry: Entry) -> bool:
    """Whether an entry is a message (as opposed to a change)."""
    return entry.type in MESSAGE_TYPES


def counts_here(entry: Entry) -> bool:
    """Whether an entry counts as unread in its conversation: a message that is not a reply in a thread."""
    return entry.thread == 0 and entry.type in MESSAGE_TYPES
