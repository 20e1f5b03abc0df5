"""How much of what a path loses is its own: lost at random, whatever is sent.

What is lost while the packets around it are prompt is not lost to a full queue. Counts come by feedback; where none of
its packets arrived, the next one decides. Pure. Not here: what follows (``estimate``).
"""

from __future__ import annotations

import math

OWN_PACKETS = 200
"""The path's own loss is averaged over about so many."""
RECENT_PACKETS = 50
STEP, SIGMAS = 0.1, 3.0
"""More loss than the path's own: by this much, and by so many deviations of chance."""


class Losses:
    """The losses of one path.

    Attributes:
        own: the share that is lost whatever is sent.
    """

    __slots__ = ("_before", "_lost", "_seen", "_total", "_undecided", "own")

    def __init__(self) -> None:
        self.own = 0.0
        self._seen = 0.0
        self._undecided = (0, 0)
        self._lost = self._total = 0
        self._before = (0, 0)

    def on_counts(self, lost: int, total: int, *, prompt: bool | None) -> None:
        """Of ``total`` packets ``lost`` did not arrive; ``prompt``: the others had no queue, None: there are none."""
        self._lost += lost
        self._total += total
        if self._total >= RECENT_PACKETS // 2:
            self._before = self._lost, self._total
            self._lost = self._total = 0
        lost, total = lost + self._undecided[0], total + self._undecided[1]
        self._undecided = (lost, total) if prompt is None else (0, 0)
        if prompt:
            self._learn(lost, total)

    def _learn(self, lost: int, total: int) -> None:
        self._seen = min(self._seen + total, OWN_PACKETS)
        self.own += (lost / total - self.own) * min(total / max(self._seen, RECENT_PACKETS), 1.0)

    def accept(self, own: float) -> None:
        """Sending less has shown what the path loses anyway."""
        self.own = own

    @property
    def recent(self) -> float:
        """The share lost of the latest packets."""
        total = self._total + self._before[1]
        return (self._lost + self._before[0]) / total if total else 0.0

    @property
    def excess(self) -> float:
        """What was lost lately beyond the path's own, if that is more than chance; 0 otherwise."""
        total = self._total + self._before[1]
        if total < RECENT_PACKETS // 2:
            return 0.0
        beyond = self.recent - self.own
        chance = math.sqrt(max(self.own * (1 - self.own), 0.01) / total)
        return beyond if beyond > max(STEP, SIGMAS * chance) else 0.0
