"""Communities: reading and changing them, coming and going. Their channels are conversations like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.client.requests import Requests
from trunkline.wire.calls.communities import (
    ChannelList,
    Channels,
    CommunityChanged,
    CommunityRef,
    CommunityView,
    UserGroupAssign,
)
from trunkline.wire.calls.conversations import ConversationRef, MembershipChanged


class CommunityCalls:
    """``client.communities``. Parameters that are not named here are those of the specification."""

    def __init__(self, requests: Requests, sync: Callable[[], None]) -> None:
        self._call = requests.call
        self._sync = sync

    async def create(self, community: str, **more: Any) -> MembershipChanged:
        """Create a community."""
        return await self._call("community.create", {"id": community} | more, MembershipChanged)

    async def get(self, community: str) -> CommunityView:
        """A community: the channels I may view, and what I may do."""
        return await self._call("community.get", CommunityRef(community), CommunityView, again=True)

    async def join(self, community: str) -> MembershipChanged:
        """Join an open community; its channels come with the sync that follows."""
        joined = await self._call("group.join", ConversationRef(community), MembershipChanged, again=True)
        self._sync()
        return joined

    async def leave(self, community: str) -> MembershipChanged:
        """Leave; its channels go with the sync that follows."""
        left = await self._call("group.leave", ConversationRef(community), MembershipChanged, again=True)
        self._sync()
        return left

    async def permit(self, community: str, **everyone: list[str]) -> CommunityChanged:
        """Say what everyone may do: ``allow`` and ``deny``."""
        request = {"community": community, "everyone": everyone}
        return await self._call("community.permit", request, CommunityChanged, again=True)

    async def ban(self, community: str, party: str, *, on: bool = True) -> CommunityChanged:
        """Ban a party, or let it in again."""
        request = {"community": community, "party": party, "on": on}
        return await self._call("community.ban", request, CommunityChanged, again=True)

    async def set_category(self, community: str, category: str, **more: Any) -> CommunityChanged:
        """Make or replace a category."""
        request = {"community": community, "id": category} | more
        return await self._call("category.set", request, CommunityChanged, again=True)

    async def delete_category(self, community: str, category: str) -> CommunityChanged:
        """Delete a category; its channels stay."""
        return await self._call("category.delete", {"community": community, "id": category}, CommunityChanged)

    async def create_channel(self, community: str, channel: str, **more: Any) -> MembershipChanged:
        """Make a channel."""
        return await self._call("channel.create", {"community": community, "id": channel} | more, MembershipChanged)

    async def update_channel(self, channel: str, **more: Any) -> CommunityChanged:
        """Change a channel."""
        return await self._call("channel.update", {"channel": channel} | more, CommunityChanged, again=True)

    async def delete_channel(self, channel: str) -> CommunityChanged:
        """Delete a channel."""
        return await self._call("channel.delete", {"channel": channel}, CommunityChanged)

    async def channels(self, community: str, *, after: str = "", limit: int = 100) -> Channels:
        """A page of the channels I may view, with what is unread."""
        return await self._call("channel.list", ChannelList(community, after, limit), Channels, again=True)

    async def set_group(self, community: str, group: str, **more: Any) -> CommunityChanged:
        """Make or change a user group."""
        return await self._call("usergroup.set", {"community": community, "id": group} | more, CommunityChanged)

    async def delete_group(self, community: str, group: str) -> CommunityChanged:
        """Delete a user group."""
        return await self._call("usergroup.delete", {"community": community, "id": group}, CommunityChanged)

    async def assign(self, community: str, group: str, *add: str, remove: tuple[str, ...] = ()) -> CommunityChanged:
        """Put members into a user group, and take some out."""
        request = UserGroupAssign(community=community, id=group, add=list(add), remove=list(remove))
        return await self._call("usergroup.assign", request, CommunityChanged, again=True)
