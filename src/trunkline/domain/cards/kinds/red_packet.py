"""Red packets: an amount in minor units, split into shares that parties claim, each party one.

``claims`` (first): party -> {amount, share}. ``refund`` (first): what nobody claimed, back to the maker. Every claim
and the refund is an entry with an event; moving money by these events is the app's part. At any moment claims +
refund <= amount, and once the card is closed, claims + refund = amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision, close_op
from trunkline.domain.cards.kinds.kind import DAY_MS, CardKind, Nothing, Party, refuse
from trunkline.domain.cards.shares import equal_share, random_share
from trunkline.domain.identity import SYSTEM_PARTY
from trunkline.wire.cards import Cell, Op

MAX_SHARES = 5_000
FINISHED = "finished"


class RedPacketData(Struct):
    """An amount and how it is split; ``to`` names who may claim (none: every member)."""

    amount: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    shares: Annotated[int, Meta(ge=1, le=MAX_SHARES)]
    split: Literal["equal", "random"] = "random"
    currency: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,16}$")] = ""
    greeting: Annotated[str, Meta(max_length=500)] = ""
    to: Annotated[list[Party], Meta(max_length=MAX_SHARES)] = msgspec.field(default_factory=list)


class RedPacket(CardKind):
    """A red packet."""

    name = "red_packet"
    data_type = RedPacketData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"claim": Nothing}
    default_open_ms = DAY_MS
    longest_open_ms = 30 * DAY_MS
    closable = False
    recallable = False

    def check(self, data: dict[str, Any]) -> RedPacketData:
        """Every share is at least 1."""
        packet: RedPacketData = self.read(data)
        if packet.amount < packet.shares:
            refuse(f"{packet.amount} cannot be split into {packet.shares} shares of at least 1")
        if packet.to and packet.shares > len(set(packet.to)):
            refuse("there are more shares than parties that may claim")
        return packet

    def text(self, data: RedPacketData) -> str:
        """The greeting."""
        return data.greeting

    def repeats(self, card: Card, actor: Actor, action: str, params: Nothing) -> Cell | None:
        """A party claims once; asking again tells what it got."""
        return card.state.cells("claims").get(actor.key)

    def event_of(self, card: Card, cell: Cell) -> dict[str, Any]:
        """The claim again, without what was left then."""
        event: dict[str, Any] = {"type": "claimed", "party": cell.by, "currency": card.data.currency}
        event.update(cell.value)
        return event

    def decide(self, card: Card, actor: Actor, action: str, params: Nothing, draw: int) -> Decision:
        """Give the actor the next share."""
        packet: RedPacketData = card.data
        if actor.party == SYSTEM_PARTY:
            raise TrunklineError(Code.FORBIDDEN, "name the party that claims", field="party")
        if packet.to and actor.party not in packet.to:
            raise TrunklineError(Code.FORBIDDEN, f"this red packet is not for {actor.party}")
        if card.direct and actor.party == card.creator:
            raise TrunklineError(Code.FORBIDDEN, "this red packet is for the other side")
        claimed, left = self._left(card)
        shares_left = packet.shares - claimed
        if shares_left < 1:
            raise TrunklineError(Code.NOTHING_LEFT, "all shares were claimed")
        if packet.split == "equal":
            amount = equal_share(packet.amount, packet.shares, claimed)
        else:
            amount = random_share(left, shares_left, draw)
        claim = {"amount": amount, "share": claimed}
        event = {
            "type": "claimed",
            "party": actor.party,
            "currency": packet.currency,
            **claim,
            "left": {"amount": left - amount, "shares": shares_left - 1},
        }
        ops: tuple[Op, ...] = (Op("claims", "first", actor.key, claim),)
        if shares_left == 1:
            return Decision((*ops, close_op(FINISHED)), event, closes=True)
        return Decision(ops, event)

    def end(self, card: Card, reason: str) -> Decision:
        """Refund what nobody claimed."""
        claimed, left = self._left(card)
        packet: RedPacketData = card.data
        event = {
            "type": "refunded",
            "party": card.creator,
            "currency": packet.currency,
            "amount": left,
            "shares": packet.shares - claimed,
        }
        return Decision((Op("refund", "first", "", {"amount": left}), close_op(reason)), event, closes=True)

    @staticmethod
    def _left(card: Card) -> tuple[int, int]:
        """How many shares were claimed, and what is left of the amount."""
        claims = card.state.cells("claims")
        return len(claims), card.data.amount - sum(cell.value["amount"] for cell in claims.values())
