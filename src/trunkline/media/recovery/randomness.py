"""Random loss told from congestion, on the way from a publisher to us.

A sender takes losses for congestion and slows down until little is left; on a path that loses at random that is
wrong. A congested path shows a queue before it loses: packets take longer than they did. What is lost while they do not
is random, and as much is random while there is a queue, too: the feedback to the publisher reports the packets that are
missing as received (``masks``), so that it keeps its rate while retransmissions repair. When arrivals are late it sees
that itself, for times are told as they are; only losses that come with the queue have to be told as well. This bends
what transport-wide feedback says, and can be switched off.

A policer drops without a queue. At more than ``MAX_MASKED`` the feedback is honest.

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


def is_prompt(queues_s: Iterable[float]) -> bool | None:
    """Whether packets come without a queue; None when none came. The smallest queue counts: a source of its own may be
    late for other reasons (encoding, pacing), a queue on the path delays all of them.
    """
    least_s = min(queues_s, default=None)
    return None if least_s is None else least_s < QUEUE_S


def masks(prompt: bool | None, loss: float, excess: float) -> bool:
    """Whether missing packets are reported as received. ``excess``: what is lost beyond the path's own loss."""
    return prompt is not None and (prompt or not excess) and LEAST_MASKED <= loss <= MAX_MASKED
