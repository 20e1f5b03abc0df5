"""Who of a conversation may be in its live session, and what for: membership and mutes at this moment.

Pure. Not here: grants of tokens, which can only take away from this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.live.participant import Permission

KINDS = frozenset({"direct", "group"})
"""Conversations whose members are their live session's; other kinds have their own rules."""


@dataclass(slots=True, frozen=True)
class Standing:
    """A member's standing: a muted one hears and sees, but publishes nothing and sends no data."""

    muted: bool

    def limit(self, permission: Permission) -> Permission:
        """What is left of a permission."""
        if not self.muted:
            return permission
        return replace(permission, can_publish=False, can_publish_data=False, sources=frozenset())


def identity_of(party: str, device: str) -> str:
    """A participant's identity."""
    return f"{party}#{device}" if device else party


def party_of(identity: str) -> str:
    """The party in an identity, if it has that form; the identity otherwise."""
    return identity.partition("#")[0]


def is_bound(conversation: Conversation) -> bool:
    """Whether the session follows the conversation's membership: the conversation exists, and is of such a kind."""
    return conversation.head > 0 and conversation.kind in KINDS


def standing(conversation: Conversation, party: str, now_ms: int) -> Standing | None:
    """A party's standing; None when it has no place."""
    member = conversation.member(party)
    if member is None or conversation.dismissed:
        return None
    muted_all = bool(conversation.settings.get("muted_all")) and member.role == "member"
    return Standing(member.muted_until_ms > now_ms or muted_all)
