"""When to find out whether a path takes more than is sent, and what a probe showed.

A probe is a short burst of padding on top of the media, at the rate that the next better layer would need. It is only
made when something wanted is not sent, and less often when the last ones failed. Pure: time is given in. Not here:
sending the padding (``sfu``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.media.congestion.history import Reported

DURATION_S = 0.12
PACKET_BYTES = 1100
MIN_PACKETS, MAX_PACKETS = 8, 60
FIRST_PAUSE_S, MAX_PAUSE_S = 1.0, 8.0
GROWTH = 1.6
"""A pause after a failed probe, times the one before."""
MOST_FACTOR, LEAST_FACTOR = 2.0, 1.25
"""Of the estimate: no probe asks for more, and none for less."""
PASSED = 0.85
"""A probe that arrives at this share of its rate came through."""
RESULT_S = 1.5


@dataclass(slots=True, frozen=True)
class Probe:
    """A burst to send.

    Attributes:
        cluster: marks its packets in the send history.
        bitrate_bps: at which rate.
        size_bytes: how much altogether.
    """

    cluster: int
    bitrate_bps: float
    size_bytes: int


class Prober:
    """The probes of one path."""

    __slots__ = ("_arrivals", "_cluster", "_next_s", "_pause_s", "_pending", "_since_s")

    def __init__(self) -> None:
        self._cluster = 0
        self._pause_s = FIRST_PAUSE_S
        self._next_s = 0.0
        self._since_s = 0.0
        self._pending: Probe | None = None
        self._arrivals: list[tuple[int, int]] = []

    @property
    def waits(self) -> bool:
        """Whether the result of a probe is awaited."""
        return self._pending is not None

    def wait(self, now_s: float) -> None:
        """The path was just full: no probe for a while."""
        self._next_s = max(self._next_s, now_s + self._pause_s)

    def next_probe(self, target_bps: float, missing_bps: float, now_s: float) -> Probe | None:
        """The probe to send now, if any: ``missing_bps`` is what a better layer would need in addition."""
        if self._pending is not None and now_s - self._since_s > RESULT_S:
            self._fail(now_s)
        if missing_bps <= 0 or self._pending is not None or now_s < self._next_s:
            return None
        wanted_bps = 1.1 * (target_bps + missing_bps)
        bitrate_bps = min(max(wanted_bps, LEAST_FACTOR * target_bps), MOST_FACTOR * target_bps)
        packets = min(max(int(bitrate_bps * DURATION_S / 8 / PACKET_BYTES), MIN_PACKETS), MAX_PACKETS)
        self._cluster += 1
        self._pending = Probe(self._cluster, bitrate_bps, packets * PACKET_BYTES)
        self._since_s = now_s
        self._arrivals.clear()
        return self._pending

    def on_reported(self, packets: Sequence[Reported], loss: float, now_s: float) -> float | None:
        """Feedback came: the rate that a probe showed, when it came through. ``loss``: what the path loses anyway."""
        probe = self._pending
        if probe is None:
            return None
        self._arrivals.extend(
            (packet.arrived_us, packet.size_bytes)
            for packet in packets
            if packet.cluster == probe.cluster and packet.arrived_us is not None
        )
        received = sum(size for _, size in self._arrivals)
        arriving = max(1 - loss, 0.2)
        if received < 0.8 * arriving * probe.size_bytes or len(self._arrivals) < 3:
            return None
        self._arrivals.sort()
        span_s = (self._arrivals[-1][0] - self._arrivals[0][0]) / 1e6
        # The first packet only begins the interval.
        rate_bps = 8 * (received - self._arrivals[0][1]) / arriving / span_s if span_s > 0 else probe.bitrate_bps
        if rate_bps < PASSED * probe.bitrate_bps:
            self._fail(now_s)
            return None
        self._pending = None
        self._pause_s = FIRST_PAUSE_S
        self._next_s = now_s + 0.3
        return min(rate_bps, probe.bitrate_bps)

    def _fail(self, now_s: float) -> None:
        self._pending = None
        self._pause_s = min(self._pause_s * GROWTH, MAX_PAUSE_S)
        self._next_s = now_s + self._pause_s
