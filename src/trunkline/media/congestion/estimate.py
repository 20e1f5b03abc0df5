"""How many bits a second the path to one subscriber takes.

It starts at ``START_BPS``: nothing is held back until the path shows that it is full. Then a growing queue (``delay``)
takes the estimate to a little less than what passes; without one it rises, slowly near the last ceiling, at once where
a probe came through (``probing``). It rises no further than half above what is sent, since more has not been shown.

Loss alone is no congestion: many paths lose at random (``losses``), and that costs nothing. Only where clearly more is
lost than the path's own while packets are prompt, as behind a policer that drops without a queue, less is sent for a
moment; when the loss does not go down with the rate, it is the path's own and the rate is as before. Where a subscriber
sends no feedback, its REMB counts. Pure: time is given in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.media.congestion.delay import DelayTrend, Usage
from trunkline.media.congestion.history import Reported
from trunkline.media.congestion.losses import Losses
from trunkline.media.congestion.passing import Passing
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
HEADROOM = 1.5
MUCH_LOSS = 0.55
"""A path that has never been full is only taken for narrow when it loses as much as this, as behind a policer."""
TRIAL_S, MOST_TRIAL_S, TRIAL_PACKETS = 1.0, 3.0, 20
PROMPT_S = 0.02
"""With less queue than this, what is lost is not lost to a full one."""
ESTIMATE_STALE_S = 3.0


@dataclass(slots=True)
class _Trial:
    """Less is sent because of loss, to see whether less is lost then."""

    since_s: float
    loss: float
    target_bps: float
    lost: int = 0
    total: int = 0


class Estimate:
    """One path.

    Attributes:
        target_bps: what may be sent.
        limited: the path has been full at least once; before that ``target_bps`` is only a start.
        loss: smoothed share of packets lost.
        own_loss: what the path loses whatever is sent.
    """

    __slots__ = (
        "_ceiling_bps",
        "_decreased_s",
        "_delay",
        "_feedback_s",
        "_losses",
        "_meter",
        "_passing",
        "_trial",
        "_updated_s",
        "limited",
        "target_bps",
    )

    def __init__(self) -> None:
        self.target_bps = START_BPS
        self.limited = False
        self._delay = DelayTrend()
        self._meter = LossMeter()
        self._losses = Losses()
        self._passing = Passing()
        self._ceiling_bps: float | None = None
        self._decreased_s = self._feedback_s = -1e9
        self._updated_s: float | None = None
        self._trial: _Trial | None = None

    @property
    def loss(self) -> float:
        """Smoothed share of packets lost."""
        return self._meter.loss

    @property
    def own_loss(self) -> float:
        """What the path loses whatever is sent."""
        return self._losses.own

    @property
    def usage(self) -> Usage:
        """What the delay says."""
        return self._delay.usage

    @property
    def queue_s(self) -> float:
        """The queue on the path."""
        return self._delay.queue_s

    @property
    def passing_bps(self) -> float | None:
        """What passes the bottleneck, the path's own loss included; None when that is too little to say."""
        return self._passing.rate_bps(self._losses.own)

    def on_reported(self, packets: Sequence[Reported], now_s: float) -> None:
        """The subscriber told which packets arrived, and when."""
        if not packets:
            return
        self._feedback_s = now_s
        passed = [passed for packet in packets if (passed := packet.passed) is not None]
        lost, total = passed.count(False), len(passed)
        for packet in packets:
            self._passing.on_packet(packet.size_bytes, None if packet.arrived_us is None else packet.arrived_us / 1e6)
        self._meter.on_counts(lost, total, now_s)
        usage = self._delay.on_packets(packets)
        self._note_losses(lost, total, now_s)
        if usage is Usage.OVER:
            self._trial = None
            self._decrease(now_s)
        elif not self._decrease_for_loss(now_s) and usage is Usage.NORMAL:
            self._increase(now_s)
        self._updated_s = now_s

    def _note_losses(self, lost: int, total: int, now_s: float) -> None:
        prompt = None if lost == total else self._delay.queue_s < PROMPT_S
        if self._trial is not None:
            if now_s - self._trial.since_s > TRIAL_S / 2:  # the first half still tells of what was sent before
                self._trial.lost += lost
                self._trial.total += total
        elif not self.limited and self._losses.recent >= MUCH_LOSS:
            prompt = False
        self._losses.on_counts(lost, total, prompt=prompt)

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
        passing_bps = self.passing_bps
        if passing_bps is None or now_s - self._decreased_s < DECREASE_PAUSE_S:
            return
        self._decreased_s = now_s
        self.limited = True
        self._ceiling_bps = passing_bps if self._ceiling_bps is None else (self._ceiling_bps + passing_bps) / 2
        self.target_bps = max(min(DECREASE * passing_bps, self.target_bps), LEAST_BPS)

    def _decrease_for_loss(self, now_s: float) -> bool:
        """Whether less is sent because of loss, or it is being watched what that leads to."""
        trial = self._trial
        if trial is not None:
            passed_s = now_s - trial.since_s
            if passed_s < TRIAL_S or (trial.total < TRIAL_PACKETS and passed_s < MOST_TRIAL_S):
                return True
            self._trial = None
            remaining = trial.lost / trial.total if trial.total else 0.0
            if remaining > 0.8 * trial.loss:
                self._losses.accept(remaining)  # sending less did not help
                self.target_bps = max(self.target_bps, trial.target_bps)
                return False
        if not self.limited and self._losses.recent < MUCH_LOSS:
            return False  # nothing has shown that the path is narrow: it loses, and does so at any rate
        passing_bps = self.passing_bps
        if not self._losses.excess or self._delay.queue_s >= PROMPT_S or passing_bps is None or not self._is_used():
            return False
        self._trial = _Trial(now_s, self._losses.recent, self.target_bps)
        self.limited = True
        self.target_bps = max(min(self.target_bps, passing_bps), LEAST_BPS)
        return True

    def _is_used(self) -> bool:
        """Whether anything near the estimate is sent; loss at a small share of it says nothing about it."""
        sent_bps = self._passing.sent_bps
        return sent_bps is not None and (sent_bps > 0.5 * self.target_bps or not self.limited)

    def _increase(self, now_s: float) -> None:
        sent_bps = self._passing.sent_bps
        if self._updated_s is None or sent_bps is None or not self.limited:
            return
        passed_s = min(now_s - self._updated_s, 1.0)
        limit_bps = HEADROOM * sent_bps + 10_000
        if self.target_bps >= limit_bps:
            return  # what is sent is too little to say that more would come through
        near = self._ceiling_bps is not None and NEAR * self._ceiling_bps < self.target_bps < 1.2 * self._ceiling_bps
        step_bps = PACKET_BITS / 0.2 * passed_s if near else max(INCREASE_PER_S * self.target_bps, 10_000) * passed_s
        self.target_bps = min(self.target_bps + step_bps, limit_bps, MOST_BPS)
        if self._ceiling_bps is not None and self.target_bps > 1.2 * self._ceiling_bps:
            self._ceiling_bps = None
