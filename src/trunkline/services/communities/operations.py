"""Operations on communities, their channels and user groups."""

from __future__ import annotations

from trunkline.services.communities.communities import Communities
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import communities as calls
from trunkline.wire.calls.conversations import MembershipChanged

SCOPE = "groups"


def operations(service: Communities) -> list[Operation]:
    """What one can do with communities."""
    every = Audience.EVERYONE
    made = MembershipChanged
    done = calls.CommunityChanged
    return [
        Operation("community.create", calls.CommunityCreate, made, service.create, SCOPE, "Create a community"),
        Operation(
            "community.get",
            calls.CommunityRef,
            calls.CommunityView,
            service.get,
            SCOPE,
            "Read a community",
            every,
            writes=False,
        ),
        Operation("community.permit", calls.CommunityPermit, done, service.permit, SCOPE, "Say what everyone may do"),
        Operation("community.ban", calls.CommunityBan, done, service.ban, SCOPE, "Ban a party, or let it in again"),
        Operation("category.set", calls.CategorySet, done, service.set_category, SCOPE, "Make or replace a category"),
        Operation("category.delete", calls.CategoryRef, done, service.delete_category, SCOPE, "Delete a category"),
        Operation("channel.create", calls.ChannelCreate, made, service.create_channel, SCOPE, "Make a channel"),
        Operation("channel.update", calls.ChannelUpdate, done, service.update_channel, SCOPE, "Change a channel"),
        Operation("channel.delete", calls.ChannelRef, done, service.delete_channel, SCOPE, "Delete a channel"),
        Operation(
            "channel.list",
            calls.ChannelList,
            calls.Channels,
            service.channels,
            SCOPE,
            "List the channels I may view",
            every,
            writes=False,
        ),
        Operation("usergroup.set", calls.UserGroupSet, done, service.set_group, SCOPE, "Make or change a user group"),
        Operation("usergroup.delete", calls.UserGroupRef, done, service.delete_group, SCOPE, "Delete a user group"),
        Operation(
            "usergroup.assign", calls.UserGroupAssign, done, service.assign, SCOPE, "Change who is in a user group"
        ),
    ]
