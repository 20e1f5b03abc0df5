"""How many earlier audio frames each packet to a subscriber repeats, chosen from the loss that subscriber measures.

With independent loss ``p`` a frame sent with depth ``n`` goes out in ``n + 1`` packets and is missed with probability
``p ** (n + 1)``; the depth is the least one that brings this under ``TARGET``. Loss that rises is believed within
half a second, loss that falls over several: a depth too high costs some kilobits, one too low costs words.

Where it is measured: transport-wide feedback (several times a second), else receiver reports. Not here: the frames.
"""

from __future__ import annotations

import math

MAX_DEPTH = 12
TARGET = 0.015
"""Frames that may stay missing: concealment hides single ones."""
FOLD_PACKETS = 20
FOLD_S = 0.5
RISE = 0.6
FALL = 0.08
STEP_DOWN_S = 1.0
FEEDBACK_STALE_S = 3.0
"""Reports count only when finer feedback has been missing for so long."""
NOTHING = 0.004
"""Loss below this is taken for none."""


def depth_for(loss: float, limit: int = MAX_DEPTH) -> int:
    """The least depth that brings the frames missed under the target."""
    if loss < NOTHING:
        return 0
    if loss >= 1:
        return limit
    return max(0, min(limit, math.ceil(math.log(TARGET) / math.log(loss)) - 1))


class DepthController:
    """The depth for one subscriber.

    Args:
        limit: the greatest depth; 0 switches redundancy off.

    Attributes:
        depth: earlier frames per packet now.
        loss: the smoothed share of packets that do not arrive.
    """

    __slots__ = ("_feedback_s", "_folded_s", "_lost", "_stepped_s", "_total", "depth", "limit", "loss")

    def __init__(self, limit: int = MAX_DEPTH) -> None:
        if not 0 <= limit <= MAX_DEPTH:
            raise ValueError(f"a depth of {limit}")
        self.limit = limit
        self.depth = 0
        self.loss = 0.0
        self._lost = self._total = 0
        self._folded_s: float | None = None
        self._stepped_s = self._feedback_s = -1e9

    def on_feedback(self, lost: int, total: int, now_s: float) -> None:
        """Of ``total`` packets reported on, ``lost`` did not arrive."""
        if total <= 0:
            return
        self._feedback_s = now_s
        self._lost += lost
        self._total += total
        if self._folded_s is None:
            self._folded_s = now_s
        if self._total >= FOLD_PACKETS or now_s - self._folded_s >= FOLD_S:
            self._fold(self._lost / self._total, min(self._total / FOLD_PACKETS, 1.0), now_s)
            self._lost = self._total = 0
            self._folded_s = now_s

    def on_report(self, fraction: float, now_s: float) -> None:
        """A receiver report told the share lost since the one before; they come seconds apart."""
        if now_s - self._feedback_s >= FEEDBACK_STALE_S:
            self._fold(fraction, 1.0, now_s)

    def _fold(self, loss: float, weight: float, now_s: float) -> None:
        self.loss += (loss - self.loss) * weight * (RISE if loss > self.loss else FALL)
        wanted = depth_for(self.loss, self.limit)
        if wanted >= self.depth:
            if wanted > self.depth:
                self._stepped_s = now_s
            self.depth = wanted
        elif now_s - self._stepped_s >= STEP_DOWN_S:
            self.depth -= 1
            self._stepped_s = now_s
