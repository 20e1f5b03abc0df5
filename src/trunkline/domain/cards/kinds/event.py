"""Calendar events with answers.

``rsvp`` (last): party -> {answer, guests, note}. ``details`` (last): what was changed since, by attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.card import Actor, Card, Decision
from trunkline.domain.cards.kinds.kind import CardKind, Note, Time, Title, own_cell, refuse, write
from trunkline.wire.cards import Cell, Op

Place = Annotated[str, Meta(max_length=500)]


class EventData(Struct):
    """When, where and for how many (``capacity`` 0: any number)."""

    title: Title
    starts_at_ms: Time
    ends_at_ms: Time = 0
    timezone: Annotated[str, Meta(max_length=64)] = ""
    place: Place = ""
    description: Note = ""
    capacity: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Rsvp(Struct):
    """An answer; ``guests`` come along."""

    answer: Literal["yes", "no", "maybe"]
    guests: Annotated[int, Meta(ge=0, le=50)] = 0
    note: Annotated[str, Meta(max_length=500)] = ""


class Update(Struct, omit_defaults=True):
    """What changes; the rest stays."""

    title: Title | UnsetType = UNSET
    starts_at_ms: Time | UnsetType = UNSET
    ends_at_ms: Time | UnsetType = UNSET
    place: Place | UnsetType = UNSET
    description: Note | UnsetType = UNSET


class Event(CardKind):
    """A calendar event."""

    name = "event"
    data_type = EventData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"rsvp": Rsvp, "update": Update}

    def check(self, data: dict[str, Any]) -> EventData:
        """It does not end before it starts."""
        event: EventData = self.read(data)
        if event.ends_at_ms and event.ends_at_ms < event.starts_at_ms:
            refuse("it ends before it starts")
        return event

    def repeats(self, card: Card, actor: Actor, action: str, params: Any) -> Cell | None:
        """The same answer again."""
        return own_cell(card, "rsvp", actor, msgspec.to_builtins(params)) if action == "rsvp" else None

    def decide(self, card: Card, actor: Actor, action: str, params: Any, draw: int) -> Decision:
        """An answer within the capacity, or new details by who made the event."""
        if action == "update":
            return self._update(card, actor, params)
        capacity = card.data.capacity
        if capacity and params.answer == "yes":
            others = sum(
                1 + cell.value["guests"]
                for party, cell in card.state.cells("rsvp").items()
                if cell.value and cell.value["answer"] == "yes" and party != actor.key
            )
            if others + 1 + params.guests > capacity:
                raise TrunklineError(Code.LIMIT_EXCEEDED, f"{others} of {capacity} places are taken", field="value")
        return Decision((write("rsvp", actor, msgspec.to_builtins(params)),))

    @staticmethod
    def _update(card: Card, actor: Actor, params: Update) -> Decision:
        if actor.party != card.creator and actor.rank < 2 and not actor.server:
            raise TrunklineError(Code.FORBIDDEN, "who made the event or manages the conversation changes it")
        changed = msgspec.to_builtins(params)
        if not changed:
            refuse("name something to change", "value")
        details = {name: cell.value for name, cell in card.state.cells("details").items()}
        times = {"starts_at_ms": card.data.starts_at_ms, "ends_at_ms": card.data.ends_at_ms} | details | changed
        if times["ends_at_ms"] and times["ends_at_ms"] < times["starts_at_ms"]:
            refuse("it ends before it starts", "value")
        return Decision(tuple(Op("details", "last", name, value) for name, value in changed.items()))
