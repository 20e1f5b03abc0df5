"""The registry of card kinds, and the form in which a card is stored."""

from __future__ import annotations

from typing import Any, NamedTuple

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.kinds.approval import Approval
from trunkline.domain.cards.kinds.custom import Custom
from trunkline.domain.cards.kinds.event import Event
from trunkline.domain.cards.kinds.form import Form
from trunkline.domain.cards.kinds.kind import CardKind
from trunkline.domain.cards.kinds.location import LiveLocation, Location
from trunkline.domain.cards.kinds.poll import Poll
from trunkline.domain.cards.kinds.red_packet import RedPacket
from trunkline.domain.cards.kinds.todo import Todo

CARD_KINDS: dict[str, CardKind] = {
    kind.name: kind
    for kind in (Poll(), Event(), Location(), LiveLocation(), Todo(), Approval(), Form(), RedPacket(), Custom())
}


class NewCard(NamedTuple):
    """A card to be made: the content of its entry, and how long it is open (0 = without end)."""

    content: dict[str, Any]
    open_ms: int


def kind_named(name: str) -> CardKind:
    """A registered kind.

    Raises:
        TrunklineError: ``UNKNOWN_CARD_ACTION``.
    """
    kind = CARD_KINDS.get(name)
    if kind is None:
        known = ", ".join(CARD_KINDS)
        raise TrunklineError(Code.UNKNOWN_CARD_ACTION, f"kinds of card are {known}; not {name[:64]!r}", field="kind")
    return kind


def check_recallable(content: dict[str, Any]) -> None:
    """Refuse to take a card back that holds what belongs to others.

    Raises:
        TrunklineError: ``TARGET_UNAVAILABLE``.
    """
    kind = CARD_KINDS.get(content.get("kind", ""))
    if kind is not None and not kind.recallable:
        raise TrunklineError(Code.TARGET_UNAVAILABLE, f"a {kind.name} cannot be taken back", field="seq")


def new_card(name: str, data: dict[str, Any], closes_at_ms: int, closes_in_ms: int, now_ms: int) -> NewCard:
    """Check a card that is to be made.

    Raises:
        TrunklineError: ``UNKNOWN_CARD_ACTION``, ``INVALID_CONTENT``, ``INVALID_PARAMS`` or ``TOO_LATE``.
    """
    kind = kind_named(name)
    checked = kind.check(data)
    content: dict[str, Any] = {"kind": name, "text": kind.text(checked), "data": data}
    if closes_at_ms and closes_in_ms:
        raise TrunklineError(Code.INVALID_PARAMS, "name closes_at_ms or closes_in_ms, not both", field="closes_in_ms")
    open_ms = closes_in_ms or kind.default_open_ms
    if closes_at_ms:
        if closes_at_ms <= now_ms:
            raise TrunklineError(Code.TOO_LATE, "closes_at_ms has passed", field="closes_at_ms")
        content["closes_at_ms"] = closes_at_ms
        open_ms = closes_at_ms - now_ms
    if open_ms > kind.longest_open_ms:
        field = "closes_at_ms" if closes_at_ms else "closes_in_ms"
        longest_h = kind.longest_open_ms // 3_600_000
        raise TrunklineError(Code.INVALID_PARAMS, f"a {name} card is open for at most {longest_h} hours", field=field)
    return NewCard(content, open_ms)
