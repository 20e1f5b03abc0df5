"""A card as decisions see it, who acts on it, and what an action becomes.

Not here: how operations merge (``protocol.cards``), the kinds (``kinds``), where states are kept (``services.cards``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from trunkline.wire.cards import CardState, Cell, Op

MAX_CELLS = 10_000
MAX_STATE_BYTES = 1_048_576
"""A card's shared state stays within both; an action beyond them is refused."""

CLOSED = "closed"
"""The field that says why a card takes no more actions."""

_encode = msgspec.msgpack.Encoder().encode


class Actor(NamedTuple):
    """Who acts.

    Attributes:
        party: in whose name.
        key: what the party's own cells are kept under: the party, or its alias on an anonymous card.
        rank: of its role: owner 3, admin 2, member 1, nobody 0.
        server: an app server acts.
        now_ms: the server's time; never before the newest entry's.
    """

    party: str
    key: str
    rank: int
    server: bool
    now_ms: int


class Decision(NamedTuple):
    """What an accepted action becomes.

    Attributes:
        ops: appended as one entry; none when the card already says so.
        event: what an app must know besides, such as an amount.
        closes: the card takes no more actions.
        repeats: the cell that already says so, when there are no ops.
        anonymous: the entry must not name the actor.
    """

    ops: tuple[Op, ...] = ()
    event: dict[str, Any] | None = None
    closes: bool = False
    repeats: Cell | None = None
    anonymous: bool = False


class Card:
    """A card and its present state, uncommitted entries included.

    Attributes:
        kind: its kind.
        data: what it was made with, decoded by its kind; None once erased.
        creator: who made it.
        seq: of ``card.created``.
        direct: whether it stands in a direct conversation.
        closes_at_ms: when the server closes it; 0 = never.
        state: the merged state.
        changed_seq: the newest entry in ``state``.
    """

    __slots__ = (
        "cell_count",
        "changed_seq",
        "closes_at_ms",
        "created_at_ms",
        "creator",
        "data",
        "direct",
        "kind",
        "seq",
        "size_bytes",
        "state",
    )

    def __init__(
        self,
        kind: str,
        data: Any,
        creator: str,
        seq: int,
        created_at_ms: int,
        closes_at_ms: int,
        *,
        direct: bool = False,
        state: CardState | None = None,
        changed_seq: int = 0,
    ) -> None:
        self.kind = kind
        self.data = data
        self.creator = creator
        self.seq = seq
        self.created_at_ms = created_at_ms
        self.closes_at_ms = closes_at_ms
        self.direct = direct
        self.state = state or CardState()
        self.changed_seq = max(changed_seq, seq)
        self.cell_count = sum(len(field.cells) for field in self.state.fields.values())
        self.size_bytes = len(_encode(self.state)) if self.cell_count else 0

    def is_over(self, now_ms: int) -> bool:
        """Whether it takes no more actions: closed, or its time is up by the server's clock."""
        return bool(self.state.closed) or 0 < self.closes_at_ms <= now_ms

    def has_room_for(self, ops: tuple[Op, ...]) -> bool:
        """Whether the state stays within its bounds; a closing operation always fits."""
        new = sum(op.key not in self.state.cells(op.field) for op in ops)
        if self.cell_count + new > MAX_CELLS:
            return False
        added = sum(map(cell_bytes, ops))
        if self.size_bytes + added > MAX_STATE_BYTES:
            # Cells that were written again counted again: a live location would end within hours.
            self.size_bytes = len(_encode(self.state))
        return self.size_bytes + added <= MAX_STATE_BYTES

    def note(self, ops: tuple[Op, ...], seq: int) -> None:
        """Count what was just applied."""
        self.changed_seq = seq
        self.cell_count = sum(len(field.cells) for field in self.state.fields.values())
        self.size_bytes += sum(map(cell_bytes, ops))


def cell_bytes(op: Op) -> int:
    """About what an operation adds to a state; writing a cell again counts again, until the state is measured."""
    return len(op.key) + len(_encode(op.value)) + 40


def close_op(reason: str) -> Op:
    """The operation that closes a card; the first one wins."""
    return Op(CLOSED, "first", "", reason)
