"""What one party sees of a broadcast log: computed from its tags, not kept as a membership.

Not here: which tags it had when each broadcast was sent (the index says), nor the audiences themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trunkline.domain.broadcasts.audience import parse
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.conversation.unread import Unread

KIND = "broadcast"
WINDOW = 1_000
"""The newest broadcasts of a conversation that are shown; older ones are seen by nobody any more."""


class Sent(NamedTuple):
    """A broadcast in its log: whom it was for, and the tags the party had at that moment."""

    seq: int
    audience: str
    tags: frozenset[str]


class Recipient(Member):
    """A party as a reader of a broadcast log: it sees the messages whose audience it was part of.

    Changes to a message are visible where their target is; entries about the conversation itself always are.

    Args:
        sent: the newest broadcasts, with the party's tags at each; messages below the oldest are not shown.
        known_to: the seq up to which ``sent`` is complete; nothing above it is shown.
        trace: what the party did in the conversation itself (cursor, settings), if anything.
    """

    __slots__ = ("known_to", "oldest", "seen", "unseen")

    def __init__(self, sent: Iterable[Sent], known_to: int, trace: Member | None) -> None:
        super().__init__("member", 1, 0)
        if trace is not None:
            self.read, self.delivered = trace.read, trace.delivered
            self.hidden, self.hidden_up_to = trace.hidden, trace.hidden_up_to
            self.settings, self.own = trace.settings, trace.own
        self.seen: set[int] = set()
        self.unseen: set[int] = set()
        for one in sent:
            (self.seen if parse(one.audience)(one.tags) else self.unseen).add(one.seq)
        self.known_to = known_to
        self.oldest = min(self.seen | self.unseen, default=1)

    def may_see(self, seq: int) -> bool:
        """Whether the entry at ``seq`` was for this party, or is about the conversation itself."""
        if seq in self.seen:
            return True
        return seq == 1 or (seq not in self.unseen and self.oldest <= seq <= self.known_to)

    def newest(self, conversation: Conversation) -> int:
        """The newest message this party sees; 0 for none."""
        left = (s for s in self.seen if s not in conversation.removed and s not in self.hidden)
        return max((seq for seq in left if seq > self.hidden_up_to), default=0)

    def unread(self, conversation: Conversation) -> Unread:
        """Messages for this party above its cursor."""
        floor = max(self.read, self.hidden_up_to)
        found = [s for s in self.seen if s > floor and s not in conversation.removed and s not in self.hidden]
        return Unread(len(found), 0)
