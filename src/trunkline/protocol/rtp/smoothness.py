"""How steadily the frames of a video source arrive: how many came, and how often and how long the picture stood still.

As receivers count it: a picture is frozen when the next frame takes three times as long as usual, and 150 ms longer at
least. A source that was silent for longer than ``PAUSE_S`` was switched off, not frozen. Pure: time is given in. The
packet thread's twin is ``kernel/smoothness.c``.
"""

from __future__ import annotations

FREEZE_FACTOR = 3.0
FREEZE_S = 0.15
PAUSE_S = 5.0
SMOOTHING = 1 / 30


class Smoothness:
    """One source.

    Attributes:
        frames: that began to arrive.
        freezes: how often the picture stood still.
        frozen_s: for how long altogether.
    """

    __slots__ = ("_began_s", "_timestamp", "_usual_s", "frames", "freezes", "frozen_s")

    def __init__(self) -> None:
        self.frames = self.freezes = 0
        self.frozen_s = 0.0
        self._timestamp = 0
        self._began_s = 0.0
        self._usual_s: float | None = None

    def on_packet(self, timestamp: int, now_s: float) -> None:
        """A packet of a frame with this timestamp arrived."""
        if self.frames and not 0 < (timestamp - self._timestamp) & 0xFFFFFFFF < 1 << 31:
            return
        took_s = now_s - self._began_s
        if self.frames and took_s < PAUSE_S:
            usual_s = self._usual_s
            if usual_s is not None and took_s > max(FREEZE_FACTOR * usual_s, usual_s + FREEZE_S):
                self.freezes += 1
                self.frozen_s += took_s
            else:
                self._usual_s = took_s if usual_s is None else usual_s + (took_s - usual_s) * SMOOTHING
        self.frames += 1
        self._timestamp, self._began_s = timestamp, now_s

    def restore(self, frames: int, freezes: int, frozen_s: float) -> None:
        """As the packet thread counted."""
        self.frames, self.freezes, self.frozen_s = frames, freezes, frozen_s
