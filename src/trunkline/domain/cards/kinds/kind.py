"""What every kind of card has in common: checked data, checked actions, closing.

A kind is a class with a ``Data`` struct, an ``ACTIONS`` table of parameter structs, and ``decide``. Adding a kind is
adding a module and a line in ``registry``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NoReturn

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision, close_op
from trunkline.wire.cards import Cell, Op

Title = Annotated[str, Meta(min_length=1, max_length=500)]
Note = Annotated[str, Meta(max_length=2000)]
ItemId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
Party = Annotated[str, Meta(pattern=r"^(user|device|bot|guest)/[A-Za-z0-9._~@+\-]{1,64}$")]
Time = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS


class Nothing(Struct):
    """An action without parameters."""


class CardKind:
    """The rules of one kind of card.

    Attributes:
        name: on the wire.
        data_type: what a card of this kind is made with.
        actions: parameters by action; ``close`` is common to all that allow it.
        default_open_ms: how long a card is open when its maker does not say; 0 = without end.
        longest_open_ms: at most; a kind with a default must end.
        closable: whether its maker and admins may close it early (an app server always may).
        recallable: whether it may be taken back like a message.
    """

    name: ClassVar[str]
    data_type: ClassVar[type[Struct]]
    actions: ClassVar[Mapping[str, type[Struct]]] = {}
    default_open_ms: ClassVar[int] = 0
    longest_open_ms: ClassVar[int] = YEAR_MS
    closable: ClassVar[bool] = True
    recallable: ClassVar[bool] = True

    def check(self, data: dict[str, Any]) -> Any:
        """The data of a card to be made.

        Raises:
            TrunklineError: ``INVALID_CONTENT``.
        """
        return self.read(data)

    def read(self, data: Any) -> Any:
        """Data as stored, decoded; what is not understood in it is left alone."""
        return convert(data, self.data_type, "data")

    def text(self, data: Any) -> str:
        """What clients that do not know the kind, notifications and search show."""
        return str(getattr(data, "title", ""))

    def anonymous(self, data: Any) -> bool:
        """Whether members may not learn who acted."""
        return False

    def act(self, card: Card, actor: Actor, action: str, value: dict[str, Any], draw: int = 0) -> Decision:
        """What an action becomes.

        ``draw`` is a number nobody can foresee, for kinds that roll dice.

        Raises:
            TrunklineError: it was refused; nothing changes.
        """
        if card.data is None:
            raise TrunklineError(Code.ERASED, "the card's content was erased", field="seq")
        if action == "close":
            return self._close(card, actor)
        shape = self.actions.get(action)
        if shape is None:
            known = ", ".join(sorted([*self.actions, "close"]))
            raise TrunklineError(
                Code.UNKNOWN_CARD_ACTION, f"a {self.name} card knows: {known}; not {action[:64]!r}", field="action"
            )
        params = convert(value, shape, "value")
        same = self.repeats(card, actor, action, params)
        if same is not None:
            return Decision(repeats=same, event=self.event_of(card, same))
        if card.is_over(actor.now_ms):
            raise TrunklineError(Code.CARD_CLOSED, f"the card is closed ({card.state.closed or 'its time is up'})")
        return self.decide(card, actor, action, params, draw)

    def repeats(self, card: Card, actor: Actor, action: str, params: Any) -> Cell | None:
        """The cell that already says what the action would; then nothing is appended."""
        return None

    def event_of(self, card: Card, cell: Cell) -> dict[str, Any] | None:
        """The event of the entry that wrote a cell, told again to who repeats the action."""
        return None

    def decide(self, card: Card, actor: Actor, action: str, params: Any, draw: int) -> Decision:
        """What an action on an open card becomes.

        Raises:
            TrunklineError: a rule of the kind forbids it.
        """
        raise NotImplementedError

    def end(self, card: Card, reason: str) -> Decision:
        """What closing becomes, whoever or whatever closes: ``expired``, ``closed`` or an outcome."""
        return Decision((close_op(reason),), closes=True)

    def _close(self, card: Card, actor: Actor) -> Decision:
        if card.state.closed:
            return Decision(repeats=card.state.cells("closed")[""])
        allowed = self.closable and (actor.party == card.creator or actor.rank >= 2)
        if not (allowed or actor.server):
            raise TrunklineError(Code.FORBIDDEN, "who made the card or manages the conversation closes it")
        return self.end(card, "closed")


def convert(value: Any, shape: type[Any], field: str) -> Any:
    """A value as a struct.

    Raises:
        TrunklineError: ``INVALID_CONTENT``.
    """
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        refuse(str(error), field)


def refuse(detail: str, field: str = "data") -> NoReturn:
    """Say what is wrong with data or a value.

    Raises:
        TrunklineError: ``INVALID_CONTENT``.
    """
    raise TrunklineError(Code.INVALID_CONTENT, detail, field=field)


def check_finite(*numbers: float) -> None:
    """Refuse numbers that are none, which MessagePack can carry."""
    if not all(map(math.isfinite, numbers)):
        refuse("numbers must be finite", "value")


def own_cell(card: Card, field: str, actor: Actor, value: Any) -> Cell | None:
    """The actor's own cell, if it holds this value already."""
    cell = card.state.cells(field).get(actor.key)
    return cell if cell is not None and cell.value == value else None


def write(field: str, actor: Actor, value: Any) -> Op:
    """The newest value of a party wins."""
    return Op(field, "last", actor.key, value)
