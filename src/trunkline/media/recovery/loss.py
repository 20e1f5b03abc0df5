"""The share of packets that a path loses, as one number to decide by.

Counts come in small portions; they are folded at ``FOLD_PACKETS``. Loss that rises is believed within half a second,
loss that falls over several: too much protection costs some kilobits, too little costs words. Not here: what follows
from it (``depth``, ``repeats``).
"""

from __future__ import annotations

FOLD_PACKETS = 20
FOLD_S = 0.5
RISE = 0.6
FALL = 0.08


class LossMeter:
    """The loss of one path.

    Attributes:
        loss: smoothed share of packets that do not arrive, 0 to 1.
    """

    __slots__ = ("_folded_s", "_lost", "_total", "loss")

    def __init__(self) -> None:
        self.loss = 0.0
        self._lost = self._total = 0
        self._folded_s: float | None = None

    def on_counts(self, lost: int, total: int, now_s: float) -> bool:
        """Of ``total`` packets, ``lost`` did not arrive; whether ``loss`` has a new value."""
        if total <= 0:
            return False
        self._lost += lost
        self._total += total
        if self._folded_s is None:
            self._folded_s = now_s
        if self._total < FOLD_PACKETS and now_s - self._folded_s < FOLD_S:
            return False
        self.fold(self._lost / self._total, min(self._total / FOLD_PACKETS, 1.0))
        self._lost = self._total = 0
        self._folded_s = now_s
        return True

    def fold(self, loss: float, weight: float = 1.0) -> None:
        """Take a share in."""
        self.loss += (loss - self.loss) * weight * (RISE if loss > self.loss else FALL)
