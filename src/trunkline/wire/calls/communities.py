"""Communities: categories, channels, user groups and permissions. Members come and go as in groups."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from trunkline.wire.calls.conversations import Avatar, Custom, DisplayName, JoinPolicy, Parties
from trunkline.wire.calls.session import ConversationName, ConversationView, PartyName

Permission = Literal["view", "send", "mention_all", "manage_messages", "manage_channels", "manage_groups", "ban"]
Permissions = Annotated[list[Permission], Meta(max_length=7)]
LocalName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._~\-]+$")]
Place = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]


class Overwrite(Struct, omit_defaults=True):
    """What a level allows and denies."""

    allow: Permissions = field(default_factory=list)
    deny: Permissions = field(default_factory=list)


Overwrites = Annotated[dict[LocalName, Overwrite], Meta(max_length=100)]


class CommunityCreate(Struct, kw_only=True):
    """Create a community with the caller (or ``owner``) as its owner."""

    id: ConversationName
    name: DisplayName = ""
    avatar: Avatar = ""
    custom: Custom = field(default_factory=dict)
    members: Parties = field(default_factory=list)
    owner: PartyName | None = None
    join: JoinPolicy = "invite"
    who_invites: Literal["admin", "member"] = "member"


class CommunityRef(Struct):
    """Names a community."""

    community: ConversationName


class CommunityPermit(Struct, kw_only=True):
    """What everyone in a community may do, before categories, channels and user groups."""

    community: ConversationName
    everyone: Overwrite


class CommunityBan(Struct):
    """Ban a party: it is removed and cannot join or be invited. Or let it in again."""

    community: ConversationName
    party: PartyName
    on: bool = True


class CategorySet(Struct, kw_only=True):
    """Make or replace a category."""

    community: ConversationName
    id: LocalName
    name: DisplayName = ""
    position: Place = 0
    everyone: Overwrite = field(default_factory=Overwrite)
    groups: Overwrites = field(default_factory=dict)


class CategoryRef(Struct):
    """Names a category; its channels stay, without one."""

    community: ConversationName
    id: LocalName


class ChannelCreate(Struct, kw_only=True):
    """Make a channel; ``id`` is its conversation's."""

    community: ConversationName
    id: ConversationName
    name: DisplayName = ""
    category: Annotated[str, Meta(max_length=64)] = ""
    position: Place = 0
    everyone: Overwrite = field(default_factory=Overwrite)
    groups: Overwrites = field(default_factory=dict)


class ChannelUpdate(Struct, kw_only=True):
    """Change what is given; leave the rest."""

    channel: ConversationName
    name: DisplayName | UnsetType = UNSET
    category: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    position: Place | UnsetType = UNSET
    everyone: Overwrite | UnsetType = UNSET
    groups: Overwrites | UnsetType = UNSET


class ChannelRef(Struct):
    """Names a channel."""

    channel: ConversationName


class UserGroupSet(Struct, kw_only=True):
    """Make a user group or change its name and permissions; its members stay."""

    community: ConversationName
    id: LocalName
    name: DisplayName = ""
    allow: Permissions = field(default_factory=list)
    deny: Permissions = field(default_factory=list)


class UserGroupRef(Struct):
    """Names a user group."""

    community: ConversationName
    id: LocalName


class UserGroupAssign(Struct, kw_only=True):
    """Put members of the community into a user group, and take some out."""

    community: ConversationName
    id: LocalName
    add: Annotated[list[PartyName], Meta(max_length=1_000)] = field(default_factory=list)
    remove: Annotated[list[PartyName], Meta(max_length=1_000)] = field(default_factory=list)


class CommunityChanged(Struct):
    """Where the change is in the community's log."""

    community: str
    epoch: int
    seq: int


class ChannelInfo(Struct, omit_defaults=True, kw_only=True):
    """A channel as the caller sees it. Overwrites are shown to those who manage channels."""

    id: str
    name: str
    category: str = ""
    position: int = 0
    permissions: list[str] = field(default_factory=list)
    everyone: Overwrite | None = None
    groups: dict[str, Overwrite] | None = None


class CategoryInfo(Struct, omit_defaults=True, kw_only=True):
    """A category."""

    id: str
    name: str
    position: int = 0
    everyone: Overwrite | None = None
    groups: dict[str, Overwrite] | None = None


class UserGroupInfo(Struct, omit_defaults=True, kw_only=True):
    """A user group. Its members are shown to those who manage groups."""

    id: str
    name: str
    allow: list[str] = field(default_factory=list)
    deny: list[str] = field(default_factory=list)
    members: list[str] | None = None


class CommunityView(Struct, omit_defaults=True, kw_only=True):
    """A community as the caller sees it: the channels it may view, by position, and what it may do."""

    community: str
    epoch: int
    head: int
    name: str
    role: str
    member_count: int
    permissions: list[str]
    mine: list[str] = field(default_factory=list)
    everyone: Overwrite = field(default_factory=Overwrite)
    categories: list[CategoryInfo] = field(default_factory=list)
    channels: list[ChannelInfo] = field(default_factory=list)
    groups: list[UserGroupInfo] = field(default_factory=list)
    bans: list[str] | None = None


class ChannelList(Struct):
    """List the channels I may view, with what is unread, by position; ``after``: the last one of the page before."""

    community: ConversationName
    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class Channels(Struct, omit_defaults=True):
    """A page of channels; ``next`` is empty on the last page."""

    channels: list[ConversationView]
    next: str = ""
