"""The path to one subscriber, whatever tracks it carries: transport numbers, measured loss, round trip, redundancy.

Not here: packets of a track (``downtrack``), encryption and sending (``peer``).
"""

from __future__ import annotations

from collections import deque

from trunkline.media.congestion.delay import Usage
from trunkline.media.congestion.estimate import Estimate
from trunkline.media.congestion.history import SendHistory
from trunkline.media.congestion.probing import Prober
from trunkline.media.recovery import repeats
from trunkline.media.recovery.depth import MAX_DEPTH, DepthController
from trunkline.media.sfu.pacing import Pacer
from trunkline.protocol.rtp import rtcp, transport_cc

REPORTS_KEPT = 64


class Downlink:
    """The path to one subscriber.

    Args:
        depth_limit: the greatest depth of redundant audio; 0 forwards what is published.
        recovery: repeat what the path may lose.

    Attributes:
        round_trip_s: as the latest report told; None before one.
        depth: of redundant audio.
        answers: copies of a packet that was asked for.
        base_copies: copies of video that other frames depend on, beyond the first, before anybody asks.
        other_copies: the same of other video.
        recovery: whether anything is repeated unasked.
        copies_limit: most copies beyond the first that there is room for.
        estimate: what the path takes.
        prober: finds out whether it takes more.
        pacing_bps: frames leave at this rate at most; None for at once.
        pacer: what waits for that.
    """

    __slots__ = (
        "_reports",
        "answers",
        "base_copies",
        "copies_limit",
        "depth",
        "estimate",
        "history",
        "other_copies",
        "pacer",
        "pacing_bps",
        "prober",
        "recovery",
        "round_trip_s",
    )

    def __init__(self, depth_limit: int = MAX_DEPTH, *, recovery: bool = True) -> None:
        self.recovery = recovery
        self.copies_limit = repeats.MAX_BASE_COPIES
        self.estimate = Estimate()
        self.prober = Prober()
        self.pacing_bps: float | None = None
        self.pacer = Pacer()
        self.answers = 1
        self.base_copies = self.other_copies = 0
        self.history = SendHistory()
        self.depth = DepthController(depth_limit, twice=recovery and depth_limit > 0)
        self.round_trip_s: float | None = None
        self._reports: deque[tuple[int, float]] = deque(maxlen=REPORTS_KEPT)

    def note_report(self, ntp: int, now_s: float) -> None:
        """A sender report with this time goes out."""
        self._reports.append((ntp >> 16 & 0xFFFFFFFF, now_s))

    def on_block(self, block: rtcp.ReportBlock, now_s: float) -> None:
        """The subscriber reported on one of our sources."""
        self.depth.on_report(block.fraction_lost / 256, now_s)
        self._protect()
        if not block.last_sr:
            return
        for middle, sent_s in self._reports:
            if middle == block.last_sr:
                round_trip_s = now_s - sent_s - block.delay_since_last_sr / 65_536
                if round_trip_s >= 0:
                    self.round_trip_s = round_trip_s
                return

    def on_feedback(self, body: bytes, now_s: float) -> None:
        """The subscriber told when packets arrived. Malformed feedback changes nothing."""
        try:
            feedback = transport_cc.parse(body)
        except transport_cc.FeedbackError:
            return
        reported = self.history.on_feedback(feedback)
        for packet in reported:
            if packet.tell is not None:
                packet.tell(packet.arrived_us is not None, now_s)
        self.estimate.on_reported(reported, now_s)
        self.depth.full = self.estimate.usage is Usage.OVER
        once: list[bool] = []
        twice: list[bool] = []
        for packet in reported:
            if (passed := packet.passed) is not None:
                (once if packet.copies == 1 else twice).append(passed)
        self.depth.on_feedback(once.count(False), len(once), now_s, lost_twice=twice.count(False), twice=len(twice))
        shown_bps = self.prober.on_reported(reported, self.estimate.own_loss, now_s)
        if shown_bps is not None:
            self.estimate.on_probe(shown_bps)
        self._protect()

    def pace(self, bitrate_bps: float | None) -> None:
        """Let frames leave no faster than this; None for at once."""
        self.pacing_bps = bitrate_bps
        self.pacer.set_rate(bitrate_bps)

    def _protect(self) -> None:
        if self.recovery:
            loss = self.depth.loss
            self.answers = repeats.answer_copies(loss)
            self.base_copies = min(repeats.unasked_copies(loss, base=True), self.copies_limit)
            self.other_copies = min(repeats.unasked_copies(loss, base=False), self.copies_limit)
