"""Published and subscribed tracks, where the packet thread forwards. The twins are ``uplink`` and ``downtrack``."""

from __future__ import annotations

from collections.abc import Callable

from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack, most_of
from trunkline.media.sfu.native.downlink import KernelDownlink
from trunkline.media.sfu.native.path import KernelPath
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.uplink import Uplink
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp import rtcp
from trunkline.protocol.rtp.arrivals import Arrivals
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.sdp import Codec, Media
from trunkline.protocol.sdp.answer import (
    AUDIO_LEVEL,
    DEPENDENCY_DESCRIPTOR,
    MID,
    ORIENTATION,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
)
from trunkline.protocol.sdp.matching import extension

MEDIA, RED, REPAIR = 1, 2, 3
"""Kinds of formats, and below numbers of codecs, as in the kernel's headers."""
CODECS = {"vp8": 1, "h264": 2, "vp9": 3, "av1": 4}
VIDEO_STATE_S = 0.1
ROUND_TRIP_UNKNOWN_S = -1.0


class KernelUplink(Uplink):
    """Everything a client sends.

    Args:
        path: its peer in the thread.
        recovery: feedback may hide losses that are no congestion.
    """

    def __init__(self, path: KernelPath, *, recovery: bool = True) -> None:
        super().__init__(Arrivals(0.0), recovery=recovery)
        self._path = path
        self._masked = False
        self._counts = (0, 0)
        self._video_s = 0.0
        self._told_s = ROUND_TRIP_UNKNOWN_S

    def add(self, track: UpTrack, media: Media) -> None:
        """A section carries a track."""
        super().add(track, media)
        section = self.sections[media.mid]
        port, number = self._path.port, self._path.number
        port.peer_extensions(number, self._mid or 0, self._transport or 0)
        formats = [(pt, *_kind(codec), 0) for pt, codec in track.codecs.items()]
        formats += [(pt, REPAIR, 0, original) for pt, original in section.repairs.items()]
        uris = (RID, REPAIRED_RID, AUDIO_LEVEL, ORIENTATION, DEPENDENCY_DESCRIPTOR)
        numbers = tuple(extension(media, uri) or 0 for uri in uris)
        rids = tuple(layer.rid for layer in track.layers)
        track.handle = port.track_add(number, track.kind == "audio", media.mid, rids, tuple(formats), numbers)
        for ssrc, source in self._sources.items():
            if source.section is section:
                port.track_source(track.handle, ssrc, source.layer.index, source.repair)

    def remove(self, mid: str) -> UpTrack | None:
        """A section carries its track no more."""
        track = super().remove(mid)
        if track is not None:
            self._path.port.track_remove(track.handle)
            track.handle = 0
        return track

    def on_sender_report(self, report: rtcp.SenderReport, now_s: float) -> None:
        """The thread has seen it."""

    def listen(self) -> None:
        """Note how loud the microphones are."""
        self._note_tracks("audio")

    def due(self, now_s: float) -> list[rtcp.Packet]:
        """Nothing: the thread reports and asks. What it counted is noted here."""
        round_trip_s = ROUND_TRIP_UNKNOWN_S if self.round_trip_s is None else self.round_trip_s
        if round_trip_s != self._told_s:
            self._told_s = round_trip_s
            self._path.port.peer_round_trip(self._path.number, round_trip_s)
        self.listen()
        if now_s - self._video_s >= VIDEO_STATE_S:
            self._video_s = now_s
            self._note_tracks("video")
            if self.sections:
                self._measure(now_s)
        return []

    def _note_tracks(self, kind: str) -> None:
        for section in self.sections.values():
            if section.track.kind == kind:
                self._note(section.track)

    def _measure(self, now_s: float) -> None:
        """Loss on the way here, and whether feedback hides it."""
        state = self._path.port.peer_state(self._path.number)
        if state is None:
            return
        told, lost = state[7], state[8]
        before, self._counts = self._counts, (told, lost)
        if told > before[0]:
            self._count(lost - before[1], told - before[0], now_s)
        masked = self.recovery and self._masks(
            [layer for section in self.sections.values() for layer in section.track.layers], now_s
        )
        if masked != self._masked:
            self._masked = masked
            self._path.port.peer_mask(self._path.number, masked)

    def _note(self, track: UpTrack) -> None:
        state = self._path.port.track_state(track.handle)
        if state is None:
            return
        level, layers, scaled = state
        track.level = level if level >= 0 else None
        for layer, counts in zip(track.layers, layers, strict=True):
            ssrc, arrived_s, octets, packets, expected, jitter, gave_up, transit_s, *smoothness = counts
            if ssrc is None:
                continue
            if layer.reception is None or layer.ssrc != ssrc:
                layer.ssrc = ssrc
                layer.reception = Reception(ssrc, track.clock_rate)
            layer.arrived_s, layer.octets = arrived_s, octets
            layer.reception.restore(expected, packets, octets, jitter, gave_up, transit_s)
            layer.smoothness.restore(*smoothness)
        if scaled:
            track.note_scaled(0, len(scaled) - 1)
        for part, (octets, arrived_s) in zip(track.scaled, scaled, strict=False):
            part.octets, part.arrived_s = octets, arrived_s


def _kind(codec: Codec) -> tuple[int, int]:
    return (RED, 0) if codec.kind == "red" else (MEDIA, CODECS.get(codec.kind, 0))


class KernelDownTrack(DownTrack):
    """One track for one subscriber. The arguments are its twin's."""

    __slots__ = ("_handle", "_kernel", "_paused", "_told", "_wanted")

    def __init__(
        self,
        up: UpTrack,
        peer: Peer,
        link: Downlink,
        ssrc: int,
        rtx_ssrc: int,
        sequence: int,
        timestamp: int,
        ask_key_frame: Callable[[UpTrack, Layer], None],
    ) -> None:
        assert peer.path is not None
        self._kernel = peer.path.port
        self._handle = self._kernel.down_add(up.handle, peer.path.number, ssrc, rtx_ssrc, sequence, timestamp)
        self._wanted, self._paused = most_of(up), False
        super().__init__(up, peer, link, ssrc, rtx_ssrc, sequence, timestamp, ask_key_frame)

    @property
    def wanted(self) -> int:
        """The highest layer to send."""
        return self._wanted

    @wanted.setter
    def wanted(self, layer: int) -> None:
        self._limit(layer, self._paused)

    @property
    def paused(self) -> bool:
        """Nothing is sent."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._limit(self._wanted, paused)

    def _limit(self, wanted: int, paused: bool) -> None:
        if (wanted, paused) != (self._wanted, self._paused):
            self._wanted, self._paused = wanted, paused
            self._kernel.down_limit(self._handle, wanted, paused)

    @property
    def layer(self) -> Layer | None:
        """The layer that is sent now."""
        state = self._kernel.down_state(self._handle)
        return self.up.layers[state[0]] if state is not None and state[0] >= 0 else None

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        """The thread decides; its twin's beginning without one is its own as well."""

    @property
    def reported(self) -> tuple[int, int] | None:
        """Loss and jitter as the subscriber reported them."""
        state = self._kernel.down_state(self._handle)
        return (state[4], state[5]) if state is not None and state[4] >= 0 else None

    @reported.setter
    def reported(self, reported: tuple[int, int] | None) -> None:
        """The thread has read it before."""

    def assign(self, media: Media) -> None:
        """The subscriber's section that carries the track."""
        super().assign(media)
        formats = []
        for codec in self.up.codecs.values():
            found = self._format(codec)
            if found is not None:
                again = found[1].payload_type if found[1] is not None else 0
                formats.append((codec.payload_type, found[0].payload_type, again))
        uris = (MID, AUDIO_LEVEL, TRANSPORT_CC, ORIENTATION, DEPENDENCY_DESCRIPTOR)
        numbers = tuple(extension(media, uri) or 0 for uri in uris)
        red, inner = (self._red[0].payload_type, self._red[1]) if self._red is not None else (-1, -1)
        self._kernel.down_assign(self._handle, media.mid, tuple(formats), numbers, red, inner)

    def ask(self, now_s: float) -> None:
        """The subscriber needs a key frame."""
        self._kernel.down_ask(self._handle)

    def probe(self, size_bytes: int, cluster: int, now_s: float) -> int:
        """Send a probe: how many bytes."""
        return int(self._kernel.down_probe(self._handle, size_bytes, cluster))

    def on_nack(self, sequences: tuple[int, ...], now_s: float) -> int:
        """The thread has answered."""
        return 0

    def repeat(self, now_s: float) -> None:
        """The thread repeats what is protected."""

    def due(self, now_s: float, ntp: int) -> rtcp.Packet | None:
        """Nothing: the thread reports. What was decided about the link is told to it."""
        if isinstance(self._link, KernelDownlink):
            self._link.sync()
        return None

    def close(self) -> None:
        """It is sent no more."""
        super().close()
        self._kernel.down_remove(self._handle)
