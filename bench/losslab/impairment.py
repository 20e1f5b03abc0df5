"""What a bad network does to one direction of one client's packets. Seeded, pure: time is given in.

Not here: sockets (``relay``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Impairment:
    """One direction.

    Attributes:
        loss: share of packets that are lost.
        burst: mean length of a loss in packets (Gilbert: two states, one loses all); 0 for independent losses.
        delay_ms: every packet.
        jitter_ms: mean of an exponential part on top; order is kept.
        reorder: share of packets held back by ``reorder_ms``, so that later ones overtake them.
        rate_bps: of the bottleneck; 0 for none.
        queue_ms: what the bottleneck's queue holds; what does not fit is lost.
    """

    loss: float = 0.0
    burst: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 30.0
    rate_bps: float = 0.0
    queue_ms: float = 250.0

    def __str__(self) -> str:
        parts = []
        if self.loss:
            parts.append(f"{self.loss:.0%} loss" + (f" in bursts of {self.burst:g}" if self.burst else ""))
        if self.delay_ms or self.jitter_ms:
            parts.append(f"{self.delay_ms:g}±{self.jitter_ms:g} ms")
        if self.reorder:
            parts.append(f"{self.reorder:.0%} reordered")
        if self.rate_bps:
            parts.append(f"{self.rate_bps / 1000:g} kb/s")
        return ", ".join(parts) or "clean"


CLEAN = Impairment()


class Impairer:
    """One direction of one client.

    Attributes:
        passed: packets delivered.
        lost: packets lost at random.
        overflowed: packets the bottleneck's queue had no room for.
    """

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self.impairment = impairment
        self._random = random.Random(seed)
        self._bad = False
        self._free_s = self._latest_s = 0.0
        self.passed = self.lost = self.overflowed = 0

    def deliver_at(self, size_bytes: int, now_s: float) -> float | None:
        """When a packet that comes now gets through; None when it does not."""
        what = self.impairment
        if self._loses():
            self.lost += 1
            return None
        at_s = now_s
        if what.rate_bps:
            begin_s = max(now_s, self._free_s)
            if (begin_s - now_s) * 1000 > what.queue_ms:
                self.overflowed += 1
                return None
            self._free_s = begin_s + 8 * size_bytes / what.rate_bps
            at_s = self._free_s
        self.passed += 1
        at_s += what.delay_ms / 1000
        if what.jitter_ms:
            at_s += self._random.expovariate(1000 / what.jitter_ms)
        if what.reorder and self._random.random() < what.reorder:
            return at_s + what.reorder_ms / 1000
        self._latest_s = max(self._latest_s, at_s)
        return self._latest_s

    def _loses(self) -> bool:
        what = self.impairment
        if not what.loss:
            return False
        if not what.burst:
            return self._random.random() < what.loss
        # Gilbert: the bad state is left with 1/burst, and entered so often that its share is the loss.
        if self._bad:
            self._bad = self._random.random() >= 1 / what.burst
        else:
            self._bad = self._random.random() < what.loss / (what.burst * (1 - what.loss))
        return self._bad
