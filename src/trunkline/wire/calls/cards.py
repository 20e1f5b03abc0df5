"""Interactive cards: make one, act on it, read it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from trunkline.wire.calls.messages import Position, Seq
from trunkline.wire.calls.session import ConversationName, OutboxId, PartyName
from trunkline.wire.cards import CardState

CardKindName = Annotated[str, Meta(min_length=1, max_length=32)]
ActionName = Annotated[str, Meta(min_length=1, max_length=32)]


class CardCreate(Struct, kw_only=True):
    """Put a card into a conversation, named by ``conversation`` or, for a direct one, by ``to``.

    ``kind`` is ``poll``, ``event``, ``location``, ``live_location``, ``todo``, ``approval``, ``form``, ``red_packet``
    or ``custom``, and ``data`` what spec/cards.md lists for it. The server closes the card at ``closes_at_ms``, or
    ``closes_in_ms`` after accepting it; some kinds close after a while in any case. ``outbox`` and ``n`` make
    repeating safe, as for messages.
    """

    kind: CardKindName
    data: dict[str, Any]
    conversation: ConversationName = ""
    to: PartyName | None = None
    closes_at_ms: Position = 0
    closes_in_ms: Annotated[int, Meta(ge=0, le=31_536_000_000)] = 0
    n: Position = 0
    after: Position = 0
    outbox: OutboxId | None = None
    reply_to: Position = 0
    mentions: Annotated[list[str], Meta(max_length=200)] | None = None
    thread: Position = 0


class CardAct(Struct, kw_only=True):
    """Act on the card at ``seq``: ``action`` and ``value`` as spec/cards.md lists them for its kind.

    Repeating an action that took effect appends nothing and answers with where it did. ``outbox`` and ``n`` make
    repeating safe also where the same action twice would mean something else.
    """

    conversation: ConversationName
    seq: Seq
    action: ActionName
    value: dict[str, Any] = field(default_factory=dict)
    n: Position = 0
    outbox: OutboxId | None = None


class CardActed(Struct, omit_defaults=True, kw_only=True):
    """The change entry's position; ``event`` says what an app must know, such as the amount of a claim.

    ``repeated``: it had taken effect before, at this position.
    """

    conversation: str
    epoch: int
    seq: int
    at_ms: int
    repeated: bool = False
    event: dict[str, Any] | None = None


class CardGet(Struct):
    """A card with its whole state."""

    conversation: ConversationName
    seq: Seq


class CardView(Struct, omit_defaults=True, kw_only=True):
    """A card as its reader may see it.

    ``state`` holds the fields and contains every change up to ``as_of``. ``summary`` is what a person wants to know
    of it, such as votes per option. ``mine`` is the key of the reader's own cells: the party, or its alias on an
    anonymous card. ``closed`` says why it takes no more actions: ``closed``, ``expired``, ``finished``, ``approved``
    or ``rejected``; empty while it does.
    """

    conversation: str
    epoch: int
    seq: int
    at_ms: int
    sender: str
    kind: str
    data: dict[str, Any]
    as_of: int
    closes_at_ms: int = 0
    closed: str = ""
    state: CardState = field(default_factory=CardState)
    summary: dict[str, Any] = field(default_factory=dict)
    mine: str = ""


class CardList(Struct, kw_only=True):
    """Cards of a conversation, newest first, below ``before_seq`` (0: from the newest); with ``open_only`` those not
    closed.
    """

    conversation: ConversationName
    before_seq: Position = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    open_only: bool = False


class Cards(Struct, omit_defaults=True):
    """A page of cards; large states are left out (``state.partial``). ``more``: there are older ones."""

    conversation: str
    cards: list[CardView]
    more: bool = False
