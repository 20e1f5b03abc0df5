"""Live rooms: what clients and app servers ask, and what members are sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from trunkline.wire.calls.conversations import Custom, DisplayName
from trunkline.wire.calls.messages import Position
from trunkline.wire.calls.session import ConversationName, OutboxId, PartyName

RoleName = Literal["host", "co-host", "moderator", "guest", "audience"]
JoinRule = Literal["open", "approval", "allow-list", "token"]
DeliveryName = Literal["reliable", "latest-wins", "coalesce", "sample"]
PriorityName = Literal["low", "normal", "high"]
RoomTypeName = Annotated[str, Meta(min_length=1, max_length=64)]
OwnTypeName = Annotated[str, Meta(min_length=3, max_length=64, pattern=r"^x\.[a-z0-9._\-]+$")]
Parties = Annotated[list[PartyName], Meta(min_length=1, max_length=200)]
Until = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Capacity = Annotated[int, Meta(ge=0, le=1_000_000)]
Milliseconds = Annotated[int, Meta(ge=0, le=86_400_000)]
EmptyFor = Annotated[int, Meta(ge=0, le=2_592_000_000)]
Recent = Annotated[int, Meta(ge=0, le=200)]
PerSecond = Annotated[int, Meta(ge=1, le=20_000)]
AttributeKey = Annotated[str, Meta(min_length=1, max_length=128)]
AttributeValue = Annotated[str, Meta(max_length=4096)]


class RoomType(Struct, omit_defaults=True):
    """A message type of the app's own: how a room delivers it, who may send it, whether it is speech.

    ``speech`` makes it subject to mutes and slow mode; ``recent`` shows it to those who join later.
    """

    delivery: DeliveryName
    priority: PriorityName = "normal"
    least: RoleName = "audience"
    speech: bool = False
    recent: bool = False


OwnTypes = Annotated[dict[OwnTypeName, RoomType], Meta(max_length=50)]


class RoomCreate(Struct, kw_only=True):
    """Create a room with the caller (or ``host``) as its host; what is left out has the documented default.

    ``join``: ``open`` to all; by ``approval``; to those on the ``allow-list``; or by ``token``, whose grant
    ``im.rooms`` names the room. ``capacity`` 0: as many as the server allows. A room that nobody is in for
    ``close_empty_ms`` is closed, unless it is 0 or ``keep_alive`` is set. ``messages_per_s`` is what one member is
    sent at most, beyond which samples are taken. ``notices``: who comes and goes is told, as samples of low priority.
    """

    id: ConversationName = ""
    name: DisplayName = ""
    custom: Custom = field(default_factory=dict)
    host: PartyName | None = None
    capacity: Capacity = 0
    join: JoinRule = "open"
    slow_mode_ms: Milliseconds = 0
    muted_all: bool = False
    close_empty_ms: EmptyFor = 0
    keep_alive: bool = False
    recent: Recent = 50
    messages_per_s: PerSecond = 2000
    reliable_per_s: PerSecond = 2000
    notices: bool = False
    attributes: RoleName = "co-host"
    types: OwnTypes = field(default_factory=dict)


class RoomConfigure(Struct, kw_only=True):
    """Change what is given; leave the rest."""

    conversation: ConversationName
    name: DisplayName | UnsetType = UNSET
    custom: Custom | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    join: JoinRule | UnsetType = UNSET
    slow_mode_ms: Milliseconds | UnsetType = UNSET
    muted_all: bool | UnsetType = UNSET
    close_empty_ms: EmptyFor | UnsetType = UNSET
    keep_alive: bool | UnsetType = UNSET
    recent: Recent | UnsetType = UNSET
    messages_per_s: PerSecond | UnsetType = UNSET
    reliable_per_s: PerSecond | UnsetType = UNSET
    notices: bool | UnsetType = UNSET
    attributes: RoleName | UnsetType = UNSET
    types: OwnTypes | UnsetType = UNSET


class RoomRef(Struct):
    """Names one room."""

    conversation: ConversationName


class RoomChanged(Struct):
    """The change is durable at this position of the room's log."""

    conversation: str
    epoch: int
    seq: int


class RoomItem(Struct, array_like=True, gc=False):
    """One message as members see it, positional.

    Attributes:
        after_ms: time after the batch's ``at_ms``.
        seq: in the room's log; 0 for what is not stored.
        count: how many messages it stands for (``coalesce``).
        target: the seq that a change refers to.
    """

    type: str
    sender: str
    after_ms: int
    content: Any = None
    seq: int = 0
    count: int = 1
    target: int = 0


class RoomBatch(Struct, omit_defaults=True):
    """What one tick of a room has for its members: the push ``room``, and the answer of ``room.entries``.

    ``seq`` is the last entry of the room's log that this batch brings a member to, ``prev`` the one before its first:
    a member whose last seq is below ``prev`` has missed entries and asks for them.
    """

    conversation: str
    epoch: int
    prev: int
    seq: int
    at_ms: int
    items: list[RoomItem] = field(default_factory=list)
    more: bool = False


class RoomAttribute(Struct, omit_defaults=True):
    """One attribute; ``auto_delete``: it goes when its owner leaves."""

    key: str
    value: str
    version: int
    owner: str
    auto_delete: bool = False


class RoomView(Struct, omit_defaults=True, kw_only=True):
    """A room: its configuration, and how it is now."""

    conversation: str
    epoch: int
    seq: int
    name: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    capacity: int = 0
    join: JoinRule = "open"
    slow_mode_ms: int = 0
    muted_all: bool = False
    close_empty_ms: int = 0
    keep_alive: bool = False
    recent: int = 50
    messages_per_s: int = 2000
    reliable_per_s: int = 2000
    notices: bool = False
    attributes: RoleName = "co-host"
    types: dict[str, RoomType] = field(default_factory=dict)
    created_at_ms: int = 0
    online: int = 0
    closed: bool = False


class RoomJoin(Struct, kw_only=True):
    """Come into a room with this connection, or back into it after a break."""

    conversation: ConversationName


class RoomJoined(Struct, omit_defaults=True, kw_only=True):
    """In: how the room is, and what was said last.

    Entries after ``room.seq`` arrive as batches. ``resumed``: the stay before a short break goes on; what was missed
    is asked for with ``room.entries``.
    """

    room: RoomView
    role: RoleName
    resumed: bool = False
    recent: RoomBatch | None = None
    attributes: list[RoomAttribute] = field(default_factory=list)


class RoomSend(Struct, kw_only=True):
    """Say something in a room. ``outbox`` and ``n`` make a reliable message safe to repeat, as in ``message.send``."""

    conversation: ConversationName
    type: RoomTypeName
    content: Raw = Raw()
    outbox: OutboxId | None = None
    n: Position = 0


class RoomSent(Struct, omit_defaults=True):
    """Accepted. A reliable message is durable at ``seq``; another one has ``seq`` 0 and goes by its policy."""

    conversation: str
    epoch: int
    seq: int
    at_ms: int
    delivery: DeliveryName = "reliable"


class RoomEntriesGet(Struct, kw_only=True):
    """The reliable entries after a seq, oldest first; for whoever is in the room."""

    conversation: ConversationName
    after: Position = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class RoomRecall(Struct):
    """Take back a reliable message of one's own, or of somebody of a lower role as one who runs the room."""

    conversation: ConversationName
    seq: Annotated[int, Meta(ge=1, le=2**53 - 1)]


class RoomRole(Struct):
    """Give parties a role; ``audience`` takes it away."""

    conversation: ConversationName
    parties: Parties
    role: RoleName


class RoomMute(Struct):
    """Mute parties until a time; 0 ends the mute."""

    conversation: ConversationName
    parties: Parties
    until_ms: Until


class RoomBan(Struct):
    """Keep parties out until a time, and put those out who are in; 0 ends the ban."""

    conversation: ConversationName
    parties: Parties
    until_ms: Until


class RoomKick(Struct):
    """Put parties out; they may come back after ``for_ms``."""

    conversation: ConversationName
    parties: Parties
    for_ms: Milliseconds = 60_000


class RoomAllow(Struct):
    """Put parties on the allow-list, or take them off it."""

    conversation: ConversationName
    parties: Parties
    on: bool = True


class RoomAdmit(Struct):
    """Let in (or turn away) parties who asked to join."""

    conversation: ConversationName
    parties: Parties
    on: bool = True


class RoomKicked(Struct):
    """Who was in fact put out."""

    conversation: str
    parties: list[str]


class RoomMemberList(Struct):
    """List the members who are in the room now, by name; ``after`` is the page cursor."""

    conversation: ConversationName
    after: Annotated[str, Meta(max_length=80)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class RoomMember(Struct, omit_defaults=True):
    """A member who is in the room. ``away``: its connection broke a moment ago."""

    party: str
    role: RoleName = "audience"
    joined_at_ms: int = 0
    away: bool = False


class RoomMembers(Struct, omit_defaults=True):
    """A page of members; ``next`` is empty on the last page."""

    conversation: str
    online: int
    members: list[RoomMember]
    next: str = ""


class RoomNamedList(Struct):
    """List parties that have a role, a mute, a ban, or are on the allow-list; for those who run the room."""

    conversation: ConversationName


class RoomNamed(Struct, omit_defaults=True):
    """What the room remembers of a party."""

    party: str
    role: RoleName = "audience"
    muted_until_ms: int = 0
    banned_until_ms: int = 0
    allowed: bool = False
    waiting: bool = False


class RoomNameds(Struct):
    """Everyone the room remembers, and those who wait to be admitted."""

    conversation: str
    parties: list[RoomNamed]


class RoomAttributeSet(Struct, kw_only=True):
    """Set an attribute. ``version``: only if it has this version; 0: only if it does not exist.

    ``auto_delete``: it is kept in memory only and goes when the caller leaves the room.
    """

    conversation: ConversationName
    key: AttributeKey
    value: AttributeValue
    version: Position | None = None
    auto_delete: bool = False


class RoomAttributeDelete(Struct, kw_only=True):
    """Delete an attribute, if it has the version given."""

    conversation: ConversationName
    key: AttributeKey
    version: Position | None = None


class RoomAttributes(Struct):
    """All attributes, by key."""

    conversation: str
    attributes: list[RoomAttribute]


class RoomTypeCounts(Struct, omit_defaults=True):
    """Messages of one type: ``received`` = refused + sent + dropped + pending, always.

    ``delivered`` and ``missed`` count items times members.
    """

    received: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    items: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    pending: int = 0
    delivered: int = 0
    missed: dict[str, int] = field(default_factory=dict)


class RoomStats(Struct, omit_defaults=True):
    """What a room counted since the server has it in memory; also the push ``room.stats`` to those who run it."""

    conversation: str
    online: int
    peak: int
    connections: int
    types: dict[str, RoomTypeCounts] = field(default_factory=dict)


class RoomOut(Struct, omit_defaults=True):
    """The push ``room.out``: this member is no longer in the room; ``reason``: kicked, banned, closed or left."""

    conversation: str
    reason: str


class RoomAsked(Struct):
    """The push ``room.asked`` to those who run the room: a party waits to be admitted."""

    conversation: str
    party: str


class RoomAdmitted(Struct):
    """The push ``room.admitted``: join now, or do not."""

    conversation: str
    on: bool
