"""The share of packets that a path loses, as one number to decide by.

Counts come in small portions; they are folded at ``FOLD_PACKETS``. Loss that rises is believed within half a second,
loss that falls over several: too much protection costs some kilobits, too little costs words. Of packets sent twice
only the loss of both shows: with independent losses the square of what the path loses. Not here: what follows from it
(``depth``, ``repeats``).
"""

from __future__ import annotations

import math

FOLD_PACKETS = 20
FOLD_S = 0.5
RISE = 0.6
FALL = 0.08


class LossMeter:
    """The loss of one path.

    Attributes:
        loss: smoothed share of packets that do not arrive, 0 to 1.
    """

    __slots__ = ("_folded_s", "_lost", "_lost_twice", "_total", "_twice", "loss")

    def __init__(self) -> None:
        self.loss = 0.0
        self._lost = self._total = self._lost_twice = self._twice = 0
        self._folded_s: float | None = None

    def on_counts(self, lost: int, total: int, now_s: float, *, lost_twice: int = 0, twice: int = 0) -> bool:
        """Of ``total`` packets, ``lost`` did not arrive, and neither did both copies of ``lost_twice`` out of ``twice``
        more; whether ``loss`` has a new value.
        """
        if total + twice <= 0:
            return False
        self._lost += lost
        self._total += total
        self._lost_twice += lost_twice
        self._twice += twice
        if self._folded_s is None:
            self._folded_s = now_s
        packets = self._total + self._twice
        if packets < FOLD_PACKETS and now_s - self._folded_s < FOLD_S:
            return False
        share = (self._lost + math.sqrt(self._lost_twice * self._twice)) / packets
        self.fold(share, min(packets / FOLD_PACKETS, 1.0))
        self._lost = self._total = self._lost_twice = self._twice = 0
        self._folded_s = now_s
        return True

    def fold(self, loss: float, weight: float = 1.0) -> None:
        """Take a share in."""
        self.loss += (loss - self.loss) * weight * (RISE if loss > self.loss else FALL)
