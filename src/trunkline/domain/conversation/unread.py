"""Unread is derived, never stored: a subtraction of running counts, corrected.

Every entry carries ``count`` (countable entries so far) and ``own`` (this sender's). A member
remembers both at its read cursor. So

    unread = (count - read_count) - (own - read_own) - removed - hidden

where *removed* are countable messages above the cursor, of others, that were recalled, expired or
erased, and *hidden* those the member deleted for itself (and that are not removed anyway).
"""

from __future__ import annotations

import bisect
from typing import NamedTuple

from trunkline.domain.conversation.state import Conversation, Member


class Unread(NamedTuple):
    """What a badge shows."""

    messages: int
    mentions: int


def unread_of(conversation: Conversation, party: str) -> Unread:
    """Unread messages and mentions of a present member; (0, 0) for anyone else."""
    member = conversation.member(party)
    return unread_as(conversation, party, member) if member is not None else Unread(0, 0)


def unread_as(conversation: Conversation, party: str, member: Member) -> Unread:
    """Unread messages and mentions of a member, kept or computed."""
    read = member.read
    messages = (conversation.count - member.read_count) - (member.own - member.read_own)
    above = conversation.removed_seqs[bisect.bisect_right(conversation.removed_seqs, read) :]
    messages -= sum(1 for seq in above if conversation.removed[seq] != party)
    messages -= sum(
        1 for seq, counted in member.hidden.items() if counted and seq > read and seq not in conversation.removed
    )
    return Unread(messages, _mentions(conversation, party, member))


def _mentions(conversation: Conversation, party: str, member: Member) -> int:
    seqs = {seq for seq in member.mentioned if seq > member.read}
    for seq in reversed(conversation.mentions_all):
        if seq <= member.read:
            break
        if conversation.mentions_all[seq] != party:
            seqs.add(seq)
    return sum(1 for seq in seqs if seq not in member.hidden and seq not in conversation.removed)
