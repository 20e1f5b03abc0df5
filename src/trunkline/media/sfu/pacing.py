"""One subscriber's packets spread over time, so that a key frame does not fill the narrowest queue on its path.

Sound leaves at once, always; what it takes is missing to pictures for a moment. Then come packets that were asked for
again, then pictures; a probe sends what waits before it pads. What is sent is a debt that is paid off at the rate
given; above a burst of it packets wait. Nobody waits longer than ``DRAIN_S``: a longer queue leaves faster. Pure: time
is given in. Not here: the rate (``bandwidth``), what a packet is sent as (``downtrack``). The packet thread's twin is
``kernel/pacing.c``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntEnum

BURST_S = 0.02
LEAST_BURST_BYTES = 2400
DRAIN_S = 0.25
MAX_WAITING = 1024
"""Packets; with more the oldest leaves whatever the debt."""

Send = Callable[[float, int], None]
"""Sends a packet now, as part of a probe (0: of none)."""


class Lane(IntEnum):
    """What leaves first."""

    REPAIR = 0
    VIDEO = 1


class Pacer:
    """The queue of one subscriber. Without a rate nothing waits."""

    __slots__ = ("_debt_bytes", "_lanes", "_rate_bps", "_updated_s", "waiting_bytes")

    def __init__(self) -> None:
        self._rate_bps = 0.0
        self._debt_bytes = 0.0
        self._updated_s = 0.0
        self._lanes: tuple[deque[tuple[Send, int]], ...] = tuple(deque() for _ in Lane)
        self.waiting_bytes = 0

    @property
    def waiting(self) -> int:
        """Packets that wait."""
        return sum(map(len, self._lanes))

    def set_rate(self, bitrate_bps: float | None) -> None:
        """Let packets leave at this rate; None: at once. What waits leaves when ``release`` is called next."""
        if not self._rate_bps:
            self._debt_bytes = 0.0
        self._rate_bps = bitrate_bps or 0.0

    def holds(self, now_s: float) -> bool:
        """Whether a packet that may wait has to."""
        if not self._rate_bps:
            return self.waiting > 0
        self._pay(now_s)
        return self.waiting > 0 or self._debt_bytes >= self._burst_bytes()

    def note(self, size_bytes: int, now_s: float) -> None:
        """A packet was sent without waiting."""
        if self._rate_bps:
            self._pay(now_s)
            self._debt_bytes += size_bytes

    def put(self, lane: Lane, send: Send, size_bytes: int, now_s: float) -> None:
        """A packet waits."""
        self._lanes[lane].append((send, size_bytes))
        self.waiting_bytes += size_bytes
        if self.waiting > MAX_WAITING:
            self._leave(now_s, 0)

    def release(self, now_s: float) -> None:
        """Send what may leave now; to be called every few milliseconds."""
        if not self.waiting:
            return
        self._pay(now_s)
        while self.waiting and (not self._rate_bps or self._debt_bytes < self._burst_bytes()):
            self._leave(now_s, 0)

    def spend(self, size_bytes: int, cluster: int, now_s: float) -> int:
        """Send what waits as part of a probe, so many bytes of it: how many there were."""
        sent = 0
        while self.waiting and sent < size_bytes:
            sent += self._leave(now_s, cluster)
        return sent

    def _pay(self, now_s: float) -> None:
        paid_bytes = max(now_s - self._updated_s, 0.0) * self._pace_bps() / 8
        self._debt_bytes = max(self._debt_bytes - paid_bytes, 0.0)
        self._updated_s = now_s

    def _pace_bps(self) -> float:
        return max(self._rate_bps, 8 * self.waiting_bytes / DRAIN_S)

    def _burst_bytes(self) -> float:
        return max(self._pace_bps() / 8 * BURST_S, LEAST_BURST_BYTES)

    def _leave(self, now_s: float, cluster: int) -> int:
        """Send the next packet: its size."""
        send, size_bytes = next(lane for lane in self._lanes if lane).popleft()
        self.waiting_bytes -= size_bytes
        self._debt_bytes += size_bytes
        send(now_s, cluster)
        return size_bytes
