"""Telling a publisher which of its layers anybody wants (what LiveKit calls dynacast).

More is told at once; less only after a while, since a subscriber that looks away for a moment comes back, and a layer
that was switched off takes a key frame to begin again. Pure: time is given in.
"""

from __future__ import annotations

from dataclasses import dataclass

LESS_AFTER_S = 5.0


@dataclass(slots=True)
class Demand:
    """What is wanted of one track.

    Attributes:
        told: the highest layer the publisher was told to send; None for none.
    """

    told: int | None
    _lower: int | None = None
    _lower_since_s: float | None = None

    def update(self, wanted: int | None, now_s: float) -> bool:
        """Note what is wanted now; whether the publisher is to be told (``told`` has changed)."""
        if wanted == self.told:
            self._lower_since_s = None
            return False
        if self.told is None or (wanted is not None and wanted > self.told):
            self.told = wanted
            self._lower_since_s = None
            return True
        if self._lower_since_s is None or wanted != self._lower:
            # The time counts from the first moment at which less than now would have been enough.
            self._lower_since_s = now_s if self._lower_since_s is None else self._lower_since_s
            self._lower = wanted
        if now_s - self._lower_since_s < LESS_AFTER_S:
            return False
        self.told = wanted
        self._lower_since_s = None
        return True
