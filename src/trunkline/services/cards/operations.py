"""Operations on cards."""

from __future__ import annotations

from trunkline.services.cards.acting import Acting
from trunkline.services.cards.reading import CardReader
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import cards as calls
from trunkline.wire.calls.messages import MessageSent

SCOPE = "messages"


def operations(acting: Acting, reader: CardReader) -> list[Operation]:
    """What one can do with cards."""
    every = Audience.EVERYONE
    return [
        Operation("card.create", calls.CardCreate, MessageSent, acting.create, SCOPE, "Put up a card", every),
        Operation("card.act", calls.CardAct, calls.CardActed, acting.act, SCOPE, "Act on a card", every),
        Operation("card.get", calls.CardGet, calls.CardView, reader.get, SCOPE, "Read a card", every, writes=False),
        Operation("card.list", calls.CardList, calls.Cards, reader.page, SCOPE, "List cards", every, writes=False),
    ]
