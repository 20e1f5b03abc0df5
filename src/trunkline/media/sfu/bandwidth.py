"""One subscriber's tracks within what its path takes: layers chosen, probes sent, and what had to be left out named.

Every fifth of a second, and at once when the path turns out to take less. Not here: the rules (``media/congestion``),
sending (``downtrack``).
"""

from __future__ import annotations

from collections.abc import Collection

from trunkline.media.congestion.allocation import Shares, Wish, share
from trunkline.media.congestion.delay import Usage
from trunkline.media.congestion.probing import PACKET_BYTES, Probe
from trunkline.media.recovery.repeats import unasked_copies
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack

DECIDE_S = 0.2
SPARE = 0.95
"""Of the estimate; the rest is for reports and repairs."""
DROP = 0.95
"""An estimate below this share of the one decided on is decided on at once."""
CALM_S = 1.0
"""After the path was full, nothing rises for so long."""
AUDIO_OVERHEAD_BPS = 28_000
"""Headers of 50 packets a second."""
EXPECTED_BPS = (150_000.0, 500_000.0, 1_700_000.0)
"""Layers that have not been seen yet, the lowest first."""
PACE_FACTOR = 2.5
"""Frames are spread so that they leave at this multiple of the estimate."""


class Bandwidth:
    """One subscriber.

    Args:
        link: the path to it.

    Attributes:
        starved: tracks it wants and does not get for lack of room.
        most_bps: a client that rehearses a narrow path is sent no more; None for no such limit.
    """

    def __init__(self, link: Downlink) -> None:
        self._link = link
        self.starved: set[str] = set()
        self.most_bps: float | None = None
        self._decided_s = 0.0
        self._target_bps = 0.0
        self._full_s = -1e9
        self._missing_bps = 0.0
        self._probe: Probe | None = None
        self._probe_s = 0.0
        self._probed_bytes = 0

    @property
    def probing(self) -> bool:
        """Whether a probe is being sent, or its result awaited."""
        return self._probe is not None or self._link.prober.waits

    @property
    def pressed(self) -> bool:
        """Whether the path has just turned out to take less."""
        return self._link.estimate.usage is Usage.OVER or self._dropped

    @property
    def _dropped(self) -> bool:
        return self._link.estimate.target_bps < DROP * self._target_bps

    def tick(self, downs: Collection[DownTrack], now_s: float) -> list[tuple[str, bool]]:
        """Decide when it is time, and send what is due of a probe: tracks left out or back, and which."""
        estimate = self._link.estimate
        if estimate.usage is Usage.OVER:
            self._full_s = now_s
            self._link.prober.wait(now_s)
        changed: list[tuple[str, bool]] = []
        if self._dropped or now_s - self._decided_s >= DECIDE_S:
            self._decided_s, self._target_bps = now_s, estimate.target_bps
            changed = self.decide(downs, now_s)
        self._send_probe(downs, now_s)
        return changed

    def decide(self, downs: Collection[DownTrack], now_s: float) -> list[tuple[str, bool]]:
        """Choose layers now: tracks that were left out (True) or came back (False)."""
        estimate = self._link.estimate
        video = [down for down in downs if down.up.kind == "video" and down.mid]
        limits_bps = [SPARE * estimate.target_bps] if estimate.limited else []
        if self.most_bps is not None:
            limits_bps.append(self.most_bps)
        budget_bps = min(limits_bps) - self._audio_bps(downs) if limits_bps else float("inf")
        shares = self._share(video, budget_bps, now_s)
        self._missing_bps = shares.missing_bps
        self._link.pace(PACE_FACTOR * estimate.target_bps if estimate.limited else None)
        changed: list[tuple[str, bool]] = []
        for down in video:
            sid = down.up.sid
            layer = shares.layers.get(sid)
            starved = sid in shares.layers and layer is None
            if starved != (sid in self.starved):
                changed.append((sid, starved))
            (self.starved.add if starved else self.starved.discard)(sid)
            self._apply(down, layer, now_s)
        self.starved.intersection_update(down.up.sid for down in video)
        return changed

    def _share(self, video: Collection[DownTrack], budget_bps: float, now_s: float) -> Shares:
        """Shares with as much protection as leaves nobody out; without room for any, unprotected ones."""
        calm = now_s - self._full_s >= CALM_S
        copies = unasked_copies(self._link.depth.loss, base=True) if self._link.recovery else 0
        while True:
            wishes = [self._wish(down, 1.05 + copies, now_s, calm=calm) for down in video]
            shares = share(budget_bps, wishes)
            if copies == 0 or None not in shares.layers.values():
                self._link.copies_limit = copies
                return shares
            copies -= 1

    @staticmethod
    def _apply(down: DownTrack, layer: int | None, now_s: float) -> None:
        was_paused = down.paused
        if layer is not None:
            # One source may turn out to be scalable with its first key frame, of which everything is wanted then.
            down.wanted = layer if len(down.up.steps) > 1 or down.wish is None else down.wish
        down.paused = layer is None
        if layer is not None and was_paused:
            down.ask(now_s)

    def _wish(self, down: DownTrack, factor: float, now_s: float, *, calm: bool) -> Wish:
        present = None if down.paused else down.wanted
        most = down.wish
        if most is not None and not calm and present is not None:
            most = min(most, present)
        costs: list[float] = []
        below_bps = 0.0
        for layer in down.up.steps:
            expected_bps = layer.bitrate_bps or EXPECTED_BPS[min(layer.index, 2)]
            if not down.up.muted and layer.flows(now_s):
                expected_bps = max(layer.bitrate_bps, 30_000.0)
            if down.up.scaled:  # each layer is sent with those below it
                expected_bps += below_bps
                below_bps = expected_bps
            costs.append(max(expected_bps * factor, costs[-1] if costs else 0.0))
        return Wish(down.up.sid, down.up.rank, tuple(costs), most, present)

    def _audio_bps(self, downs: Collection[DownTrack]) -> float:
        total_bps = 0.0
        for down in downs:
            if down.up.kind == "audio" and not down.paused:
                own_bps = down.up.layers[0].bitrate_bps / 2 if down.up.codec is not None else 0.0
                depth = self._link.depth
                total_bps += (AUDIO_OVERHEAD_BPS + own_bps * (1 + depth.depth)) * depth.copies
        return total_bps

    def _send_probe(self, downs: Collection[DownTrack], now_s: float) -> None:
        if self._probe is None and self._link.estimate.limited:
            self._probe = self._link.prober.next_probe(self._link.estimate.target_bps, self._missing_bps, now_s)
            self._probe_s, self._probed_bytes = now_s, 0
        probe = self._probe
        if probe is None:
            return
        # The first tick sends a little, so that the burst has a beginning to be measured from.
        due_bytes = int((now_s - self._probe_s + 0.01) * probe.bitrate_bps / 8)
        size_bytes = min(due_bytes, probe.size_bytes) - self._probed_bytes
        if size_bytes >= PACKET_BYTES or due_bytes >= probe.size_bytes:
            sent = 0
            for down in downs:
                if down.up.kind == "video" and down.mid and size_bytes > 0:
                    sent = down.probe(size_bytes, probe.cluster, now_s)
                    if sent:
                        break
            self._probed_bytes += sent or size_bytes
        if self._probed_bytes >= probe.size_bytes:
            self._probe = None
