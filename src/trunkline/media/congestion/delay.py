"""Whether a queue grows on the path to a subscriber, seen in how the spacing of packets changes on their way.

As Google Congestion Control does it (draft-ietf-rmcat-gcc-02 section 5): packets sent in one burst count together;
what each burst is delayed more than the one before is summed and smoothed, and the slope of that over the latest bursts
is held against a threshold that adapts. In addition the delay above the least one of the last seconds is kept: a queue
that stands still has no slope. Pure. Not here: what follows (``estimate``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum

from trunkline.media.congestion.history import Reported

BURST_S = 0.005
WINDOW_BURSTS = 20
SMOOTHING = 0.9
GAIN = 4.0
MAX_DELTAS = 60
THRESHOLD_MS, LEAST_THRESHOLD_MS, MOST_THRESHOLD_MS = 12.5, 6.0, 600.0
THRESHOLD_UP, THRESHOLD_DOWN = 0.0087, 0.039
OVERUSE_S = 0.01
"""How long the slope has to be above the threshold."""
STANDING_S = 0.2
"""A queue of this length is overuse even when it does not grow."""
LEAST_QUEUE_S = 0.02
"""A queue delays every packet of a feedback by this much at least; where the last ones were prompt, the receiver merely
stalled for a moment."""
BASE_WINDOW_S = 20.0
BASE_BUCKET_S = 1.0


class Usage(Enum):
    """What the path is asked for, compared with what it can take."""

    UNDER = "under"
    NORMAL = "normal"
    OVER = "over"


class _Burst:
    __slots__ = ("arrived_s", "first_s", "sent_s")

    def __init__(self, sent_s: float, arrived_s: float) -> None:
        self.first_s = self.sent_s = sent_s
        self.arrived_s = arrived_s


class DelayTrend:
    """The queue on one path.

    Attributes:
        usage: what the latest packets say.
        queue_s: delay of the latest packet above the least of the last seconds.
    """

    __slots__ = (
        "_accumulated_ms",
        "_base",
        "_burst",
        "_deltas",
        "_over_s",
        "_points",
        "_previous",
        "_slope",
        "_smoothed_ms",
        "_threshold_ms",
        "_updated_s",
        "queue_s",
        "usage",
    )

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.queue_s = 0.0
        self._burst: _Burst | None = None
        self._previous: _Burst | None = None
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW_BURSTS)
        self._accumulated_ms = self._smoothed_ms = 0.0
        self._deltas = 0
        self._slope = 0.0
        self._over_s = 0.0
        self._threshold_ms = THRESHOLD_MS
        self._updated_s: float | None = None
        self._base: deque[tuple[float, float]] = deque()

    def on_packets(self, packets: Sequence[Reported]) -> Usage:
        """Packets that arrived, in order of sending; those that did not are passed over."""
        least_s: float | None = None
        for packet in packets:
            if packet.arrived_us is not None and not packet.again:
                self._on_packet(packet.sent_s, packet.arrived_us / 1e6)
                least_s = self.queue_s if least_s is None else min(least_s, self.queue_s)
        if least_s is None:
            return self.usage
        if least_s > STANDING_S:
            self.usage = Usage.OVER
        elif self.usage is Usage.OVER and least_s < LEAST_QUEUE_S:
            self.usage = Usage.NORMAL
        return self.usage

    def forget(self) -> None:
        """The path or what is sent changed: slopes from before mean nothing."""
        self._points.clear()
        self._burst = self._previous = None
        self._over_s = 0.0
        self.usage = Usage.NORMAL

    def _on_packet(self, sent_s: float, arrived_s: float) -> None:
        self._note_queue(sent_s, arrived_s)
        burst = self._burst
        if burst is None:
            self._burst = _Burst(sent_s, arrived_s)
            return
        if sent_s < burst.first_s:
            return
        if sent_s - burst.first_s <= BURST_S:
            burst.sent_s = max(burst.sent_s, sent_s)
            burst.arrived_s = max(burst.arrived_s, arrived_s)
            return
        if self._previous is not None:
            self._compare(self._previous, burst)
        self._previous, self._burst = burst, _Burst(sent_s, arrived_s)

    def _note_queue(self, sent_s: float, arrived_s: float) -> None:
        transit_s = arrived_s - sent_s
        if not self._base or sent_s - self._base[-1][0] >= BASE_BUCKET_S:
            self._base.append((sent_s, transit_s))
            while sent_s - self._base[0][0] > BASE_WINDOW_S:
                self._base.popleft()
        elif transit_s < self._base[-1][1]:
            self._base[-1] = (self._base[-1][0], transit_s)
        self.queue_s = transit_s - min(least for _, least in self._base)

    def _compare(self, earlier: _Burst, later: _Burst) -> None:
        delta_ms = 1000 * ((later.arrived_s - earlier.arrived_s) - (later.sent_s - earlier.sent_s))
        self._deltas = min(self._deltas + 1, MAX_DELTAS)
        self._accumulated_ms += delta_ms
        self._smoothed_ms = SMOOTHING * self._smoothed_ms + (1 - SMOOTHING) * self._accumulated_ms
        self._points.append((1000 * later.arrived_s, self._smoothed_ms))
        if len(self._points) < WINDOW_BURSTS // 2:
            return
        slope = _slope(self._points)
        self._detect(slope, later.sent_s - earlier.sent_s, later.arrived_s)
        self._slope = slope

    def _detect(self, slope: float, passed_s: float, now_s: float) -> None:
        trend_ms = slope * self._deltas * GAIN
        if trend_ms > self._threshold_ms:
            self._over_s += passed_s
            if self._over_s > OVERUSE_S and slope >= self._slope:
                self._over_s = 0.0
                self.usage = Usage.OVER
        else:
            self._over_s = 0.0
            self.usage = Usage.UNDER if trend_ms < -self._threshold_ms else Usage.NORMAL
        self._adapt(abs(trend_ms), now_s)

    def _adapt(self, trend_ms: float, now_s: float) -> None:
        """The threshold follows the trend, so that a path that is always uneven is not taken for a full one."""
        passed_ms = min(1000 * (now_s - self._updated_s), 100.0) if self._updated_s is not None else 0.0
        self._updated_s = now_s
        if trend_ms > self._threshold_ms + 15:
            return  # a sudden jump, as when the route changed
        pace = THRESHOLD_DOWN if trend_ms < self._threshold_ms else THRESHOLD_UP
        self._threshold_ms += pace * (trend_ms - self._threshold_ms) * passed_ms
        self._threshold_ms = min(max(self._threshold_ms, LEAST_THRESHOLD_MS), MOST_THRESHOLD_MS)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    under = sum((x - mean_x) ** 2 for x, _ in points)
    return over / under if under else 0.0
