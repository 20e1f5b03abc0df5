"""Cheap deduplication of sends: one integer per outbox.

A send's id is ``(outbox, n)`` with ``n`` strictly increasing in the outbox. Only the highest
accepted ``n`` is remembered in memory: above it a send is new without any look-up; at or below
it is *maybe* a retry, and then the unprojected sends and the index are asked. One outbox belongs
to one party, so nobody can collide with another's ids.
"""

from __future__ import annotations

import enum
import hashlib

from trunkline.domain.log.records import Entry, EntryAppended


class Verdict(enum.Enum):
    """What an id says before any look-up."""

    NEW = "new"
    MAYBE = "maybe"
    EXPIRED = "expired"


class Outbox:
    """What the writer remembers of one outbox.

    Attributes:
        highest: highest ``n`` accepted.
        floor: ids at or below are forgotten and refused.
        recent: sends accepted but not yet projected, by ``n``.
        holders: sessions that keep it in memory.
    """

    __slots__ = ("floor", "highest", "holders", "id", "party", "recent")

    def __init__(self, party: str, outbox: str, highest: int, floor: int) -> None:
        self.party = party
        self.id = outbox
        self.highest = highest
        self.floor = floor
        self.recent: dict[int, EntryAppended] = {}
        self.holders = 0

    def judge(self, n: int) -> Verdict:
        """Whether ``n`` is certainly new, certainly too old, or needs a look-up."""
        if n > self.highest:
            return Verdict.NEW
        return Verdict.EXPIRED if n <= self.floor else Verdict.MAYBE

    def accept(self, n: int, record: EntryAppended) -> None:
        """Remember an accepted send."""
        if n > self.highest:
            self.highest = n
        self.recent[n] = record


def send_digest(conversation: str, entry: Entry) -> bytes:
    """Fingerprint of a send, to tell a retry from a reuse of its id (8 bytes).

    Covers what the sender chose; not the seq, the time or anything the server assigned.
    """
    head = f"{conversation}\n{entry.type}\n{entry.target}\n{entry.reply_to}\n{' '.join(entry.mentions)}\n"
    if entry.thread and not entry.target:  # of a removal it follows from the target
        head += f"{entry.thread}\n"
    return hashlib.blake2b(head.encode() + entry.content, digest_size=8).digest()


def same_send(conversation: str, entry: Entry, other_conversation: str, other: Entry) -> bool:
    """Whether two sends with one id are the same request."""
    return (
        conversation == other_conversation
        and entry.type == other.type
        and entry.content == other.content
        and entry.target == other.target
        and entry.reply_to == other.reply_to
        and entry.mentions == other.mentions
        and (entry.thread == other.thread or entry.target != 0)
    )
