"""How many bits a second the path to one subscriber takes.

It starts at ``START_BPS``: nothing is held back until the path shows that it is full. Then a growing queue (``delay``)
takes the estimate to a little less than what arrived; without one it rises, slowly near the last ceiling, at once where
a probe came through (``probing``). It rises no further than half above what is sent, since more has not been shown.

Loss alone is no congestion: many paths lose at random. Loss above what the path is known to lose is answered once by
sending less; when it does not go down with the rate it is taken for the path's own. Where a subscriber sends no
feedback, its REMB counts. Pure: time is given in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from trunkline.media.congestion.delay import DelayTrend, Usage
from trunkline.media.congestion.history import Reported
from trunkline.media.recovery.loss import LossMeter

START_BPS = 20_000_000.0
LEAST_BPS = 60_000.0
MOST_BPS = 100_000_000.0
DECREASE = 0.85
DECREASE_PAUSE_S = 0.3
INCREASE_PER_S = 0.08
PACKET_BITS = 8 * 1200
NEAR = 0.9
"""From this share of the last ceiling on, the estimate rises by about a packet per round trip only."""
ARRIVED_WINDOW_S = 0.5
HEADROOM = 1.5
LOSS_STEP = 0.1
"""More loss than the path is known to lose by this much asks for less."""
MUCH_LOSS = 0.55
"""A path that has never been full is only taken for narrow when it loses as much as this, as behind a policer."""
LOSS_TRIAL_S = 1.0
PROMPT_S = 0.02
"""With less queue than this, what is lost is not lost to a full one."""
ESTIMATE_STALE_S = 3.0


class Estimate:
    """One path.

    Attributes:
        target_bps: what may be sent.
        limited: the path has been full at least once; before that ``target_bps`` is only a start.
        loss: smoothed share of packets lost.
        own_loss: what the path loses whatever is sent.
    """

    __slots__ = (
        "_arrived",
        "_arrived_bits",
        "_ceiling_bps",
        "_decreased_s",
        "_delay",
        "_feedback_s",
        "_meter",
        "_own",
        "_trial",
        "_trial_lost",
        "_trial_total",
        "_updated_s",
        "limited",
        "target_bps",
    )

    def __init__(self) -> None:
        self.target_bps = START_BPS
        self.limited = False
        self._delay = DelayTrend()
        self._meter = LossMeter()
        self._arrived: deque[tuple[float, int]] = deque()
        self._arrived_bits = 0
        self._ceiling_bps: float | None = None
        self._decreased_s = self._feedback_s = -1e9
        self._updated_s: float | None = None
        self._own = 0.0
        self._trial_lost = self._trial_total = 0
        self._trial: tuple[float, float] | None = None
        """Since when less is sent because of loss, and how much was lost then."""

    @property
    def loss(self) -> float:
        """Smoothed share of packets lost."""
        return self._meter.loss

    @property
    def own_loss(self) -> float:
        """What the path loses whatever is sent."""
        return self._own

    @property
    def usage(self) -> Usage:
        """What the delay says."""
        return self._delay.usage

    @property
    def queue_s(self) -> float:
        """The queue on the path."""
        return self._delay.queue_s

    @property
    def arrived_bps(self) -> float | None:
        """What arrived during the last half second; None when that is too little to say."""
        if len(self._arrived) < 2:
            return None
        span_s = max(self._arrived[-1][0] - self._arrived[0][0], ARRIVED_WINDOW_S / 2)
        return self._arrived_bits / span_s

    def on_reported(self, packets: Sequence[Reported], now_s: float) -> None:
        """The subscriber told which packets arrived, and when."""
        if not packets:
            return
        self._feedback_s = now_s
        for packet in packets:
            if packet.arrived_us is not None:
                self._arrived.append((packet.arrived_us / 1e6, 8 * packet.size_bytes))
                self._arrived_bits += 8 * packet.size_bytes
        while self._arrived and self._arrived[-1][0] - self._arrived[0][0] > ARRIVED_WINDOW_S:
            self._arrived_bits -= self._arrived.popleft()[1]
        lost = sum(1 for packet in packets if packet.arrived_us is None)
        self._meter.on_counts(lost, len(packets), now_s)
        if self._trial is not None and now_s - self._trial[0] > LOSS_TRIAL_S / 2:
            # The first half still tells of what was sent before.
            self._trial_lost += lost
            self._trial_total += len(packets)
        usage = self._delay.on_packets(packets)
        if usage is Usage.OVER:
            self._decrease(now_s)
        elif not self._decrease_for_loss(now_s) and usage is Usage.NORMAL:
            self._increase(now_s)
        self._updated_s = now_s

    def on_estimate(self, bitrate_bps: float, now_s: float) -> None:
        """The subscriber's own estimate (REMB); it counts only where there is no finer feedback."""
        if now_s - self._feedback_s > ESTIMATE_STALE_S:
            self.limited = True
            self.target_bps = min(max(bitrate_bps, LEAST_BPS), MOST_BPS)

    def on_probe(self, bitrate_bps: float) -> None:
        """A probe came through at this rate."""
        if bitrate_bps > self.target_bps:
            self.target_bps = min(bitrate_bps, MOST_BPS)
            if self._ceiling_bps is not None and self._ceiling_bps < bitrate_bps:
                self._ceiling_bps = None

    def _decrease(self, now_s: float) -> None:
        if now_s - self._decreased_s < DECREASE_PAUSE_S:
            return
        arrived_bps = self.arrived_bps
        if arrived_bps is None:
            return
        arrived_bps /= max(1 - self._own, 0.2)  # what the path loses anyway has passed the bottleneck
        self._decreased_s = now_s
        self.limited = True
        self._ceiling_bps = arrived_bps if self._ceiling_bps is None else (self._ceiling_bps + arrived_bps) / 2
        self.target_bps = max(min(DECREASE * arrived_bps, self.target_bps), LEAST_BPS)

    def _decrease_for_loss(self, now_s: float) -> bool:
        """Whether less is sent because of loss, or it is being watched what that leads to."""
        loss = self._meter.loss
        self._own = min(self._own, loss)
        if self._trial is not None:
            since_s, before = self._trial
            if now_s - since_s < LOSS_TRIAL_S:
                return True
            self._trial = None
            remaining = self._trial_lost / self._trial_total if self._trial_total else 0.0
            if remaining > 0.8 * before:
                self._own = remaining  # sending less did not help: it is the path's own
                return False
        if not self.limited and loss < MUCH_LOSS:
            # Nothing has shown that the path is narrow: it loses, and does so at any rate.
            if self.queue_s < PROMPT_S:
                self._own = max(self._own, loss)
            return False
        if loss - self._own <= LOSS_STEP or not self._is_used():
            if not self._is_used() and self.queue_s < PROMPT_S:
                self._own = max(self._own, loss)
            return False
        arrived_bps = self.arrived_bps or self.target_bps
        self._trial = (now_s, loss)
        self._trial_lost = self._trial_total = 0
        self.limited = True
        self.target_bps = max(min(self.target_bps, arrived_bps), LEAST_BPS)
        return True

    def _is_used(self) -> bool:
        """Whether anything near the estimate is sent; loss at a small share of it says nothing about it."""
        arrived_bps = self.arrived_bps
        return arrived_bps is not None and (arrived_bps > 0.5 * self.target_bps * (1 - self.loss) or not self.limited)

    def _increase(self, now_s: float) -> None:
        arrived_bps = self.arrived_bps
        if self._updated_s is None or arrived_bps is None or not self.limited:
            return
        passed_s = min(now_s - self._updated_s, 1.0)
        sent_bps = arrived_bps / max(1 - self.loss, 0.1)
        limit_bps = HEADROOM * sent_bps + 10_000
        if self.target_bps >= limit_bps:
            return  # what is sent is too little to say that more would come through
        near = self._ceiling_bps is not None and NEAR * self._ceiling_bps < self.target_bps < 1.2 * self._ceiling_bps
        step_bps = PACKET_BITS / 0.2 * passed_s if near else max(INCREASE_PER_S * self.target_bps, 10_000) * passed_s
        self.target_bps = min(self.target_bps + step_bps, limit_bps, MOST_BPS)
        if self._ceiling_bps is not None and self.target_bps > 1.2 * self._ceiling_bps:
            self._ceiling_bps = None
