"""Conversations: groups, members, and one's own settings of them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from trunkline.wire.calls.session import ConversationName, ConversationView, PartyName

Role = Literal["owner", "admin", "member"]
JoinPolicy = Literal["open", "invite", "closed"]
Parties = Annotated[list[PartyName], Meta(max_length=1000)]
DisplayName = Annotated[str, Meta(max_length=200)]
Avatar = Annotated[str, Meta(max_length=2048)]
Custom = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=4096)]], Meta(max_length=64)
]


class GroupCreate(Struct, kw_only=True):
    """Create a group with the caller (or ``owner``) as its owner.

    ``join``: to an ``open`` group anyone may come; an ``invite`` group grows by invitations (``who_invites``); to a
    ``closed`` one only the app server adds members.
    """

    id: ConversationName = ""
    name: DisplayName = ""
    avatar: Avatar = ""
    custom: Custom = field(default_factory=dict)
    members: Parties = field(default_factory=list)
    owner: PartyName | None = None
    join: JoinPolicy = "invite"
    who_invites: Literal["admin", "member"] = "member"
    history_before_join: bool = False


class GroupUpdate(Struct, kw_only=True):
    """Change what is given; leave the rest."""

    conversation: ConversationName
    name: DisplayName | UnsetType = UNSET
    avatar: Avatar | UnsetType = UNSET
    custom: Custom | UnsetType = UNSET
    join: JoinPolicy | UnsetType = UNSET
    who_invites: Literal["admin", "member"] | UnsetType = UNSET
    history_before_join: bool | UnsetType = UNSET
    muted_all: bool | UnsetType = UNSET


class GroupMembers(Struct):
    """Members to add or remove."""

    conversation: ConversationName
    parties: Annotated[list[PartyName], Meta(min_length=1, max_length=1000)]


class ConversationRef(Struct):
    """Names one conversation: to read, join, leave or dismiss it."""

    conversation: ConversationName


class MemberChange(Struct, kw_only=True):
    """Change a member's role, or mute it until a time (0 = unmute)."""

    conversation: ConversationName
    party: PartyName
    role: Literal["admin", "member"] | UnsetType = UNSET
    muted_until_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | UnsetType = UNSET


class GroupTransfer(Struct):
    """Make another member the owner."""

    conversation: ConversationName
    party: PartyName


class MemberList(Struct):
    """List members, owner and admins first, then by party; ``after`` is the page cursor."""

    conversation: ConversationName
    after: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class MemberView(Struct, omit_defaults=True):
    """A member."""

    party: str
    role: str
    joined_seq: int
    muted_until_ms: int = 0
    read: int = 0
    delivered: int = 0


class Members(Struct, omit_defaults=True):
    """A page of members; ``next`` is empty on the last page."""

    conversation: str
    count: int
    members: list[MemberView]
    next: str = ""


class MembershipChanged(Struct, omit_defaults=True):
    """Who was in fact added or removed (others already were), and the log position."""

    conversation: str
    epoch: int
    seq: int
    changed: list[str] = field(default_factory=list)


class ConversationConfigure(Struct, kw_only=True):
    """My own settings of a conversation, shared by all my devices; leave out what stays."""

    conversation: ConversationName
    pinned: bool | UnsetType = UNSET
    order: Annotated[int, Meta(ge=-(2**53), le=2**53)] | UnsetType = UNSET
    mute: bool | UnsetType = UNSET
    dnd_until_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | UnsetType = UNSET
    draft: Annotated[str, Meta(max_length=8192)] | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    notify: Literal["all", "mentions", "none", ""] | UnsetType = UNSET


class ConversationList(Struct):
    """List my conversations: pinned first (by ``order``), then the most recently active."""

    after: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class Conversations(Struct, omit_defaults=True):
    """A page of conversations; ``next`` is empty on the last page.

    ``unread_total`` adds up the conversations of this page that are not muted.
    """

    conversations: list[ConversationView]
    unread_total: int = 0
    next: str = ""
