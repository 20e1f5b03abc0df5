"""Broadcasts and the tags they go by."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from trunkline.wire.calls.cards import CardKindName
from trunkline.wire.calls.conversations import Avatar, Custom, DisplayName
from trunkline.wire.calls.messages import MessageType, Position
from trunkline.wire.calls.session import ConversationName, PartyName

Tag = Annotated[str, Meta(min_length=1, max_length=64)]
AudienceText = Annotated[str, Meta(min_length=1, max_length=4_096)]
BroadcastId = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._~\-]*$")]


class TagsSet(Struct):
    """Give parties exactly these tags."""

    parties: Annotated[list[PartyName], Meta(min_length=1, max_length=1_000)]
    tags: Annotated[list[Tag], Meta(max_length=200)]


class TagsGet(Struct):
    """Names a party."""

    party: PartyName


class Tags(Struct):
    """A party's tags."""

    party: str
    tags: list[str]


class TagsChanged(Struct):
    """How many parties have other tags now."""

    changed: int


class BroadcastCreate(Struct, kw_only=True):
    """Make a conversation for broadcasts."""

    id: ConversationName
    name: DisplayName = ""
    avatar: Avatar = ""
    custom: Custom = field(default_factory=dict)


class BroadcastUpdate(Struct, kw_only=True):
    """Change what is given; leave the rest."""

    conversation: ConversationName
    name: DisplayName | UnsetType = UNSET
    avatar: Avatar | UnsetType = UNSET
    custom: Custom | UnsetType = UNSET


class BroadcastCard(Struct, kw_only=True):
    """What a broadcast of type ``card.created`` has as its content: ``kind`` and ``data`` as for ``card.create``.

    ``closes_in_ms`` counts from when the broadcast is sent.
    """

    kind: CardKindName
    data: dict[str, Any]
    closes_at_ms: Position = 0
    closes_in_ms: Annotated[int, Meta(ge=0, le=31_536_000_000)] = 0


class BroadcastSend(Struct, kw_only=True):
    """Send a message to everyone whose tags fit ``audience`` at that moment: now, or at ``send_at_ms``.

    ``audience``: tags with AND, OR, NOT and parentheses; ``*`` for everyone. ``id`` names the broadcast; a second one
    of the same name is refused. With the type ``card.created`` the content is a card to act on: ``kind``, ``data`` and
    when it closes.
    """

    conversation: ConversationName
    type: MessageType = "text"
    content: Raw = Raw()
    audience: AudienceText = "*"
    id: BroadcastId = ""
    send_at_ms: Position = 0
    expires_in_ms: Annotated[int, Meta(ge=0, le=31_536_000_000)] = 0


class BroadcastRef(Struct):
    """Names a broadcast."""

    broadcast: Annotated[str, Meta(min_length=1, max_length=64)]


class BroadcastList(Struct):
    """List the broadcasts of a conversation, the newest first; ``after`` is the page cursor."""

    conversation: ConversationName
    after: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class BroadcastView(Struct, omit_defaults=True, kw_only=True):
    """A broadcast. ``seq`` is its place in the log once it was sent, ``reached`` how many parties it found online."""

    broadcast: str
    conversation: str
    status: Literal["scheduled", "sent", "cancelled"]
    audience: str
    type: str
    at_ms: int
    content: Any = None
    send_at_ms: int = 0
    seq: int = 0
    reached: int = 0


class Broadcasts(Struct, omit_defaults=True):
    """A page of broadcasts; ``next`` is empty on the last page."""

    broadcasts: list[BroadcastView]
    next: str = ""
