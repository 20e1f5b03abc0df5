"""The path to one subscriber, where the packet thread numbers and remembers what it sends. The twin is ``downlink``."""

from __future__ import annotations

from trunkline.media.congestion.history import Reported, SendHistory, Tell
from trunkline.media.recovery.depth import MAX_DEPTH
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.native.path import KernelPath
from trunkline.protocol.rtp import rtcp
from trunkline.protocol.rtp.transport_cc import Feedback, serialize


class KernelHistory(SendHistory):
    """What the thread sent to a peer, by transport number."""

    __slots__ = ("_path",)

    def __init__(self, path: KernelPath) -> None:
        super().__init__()
        self._path = path

    def on_sent(
        self, size_bytes: int, now_s: float, cluster: int = 0, tell: Tell | None = None, *, copies: int = 1
    ) -> int:
        """Only the thread sends.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("the packet thread numbers what it sends")

    def on_feedback(self, feedback: Feedback) -> list[Reported]:
        """The packets reported on for the first time."""
        return self.on_feedback_body(serialize(feedback))

    def on_feedback_body(self, body: bytes) -> list[Reported]:
        """The same, from the feedback's bytes; malformed ones report on nothing."""
        found = self._path.port.peer_feedback(self._path.number, body)
        state = self._path.port.peer_state(self._path.number)
        if state is not None:
            self.in_flight_bytes = state[6]
        return [Reported(*one) for one in found or ()]


class KernelDownlink(Downlink):
    """The path to one subscriber.

    Args:
        path: its peer in the thread.
        depth_limit: the greatest depth of redundant audio; 0 forwards what is published.
        recovery: repeat what the path may lose.

    Attributes:
        reports: copies of urgent reports.
    """

    __slots__ = ("_copies", "_path", "_told", "reports")

    def __init__(self, path: KernelPath, depth_limit: int = MAX_DEPTH, *, recovery: bool = True) -> None:
        super().__init__(depth_limit, recovery=recovery)
        self.history = KernelHistory(path)
        self._path = path
        self._told: tuple[int, ...] = ()
        self._copies: tuple[int, ...] = ()
        self.reports = 1
        self.sync()

    def sync(self) -> None:
        """Tell the thread what was decided."""
        wanted = (self.depth.depth, self.depth.limit, self.depth.copies)
        if wanted != self._told:
            self._told = wanted
            self._path.port.peer_depth(self._path.number, *wanted)
        copies = (self.reports, self.answers, self.base_copies, self.other_copies)
        if copies != self._copies:
            self._copies = copies
            self._path.port.peer_copies(self._path.number, *copies, self.recovery)

    def pace(self, bitrate_bps: float | None) -> None:
        """Let frames leave no faster than this: the thread has the queue."""
        if bitrate_bps != self.pacing_bps:
            super().pace(bitrate_bps)
            self._path.port.peer_pace(self._path.number, bitrate_bps or 0.0)

    def on_block(self, block: rtcp.ReportBlock, now_s: float) -> None:
        """The subscriber reported on one of our sources; the thread has measured the round trip."""
        super().on_block(block, now_s)
        state = self._path.port.peer_state(self._path.number)
        if state is not None and state[1] >= 0:
            self.round_trip_s = state[1]
        self.sync()

    def on_feedback(self, body: bytes, now_s: float) -> None:
        """The subscriber told when packets arrived."""
        super().on_feedback(body, now_s)
        self.sync()
