"""The part of the registry (see ``registry``) that is about cards."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.services.operation import Audience
from trunkline.wire.calls import cards, messages

SENT = messages.MessageSent("team", 7, 3, 1000)
ACTED = cards.CardActed(conversation="team", epoch=7, seq=4, at_ms=1001)
VIEW = cards.CardView(
    conversation="team", epoch=7, seq=3, at_ms=1000, sender="user/u1", kind="poll", data={}, as_of=3, mine="user/u1"
)

_EVERYONE = Audience.EVERYONE

CARD_TABLE: tuple[tuple[str, type[msgspec.Struct], type[msgspec.Struct], Any, str, Audience], ...] = (
    ("card.create", cards.CardCreate, messages.MessageSent, SENT, "messages", _EVERYONE),
    ("card.act", cards.CardAct, cards.CardActed, ACTED, "messages", _EVERYONE),
    ("card.get", cards.CardGet, cards.CardView, VIEW, "messages", _EVERYONE),
    ("card.list", cards.CardList, cards.Cards, cards.Cards("team", [VIEW]), "messages", _EVERYONE),
)
