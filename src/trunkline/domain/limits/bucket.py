"""Token buckets: a steady rate with room for a burst. Time is an argument.

A bucket begins full, refills at ``Rate.per_s`` up to ``Rate.burst``, and every request takes from it.
A request it cannot cover takes nothing, so a caller that keeps asking is not punished further.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_s`` requests a second on average, up to ``burst`` at once. ``per_s`` 0 means unlimited."""

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_s) and self.per_s >= 0):
            raise ValueError("per_s must be a finite number, 0 or more")
        if self.per_s > 0 and self.burst < 1:
            raise ValueError("burst must be at least 1")

    @property
    def unlimited(self) -> bool:
        """Whether nothing is ever refused."""
        return self.per_s == 0


class Verdict(NamedTuple):
    """What a bucket answered.

    ``remaining`` whole requests are left now; ``retry_after_s`` is how long until this request would
    pass (0 when it passed); ``full_after_s`` is how long until the bucket is full again.
    """

    allowed: bool
    remaining: int
    retry_after_s: float
    full_after_s: float


class Bucket:
    """One caller's bucket."""

    __slots__ = ("_at_s", "_level")

    def __init__(self, rate: Rate, now_s: float) -> None:
        self._level = float(rate.burst)
        self._at_s = now_s

    def take(self, rate: Rate, now_s: float, cost: int = 1) -> Verdict:
        """Take ``cost`` tokens if they are there.

        The rate is passed each time, so that a changed configuration holds at once. A clock that
        stands still or goes back refills nothing. A cost above the burst passes on a full bucket,
        which then goes into debt; otherwise it could never pass.
        """
        if rate.unlimited:
            return Verdict(True, 0, 0.0, 0.0)
        elapsed_s = now_s - self._at_s
        if elapsed_s > 0:
            self._at_s = now_s
            self._level += elapsed_s * rate.per_s
        self._level = min(self._level, float(rate.burst))
        needed = min(cost, rate.burst)
        if self._level >= needed:
            self._level -= cost
            return Verdict(True, max(0, int(self._level)), 0.0, (rate.burst - self._level) / rate.per_s)
        missing = needed - self._level
        return Verdict(False, 0, missing / rate.per_s, (rate.burst - self._level) / rate.per_s)


class Buckets(Generic[K]):
    """Buckets by caller, at most ``capacity`` of them.

    The one unused for longest is dropped first; it is nearly always full again, so forgetting it
    gives nothing away.
    """

    def __init__(self, rate: Rate, capacity: int = 100_000) -> None:
        self.rate = rate
        self._capacity = capacity
        self._buckets: OrderedDict[K, Bucket] = OrderedDict()

    def take(self, key: K, now_s: float, cost: int = 1) -> Verdict:
        """Take from the bucket of ``key``."""
        if self.rate.unlimited:
            return Verdict(True, 0, 0.0, 0.0)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self.rate, now_s)
            if len(self._buckets) > self._capacity:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(self.rate, now_s, cost)

    def __len__(self) -> int:
        return len(self._buckets)
