"""A member of a community as a member of one of its channels: computed, not kept."""

from __future__ import annotations

from typing import NamedTuple

from trunkline.domain.conversation.state import ADMIN, MEMBER, OWNER, Member


class Baseline(NamedTuple):
    """Where a member's unread begins in a channel: the running counts at the moment of joining the community."""

    seq: int
    counted: int
    own: int


class ChannelMember(Member):
    """A member of a channel. Who may see it sees all of it; unread begins at joining the community.

    Args:
        role: in the community.
        permissions: in the channel.
        muted_until_ms: in the community.
        trace: what the party did in the channel itself (cursor, settings, messages), if anything.
        baseline: where unread begins at the earliest.
    """

    __slots__ = ("permissions",)

    def __init__(
        self, role: str, permissions: frozenset[str], muted_until_ms: int, trace: Member | None, baseline: Baseline
    ) -> None:
        shown = role if role in (OWNER, ADMIN) else ADMIN if "manage_messages" in permissions else MEMBER
        super().__init__(shown, 1, 0)
        self.permissions = permissions
        self.muted_until_ms = muted_until_ms
        if trace is not None:
            self.own, self.delivered = trace.own, trace.delivered
            self.hidden, self.hidden_up_to, self.settings = trace.hidden, trace.hidden_up_to, trace.settings
            self.read, self.read_count, self.read_own = trace.read, trace.read_count, trace.read_own
            self.mentioned = trace.mentioned
        if baseline.seq > self.read:
            self.read, self.read_count, self.read_own = baseline
        self.delivered = max(self.delivered, self.read)
