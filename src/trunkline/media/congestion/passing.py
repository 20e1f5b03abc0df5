"""How many bits a second pass the narrowest place of a path, seen at its end.

Packets that were sent between two that arrived, and did not arrive themselves, are taken along: what is lost at random
took its turn at the bottleneck, too, and so a lossy path measures as evenly as a clean one. Pure. Not here: which
losses are random (``losses``).
"""

from __future__ import annotations

from collections import deque

WINDOW_S, MOST_WINDOW_S = 0.5, 2.0
WINDOW_PACKETS = 30
"""The average is over this many at least, or it would jump where little passes."""


CHANCE = 0.05
"""More may be lost than the path's own share by chance."""


class Passing:
    """What passes one path."""

    __slots__ = ("_arrivals", "_arrived_bits", "_lost_bits", "_waiting_bits")

    def __init__(self) -> None:
        self._arrivals: deque[tuple[float, int, int]] = deque()
        """When a packet arrived, its bits, and those lost between the one before and it."""
        self._arrived_bits = self._lost_bits = self._waiting_bits = 0

    def on_packet(self, size_bytes: int, arrived_s: float | None) -> None:
        """The next packet in order of sending; None: it did not arrive."""
        if arrived_s is None:
            self._waiting_bits += 8 * size_bytes
            return
        self._arrivals.append((arrived_s, 8 * size_bytes, self._waiting_bits))
        self._arrived_bits += 8 * size_bytes
        self._lost_bits += self._waiting_bits
        self._waiting_bits = 0
        while self._is_old():
            _, arrived_bits, lost_bits = self._arrivals.popleft()
            self._arrived_bits -= arrived_bits
            self._lost_bits -= lost_bits

    def _is_old(self) -> bool:
        span_s = self._arrivals[-1][0] - self._arrivals[0][0]
        return span_s > WINDOW_S and (len(self._arrivals) > WINDOW_PACKETS or span_s > MOST_WINDOW_S)

    def rate_bps(self, own_loss: float) -> float | None:
        """The rate; what is lost beyond ``own_loss`` and chance did not pass. None when too little arrived to say."""
        if len(self._arrivals) < 2:
            return None
        # The first packet only begins the interval.
        _, first_bits, first_lost_bits = self._arrivals[0]
        arrived_bits = self._arrived_bits - first_bits
        sent_bits = arrived_bits + self._lost_bits - first_lost_bits
        most_bits = arrived_bits / max(1 - own_loss - CHANCE, 0.1)
        span_s = max(self._arrivals[-1][0] - self._arrivals[0][0], WINDOW_S / 2)
        return min(sent_bits, most_bits) / span_s

    @property
    def sent_bps(self) -> float | None:
        """The same with everything that was lost."""
        return self.rate_bps(1.0)
