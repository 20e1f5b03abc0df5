"""Combos and totals of gifts, folded from a room's log: every device that has the same entries shows the same.

A combo is a run of the same gift from one giver to one receiver, each at most ``COMBO_MS`` after the one before.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.wire.room_items import Gift

COMBO_MS = 5_000


@dataclass(slots=True)
class Combo:
    """A run of gifts.

    Attributes:
        count: gifts in it, by quantity.
        amount: what they cost together.
    """

    giver: str
    gift: str
    to: str
    began_ms: int
    last_ms: int
    count: int = 0
    amount: int = 0


@dataclass(slots=True, frozen=True)
class Total:
    """What one giver gave."""

    giver: str
    count: int
    amount: int


class GiftBoard:
    """Combos and totals of the entries it was given.

    Attributes:
        seq: of the last entry taken; earlier ones are ignored, so that nothing counts twice.
        count: gifts, by quantity.
        amount: what they cost together.
    """

    __slots__ = ("_combos", "_givers", "amount", "count", "seq")

    def __init__(self) -> None:
        self.seq = 0
        self.count = 0
        self.amount = 0
        self._givers: dict[str, Total] = {}
        self._combos: dict[tuple[str, str, str], Combo] = {}

    def add(self, seq: int, at_ms: int, giver: str, gift: Gift) -> Combo | None:
        """Take the entry with this seq: the combo it belongs to; None when it was taken before."""
        if seq <= self.seq:
            return None
        self.seq = seq
        amount = gift.amount * gift.quantity
        self.count += gift.quantity
        self.amount += amount
        before = self._givers.get(giver, Total(giver, 0, 0))
        self._givers[giver] = Total(giver, before.count + gift.quantity, before.amount + amount)
        self._forget(at_ms)
        key = (giver, gift.gift, gift.to)
        combo = self._combos.get(key)
        if combo is None:
            combo = self._combos[key] = Combo(giver, gift.gift, gift.to, at_ms, at_ms)
        combo.last_ms = at_ms
        combo.count += gift.quantity
        combo.amount += amount
        return combo

    def _forget(self, now_ms: int) -> None:
        """Drop combos that are over; a room's entries have times that never go back."""
        for key in [key for key, combo in self._combos.items() if now_ms - combo.last_ms > COMBO_MS]:
            del self._combos[key]

    def top(self, limit: int = 10) -> list[Total]:
        """Who gave most, by amount, then by count; equals by name."""
        ranked = sorted(self._givers.values(), key=lambda total: (-total.amount, -total.count, total.giver))
        return ranked[:limit]
