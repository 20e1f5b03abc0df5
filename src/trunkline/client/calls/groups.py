"""Groups and their members."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from trunkline.client.requests import Requests
from trunkline.wire.calls.conversations import (
    ConversationRef,
    GroupCreate,
    GroupMembers,
    GroupTransfer,
    GroupUpdate,
    JoinPolicy,
    MemberChange,
    MemberList,
    Members,
    MembershipChanged,
)


class GroupCalls:
    """``client.groups``.

    Every change answers with its position in the group's log and, where members came or went, who in fact did.
    """

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call

    async def create(
        self,
        id: str = "",
        *,
        name: str = "",
        members: list[str] | None = None,
        avatar: str = "",
        custom: dict[str, str] | None = None,
        join: JoinPolicy = "invite",
        who_invites: Literal["admin", "member"] = "member",
        history_before_join: bool = False,
    ) -> MembershipChanged:
        """Create a group owned by this party; without an ``id`` the server makes one.

        With an id of your own the call can be repeated after an unknown outcome: it then says ``already_exists``.
        """
        request = GroupCreate(
            id=id,
            name=name,
            members=members or [],
            avatar=avatar,
            custom=custom or {},
            join=join,
            who_invites=who_invites,
            history_before_join=history_before_join,
        )
        return await self._call("group.create", request, MembershipChanged)

    async def update(
        self,
        conversation: str,
        *,
        name: str | UnsetType = UNSET,
        avatar: str | UnsetType = UNSET,
        custom: dict[str, str] | UnsetType = UNSET,
        join: JoinPolicy | UnsetType = UNSET,
        who_invites: Literal["admin", "member"] | UnsetType = UNSET,
        history_before_join: bool | UnsetType = UNSET,
        muted_all: bool | UnsetType = UNSET,
    ) -> MembershipChanged:
        """Change what is given, leave the rest."""
        request = GroupUpdate(
            conversation=conversation,
            name=name,
            avatar=avatar,
            custom=custom,
            join=join,
            who_invites=who_invites,
            history_before_join=history_before_join,
            muted_all=muted_all,
        )
        return await self._call("group.update", request, MembershipChanged, again=True)

    async def invite(self, conversation: str, *parties: str) -> MembershipChanged:
        """Add members; ``changed`` names those who were not yet."""
        return await self._call("group.invite", GroupMembers(conversation, list(parties)), MembershipChanged)

    async def kick(self, conversation: str, *parties: str) -> MembershipChanged:
        """Remove members."""
        return await self._call("group.kick", GroupMembers(conversation, list(parties)), MembershipChanged)

    async def join(self, conversation: str) -> MembershipChanged:
        """Join an open group."""
        return await self._call("group.join", ConversationRef(conversation), MembershipChanged)

    async def leave(self, conversation: str) -> MembershipChanged:
        """Leave a group."""
        return await self._call("group.leave", ConversationRef(conversation), MembershipChanged)

    async def dismiss(self, conversation: str) -> MembershipChanged:
        """End a group for everyone."""
        return await self._call("group.dismiss", ConversationRef(conversation), MembershipChanged)

    async def transfer(self, conversation: str, party: str) -> MembershipChanged:
        """Make another member the owner."""
        return await self._call("group.transfer", GroupTransfer(conversation, party), MembershipChanged)

    async def change_member(
        self,
        conversation: str,
        party: str,
        *,
        role: Literal["admin", "member"] | UnsetType = UNSET,
        muted_until_ms: int | UnsetType = UNSET,
    ) -> MembershipChanged:
        """Change a member's role, or mute it until a time (0 ends the mute)."""
        request = MemberChange(conversation=conversation, party=party, role=role, muted_until_ms=muted_until_ms)
        return await self._call("member.change", request, MembershipChanged)

    async def members(self, conversation: str, *, after: str = "", limit: int = 200) -> Members:
        """A page of members; pass ``next`` of the page before as ``after``."""
        return await self._call("member.list", MemberList(conversation, after, limit), Members, again=True)
