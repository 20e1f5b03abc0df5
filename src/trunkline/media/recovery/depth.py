"""How many earlier audio frames each packet to a subscriber repeats, chosen from the loss that subscriber measures.

With independent loss ``p`` a frame sent with depth ``n`` goes out in ``n + 1`` packets and is missed with probability
``p ** (n + 1)``; the depth is the least one that brings this under ``TARGET``. Loss that rises is believed within
half a second, loss that falls over several: a depth too high costs some kilobits, one too low costs words.

A depth of six reaches back an eighth of a second, one of twelve a quarter, and a player that waits so long for a frame
has nothing to play meanwhile. Where so much is lost, packets with less depth go out twice instead: a frame is there
after half the time.
Not on a path that is full, though: what is lost there is lost because so much is sent.

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
TWICE_FROM, ONCE_BELOW = 0.52, 0.42
"""Loss, as the meter has it, at which packets begin and cease to go out twice. It reads up to a tenth high."""
TWICE_TARGET = 0.005
"""Frames that may stay missing then: what is heard late is stretched, so nothing more should be missing."""


def depth_for(loss: float, limit: int = MAX_DEPTH, target: float = TARGET) -> int:
    """The least depth that brings the frames missed under the target."""
    if loss < NOTHING:
        return 0
    if loss >= 1:
        return limit
    return max(0, min(limit, math.ceil(math.log(target) / math.log(loss)) - 1))


class DepthController:
    """The depth for one subscriber.

    Args:
        limit: the greatest depth; 0 switches redundancy off.
        twice: packets may go out twice.

    Attributes:
        copies: of each packet now, 1 or 2.
        depth: earlier frames per packet now.
        full: the path has a queue.
    """

    __slots__ = ("_feedback_s", "_meter", "_stepped_s", "_twice", "copies", "depth", "full", "limit")

    def __init__(self, limit: int = MAX_DEPTH, *, twice: bool = False) -> None:
        if not 0 <= limit <= MAX_DEPTH:
            raise ValueError(f"a depth of {limit}")
        self.limit = limit
        self.depth = 0
        self.copies = 1
        self.full = False
        self._twice = twice
        self._meter = LossMeter()
        self._stepped_s = self._feedback_s = -1e9

    @property
    def loss(self) -> float:
        """The smoothed share of packets that do not arrive."""
        return self._meter.loss

    def on_feedback(self, lost: int, total: int, now_s: float, *, lost_twice: int = 0, twice: int = 0) -> None:
        """Of ``total`` packets reported on, ``lost`` did not arrive; of ``twice`` more, which went out twice, neither
        copy of ``lost_twice`` did.
        """
        if total + twice <= 0:
            return
        self._feedback_s = now_s
        if self._meter.on_counts(lost, total, now_s, lost_twice=lost_twice, twice=twice):
            self._choose(now_s)

    def on_report(self, fraction: float, now_s: float) -> None:
        """A receiver report told the share lost since the one before; they come seconds apart."""
        if now_s - self._feedback_s >= FEEDBACK_STALE_S:
            self._meter.fold(fraction ** (1 / self.copies))
            self._choose(now_s)

    def _choose(self, now_s: float) -> None:
        loss = self.loss
        if self._twice:
            much = loss >= (TWICE_FROM if self.copies == 1 else ONCE_BELOW)
            self.copies = 2 if much and not self.full else 1
        wanted = depth_for(loss, self.limit) if self.copies == 1 else depth_for(loss**2, self.limit, TWICE_TARGET)
        if wanted >= self.depth:
            if wanted > self.depth:
                self._stepped_s = now_s
            self.depth = wanted
        elif now_s - self._stepped_s >= STEP_DOWN_S:
            self.depth -= 1
            self._stepped_s = now_s
