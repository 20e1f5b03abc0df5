"""Polls: one or several choices, open or anonymous, until a time.

``votes`` (last): voter -> chosen options. On an anonymous poll the voter is an alias that only the server can
compute, the entry's sender is ``bot/system``, and the entry carries no send id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from trunkline.domain.cards.card import Actor, Card, Decision
from trunkline.domain.cards.kinds.kind import CardKind, Title, own_cell, refuse, write
from trunkline.wire.cards import Cell

Option = Annotated[str, Meta(min_length=1, max_length=200)]


class PollData(Struct):
    """A question and its options; ``max_choices`` 0 means no limit beyond ``multiple``."""

    question: Title
    options: Annotated[list[Option], Meta(min_length=2, max_length=100)]
    multiple: bool = False
    max_choices: Annotated[int, Meta(ge=0, le=100)] = 0
    anonymous: bool = False


class Vote(Struct):
    """The options chosen, by position; none takes the vote back."""

    choices: Annotated[list[Annotated[int, Meta(ge=0, le=99)]], Meta(max_length=100)]


class Poll(CardKind):
    """A poll."""

    name = "poll"
    data_type = PollData
    actions: ClassVar[Mapping[str, type[Struct]]] = {"vote": Vote}

    def check(self, data: dict[str, Any]) -> PollData:
        """Options must differ."""
        poll: PollData = self.read(data)
        if len(set(poll.options)) != len(poll.options):
            refuse("two options are the same")
        return poll

    def text(self, data: PollData) -> str:
        """The question."""
        return data.question

    def anonymous(self, data: PollData) -> bool:
        """As its maker chose."""
        return data.anonymous

    def repeats(self, card: Card, actor: Actor, action: str, params: Vote) -> Cell | None:
        """The same vote again."""
        return own_cell(card, "votes", actor, sorted(set(params.choices)))

    def decide(self, card: Card, actor: Actor, action: str, params: Vote, draw: int) -> Decision:
        """Replace the voter's choices."""
        poll: PollData = card.data
        choices = sorted(set(params.choices))
        if choices and choices[-1] >= len(poll.options):
            refuse(f"there are {len(poll.options)} options, counted from 0", "value")
        most = (poll.max_choices or len(poll.options)) if poll.multiple else 1
        if len(choices) > most:
            refuse(f"at most {most} may be chosen", "value")
        return Decision((write("votes", actor, choices),), anonymous=poll.anonymous)
