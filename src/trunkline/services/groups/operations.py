"""Operations on groups and their members."""

from __future__ import annotations

from trunkline.services.groups.groups import Groups
from trunkline.services.groups.members import Membership
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import conversations as calls

SCOPE = "groups"


def operations(groups: Groups, members: Membership) -> list[Operation]:
    """What one can do with groups."""
    done = calls.MembershipChanged
    every = Audience.EVERYONE
    return [
        Operation("group.create", calls.GroupCreate, done, groups.create, SCOPE, "Create a group"),
        Operation("group.update", calls.GroupUpdate, done, groups.update, SCOPE, "Change a group"),
        Operation("group.transfer", calls.GroupTransfer, done, groups.transfer, SCOPE, "Transfer ownership"),
        Operation("group.dismiss", calls.ConversationRef, done, groups.dismiss, SCOPE, "Dismiss a group"),
        Operation("group.invite", calls.GroupMembers, done, members.invite, SCOPE, "Add members"),
        Operation("group.kick", calls.GroupMembers, done, members.kick, SCOPE, "Remove members"),
        Operation("group.join", calls.ConversationRef, done, members.join, SCOPE, "Join a group", every),
        Operation("group.leave", calls.ConversationRef, done, members.leave, SCOPE, "Leave a group", every),
        Operation("member.change", calls.MemberChange, done, members.change, SCOPE, "Change a member's role or mute"),
        Operation(
            "member.list", calls.MemberList, calls.Members, members.page, SCOPE, "List members", every, writes=False
        ),
    ]
