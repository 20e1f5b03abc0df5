"""How many earlier audio frames each packet to a subscriber repeats, chosen from the loss that subscriber measures.

With independent loss ``p`` a frame sent with depth ``n`` goes out in ``n + 1`` packets and is missed with probability
``p ** (n + 1)``; the depth is the least one that brings this under ``TARGET``. Loss that rises is believed within
half a second, loss that falls over several: a depth too high costs some kilobits, one too low costs words.

Where it is measured: transport-wide feedback (several times a second), else receiver reports. Not here: the frames.
"""

from __future__ import annotations

import math

from trunkline.media.recovery.loss import LossMeter

MAX_DEPTH = 12
TARGET = 0.015
"""Frames that may stay missing: concealment hides single ones."""
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
    """

    __slots__ = ("_feedback_s", "_meter", "_stepped_s", "depth", "limit")

    def __init__(self, limit: int = MAX_DEPTH) -> None:
        if not 0 <= limit <= MAX_DEPTH:
            raise ValueError(f"a depth of {limit}")
        self.limit = limit
        self.depth = 0
        self._meter = LossMeter()
        self._stepped_s = self._feedback_s = -1e9

    @property
    def loss(self) -> float:
        """The smoothed share of packets that do not arrive."""
        return self._meter.loss

    def on_feedback(self, lost: int, total: int, now_s: float) -> None:
        """Of ``total`` packets reported on, ``lost`` did not arrive."""
        if total <= 0:
            return
        self._feedback_s = now_s
        if self._meter.on_counts(lost, total, now_s):
            self._choose(now_s)

    def on_report(self, fraction: float, now_s: float) -> None:
        """A receiver report told the share lost since the one before; they come seconds apart."""
        if now_s - self._feedback_s >= FEEDBACK_STALE_S:
            self._meter.fold(fraction)
            self._choose(now_s)

    def _choose(self, now_s: float) -> None:
        wanted = depth_for(self.loss, self.limit)
        if wanted >= self.depth:
            if wanted > self.depth:
                self._stepped_s = now_s
            self.depth = wanted
        elif now_s - self._stepped_s >= STEP_DOWN_S:
            self.depth -= 1
            self._stepped_s = now_s
