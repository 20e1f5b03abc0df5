"""hello, sync, devices, presence and typing."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from trunkline.wire.entries import EntryView

DeviceId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._~\-]+$")]
OutboxId = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9._~\-]+$")]
# The patterns are for the documentation; `domain/identity` checks, and answers with codes of its own.
PartyName = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=80,
        extra_json_schema={"pattern": r"^(user|device|bot|guest)/[A-Za-z0-9._~@+\-]{1,64}$"},
    ),
]
ConversationName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        extra_json_schema={"pattern": r"^[A-Za-z0-9][A-Za-z0-9._~\-]{0,63}$"},
    ),
]


class Hello(Struct):
    """First request on a connection.

    ``outbox`` names the client's durable outbox; without one, sends need no deduplication state
    but a retry after a cut may repeat them, so every SDK sends one.
    """

    token: Annotated[str, Meta(max_length=8192)]
    device: DeviceId
    outbox: OutboxId | None = None
    platform: Annotated[str, Meta(max_length=64)] = ""
    features: list[Annotated[str, Meta(max_length=64)]] = field(default_factory=list)
    version: int = 1


class Welcome(Struct, omit_defaults=True):
    """Answer to hello.

    ``outbox_n`` is the highest ``n`` the server knows of the outbox: a client that is behind it
    must mint a new outbox id. ``session_epoch`` fences: the older connection of a device is dead.
    """

    party: str
    device: str
    session: str
    session_epoch: int
    epoch: int
    pts: int
    server_time_ms: int
    heartbeat_ms: int
    window: int
    max_frame_bytes: int
    outbox_n: int = 0
    version: int = 1
    features: list[str] = field(default_factory=list)


class Sync(Struct):
    """Ask what changed in my inbox after ``pts``; ``epoch`` 0 and ``pts`` 0 ask for everything."""

    epoch: int = 0
    pts: int = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class MemberSettings(Struct, omit_defaults=True):
    """One party's own settings of one conversation.

    ``notify`` says what should alert this party: ``all``, ``mentions`` or ``none``; "" leaves it to the app.
    """

    pinned: bool = False
    order: int = 0
    mute: bool = False
    dnd_until_ms: int = 0
    draft: str = ""
    hidden: bool = False
    notify: str = ""


class ConversationView(Struct, omit_defaults=True, kw_only=True):
    """A conversation as one of its members sees it.

    ``peer`` is set for direct conversations. ``first_visible_seq`` is the join point;
    ``left_seq`` is set once the party is no longer a member and nothing after it is visible.
    ``community`` is that of a channel. ``join``, ``who_invites`` and ``history_before_join`` are a group's own rules,
    for its members.
    ``hidden_up_to`` and ``hidden_seqs`` (above it) are what the party deleted for itself; only ``sync`` tells them.
    """

    conversation: str
    kind: str
    epoch: int
    head: int
    unread: int = 0
    unread_mentions: int = 0
    read: int = 0
    delivered: int = 0
    peer_read: int = 0
    peer_delivered: int = 0
    role: str = ""
    peer: str = ""
    name: str = ""
    avatar: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    member_count: int = 0
    muted_all: bool = False
    muted_until_ms: int = 0
    first_visible_seq: int = 1
    left_seq: int = 0
    dismissed: bool = False
    settings: MemberSettings = field(default_factory=MemberSettings)
    last: EntryView | None = None
    active_at_ms: int = 0
    hidden_up_to: int = 0
    hidden_seqs: list[int] = field(default_factory=list)
    community: str = ""
    join: str = ""
    who_invites: str = ""
    history_before_join: bool = False


class SyncResult(Struct, omit_defaults=True, kw_only=True):
    """Everything that changed, oldest change first.

    ``resync`` means that the client's position is of no use (another epoch, or below the floor):
    it must drop its positions and start from ``pts`` 0. ``more`` asks for another call from ``pts``.
    ``threads_changed``: ``thread.changes`` says which threads I followed or read.
    """

    epoch: int
    pts: int
    more: bool = False
    resync: bool = False
    conversations: list[ConversationView] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    blocked: list[str] | None = None
    profile_changed: bool = False
    threads_changed: bool = False


class Device(Struct, omit_defaults=True):
    """A device that has signed in."""

    device: str
    platform: str = ""
    first_seen_ms: int = 0
    last_seen_ms: int = 0
    online: bool = False
    revoked: bool = False
    current: bool = False


class DeviceList(Struct):
    """List my devices (or, for an app server, those of the party it names)."""


class Devices(Struct):
    """Devices, newest first."""

    devices: list[Device]


class DeviceRevoke(Struct):
    """Close a device's sessions and refuse its tokens minted until now."""

    device: DeviceId


class TokensRevoke(Struct):
    """App server: refuse every token of a party (or of one device) minted until now."""

    party: PartyName
    device: DeviceId | None = None


class TypingSet(Struct):
    """Tell online members that I am typing (or stopped)."""

    conversation: ConversationName
    typing: bool = True


class PresenceWatch(Struct):
    """Subscribe to, unsubscribe from or read the presence of parties."""

    parties: Annotated[list[PartyName], Meta(min_length=1, max_length=200)]


class Presence(Struct, omit_defaults=True):
    """Whether a party is online, and on what."""

    party: str
    online: bool
    devices: list[str] = field(default_factory=list)
    last_seen_ms: int = 0


class Presences(Struct):
    """Present state of the parties asked for."""

    presences: list[Presence]
