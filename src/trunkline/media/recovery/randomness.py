"""Random loss told from congestion, on the way from a publisher to us.

A sender takes losses for congestion and slows down until little is left; on a path that loses at random that is
wrong. A congested path shows a queue before it loses: packets take longer than they did. While they do not, losses are
random, and the feedback to the publisher reports the packets that are missing as received (``masks``), so that it keeps
its rate while retransmissions repair. This bends what transport-wide feedback says, and can be switched off.

A policer drops without a queue. It is not masked for long: at more than ``MAX_MASKED`` the feedback is honest.

Pure: time is given in. Not here: the feedback's bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

WINDOW_S = 10.0
BUCKET_S = 0.5
QUEUE_S = 0.06
"""More delay than this above the least of the last seconds is a queue."""
UNMASK_S = 0.6
"""How long there has to be a queue before feedback is honest again."""
LEAST_MASKED, MAX_MASKED = 0.01, 0.6


class QueueGauge:
    """How much longer packets of one source take than the fastest of the last seconds.

    Attributes:
        queue_s: the delay above the least one, of the latest packet.
    """

    __slots__ = ("_buckets", "queue_s")

    def __init__(self) -> None:
        self._buckets: deque[tuple[float, float]] = deque()
        self.queue_s = 0.0

    def on_transit(self, transit_s: float, now_s: float) -> None:
        """A packet's arrival minus its timestamp, in seconds; only differences mean anything."""
        if not self._buckets or now_s - self._buckets[-1][0] >= BUCKET_S:
            self._buckets.append((now_s, transit_s))
            while now_s - self._buckets[0][0] > WINDOW_S:
                self._buckets.popleft()
        elif transit_s < self._buckets[-1][1]:
            self._buckets[-1] = (self._buckets[-1][0], transit_s)
        self.queue_s = transit_s - min(least for _, least in self._buckets)


def masks(queues_s: Iterable[float], loss: float) -> bool:
    """Whether missing packets are reported as received. The smallest queue counts: a source of its own may be late for
    other reasons (encoding, pacing), a queue on the path delays all of them.
    """
    least_s = min(queues_s, default=None)
    return least_s is not None and least_s < QUEUE_S and LEAST_MASKED <= loss <= MAX_MASKED
