"""Who of a conversation may be in its live session, and what for: membership, role and mutes at this moment.

Pure. Not here: grants of tokens, which can only take away from this.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from trunkline.domain.communities.structure import CHANNEL
from trunkline.domain.conversation.rules import COMMUNITY, DIRECT, GROUP
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.live.participant import Permission
from trunkline.domain.rooms.book import Named
from trunkline.domain.rooms.roles import Role
from trunkline.domain.rooms.settings import KIND as ROOM

KINDS = frozenset({DIRECT, GROUP, COMMUNITY, CHANNEL, ROOM})
"""Conversations whose members are their live session's; of others nobody is."""


@dataclass(slots=True, frozen=True)
class Standing:
    """What a place gives. Everyone hears and sees; not everyone publishes and sends data."""

    publishes: bool

    def limit(self, permission: Permission) -> Permission:
        """What is left of a permission."""
        if self.publishes:
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
    """A party's standing in a direct conversation, group or community; None when it has no place."""
    member = conversation.member(party)
    if member is None or conversation.dismissed:
        return None
    muted_all = bool(conversation.settings.get("muted_all")) and member.role == "member"
    return Standing(not (member.muted_until_ms > now_ms or muted_all))


def standing_in_channel(member: Member | None, permissions: Collection[str], now_ms: int) -> Standing | None:
    """The standing of a member of the community: who may view listens, who may send speaks."""
    if member is None or "view" not in permissions:
        return None
    return Standing("send" in permissions and member.muted_until_ms <= now_ms)


def standing_in_room(known: Named, now_ms: int) -> Standing:
    """The standing of somebody who is in a live room: the audience listens, whoever is on the stage speaks."""
    return Standing(known.role > Role.AUDIENCE and known.muted_until_ms <= now_ms)
