"""What rooms ask of the index besides the log: who gave how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Given:
    """Gifts of one party, or of everybody: how many by quantity, and what they cost."""

    party: str
    count: int
    amount: int


class GiftTotals(NamedTuple):
    """The gifts of a room up to the entry ``seq``.

    Attributes:
        everybody: the sum, also of parties that were erased.
        givers: how many parties gave something.
        top: who gave most.
        one: the party that was asked for, if it gave something.
    """

    seq: int
    everybody: Given
    givers: int
    top: Sequence[Given]
    one: Given | None


class GiftIndex(Protocol):
    """Totals of gifts, as far as they are projected."""

    async def totals(self, app: str, room: str, party: str, limit: int) -> GiftTotals:
        """The sums of a room, the ``limit`` who gave most (by amount, count, name), and what one party gave."""
        ...
