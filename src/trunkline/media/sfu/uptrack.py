"""A published track: its layers as they arrive, what is asked of the publisher, and who gets the packets.

Not here: which source belongs to which track (``uplink``), and what a subscriber is sent (``downtrack``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from trunkline.media.recovery.frames import FrameStore, unpack
from trunkline.media.recovery.holes import Holes
from trunkline.protocol.rtp import red, rtcp
from trunkline.protocol.rtp.codecs import begins_frame, is_key_frame
from trunkline.protocol.rtp.packet import RtpPacket
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.rtp.smoothness import Smoothness
from trunkline.protocol.sdp import Codec

KEY_FRAME_PAUSE_S = 0.5
"""A publisher is asked for a key frame of one layer at most this often, however many subscribers wait."""
LIVE_S = 0.6
"""A layer counts as flowing when something arrived within this time."""


@dataclass(slots=True)
class Layer:
    """One encoding of a track.

    Attributes:
        index: 0 is the lowest.
        rid: its restriction id; "" when the track has one layer only.
        ssrc: known when its first packet arrived.
    """

    index: int
    rid: str
    ssrc: int | None = None
    reception: Reception | None = None
    arrived_s: float = -1e9
    asked_s: float = -1e9
    octets: int = 0
    holes: Holes = field(default_factory=Holes)
    smoothness: Smoothness = field(default_factory=Smoothness)
    bitrate_bps: float = 0.0
    _measured_s: float = 0.0
    _measured_octets: int = 0

    def flows(self, now_s: float) -> bool:
        """Whether packets are arriving."""
        return now_s - self.arrived_s < LIVE_S

    def measure(self, now_s: float) -> None:
        """Update the bitrate, smoothed over about a second."""
        passed_s = now_s - self._measured_s
        if passed_s >= 0.5:
            now_bps = 8 * (self.octets - self._measured_octets) / passed_s
            self.bitrate_bps += (now_bps - self.bitrate_bps) * min(passed_s, 1.0)
            self._measured_s, self._measured_octets = now_s, self.octets


class Subscriber(Protocol):
    """Who gets a track's packets.

    Attributes:
        wish: the highest layer its client wants; None when it wants nothing now.
    """

    wish: int | None

    def on_packet(self, layer: Layer, codec: Codec, packet: RtpPacket, key_frame: bool, now_s: float) -> None:
        """A packet of a layer arrived."""

    def on_padding(self, layer: Layer, packet: RtpPacket) -> None:
        """A packet without payload arrived: a probe for bandwidth that takes a sequence number."""

    def on_hole(self, layer: Layer, sequence: int, now_s: float) -> None:
        """A packet of a layer is not to be had, and probably had no payload."""


@dataclass(slots=True)
class UpTrack:
    """A published track.

    Attributes:
        sid: as signalling names it.
        kind: ``audio`` or ``video``.
        mid: its section in the publisher's offers.
        codecs: payload type to codec, without retransmission formats.
        level: loudness of the latest audio packet, 0 loudest to 127 silent; None without the extension.
        redundant: its publisher allows redundancy (not with end-to-end encryption, which covers whole payloads).
        frames: its latest audio frames.
        rank: tracks of a higher rank get bandwidth first.
        orientation: number of the header extension that tells how a frame is turned; None without it.
        handle: its number in the packet thread; 0 without one.
    """

    sid: str
    kind: str
    mid: str
    codecs: dict[int, Codec]
    layers: list[Layer]
    subscribers: list[Subscriber] = field(default_factory=list)
    level: int | None = None
    muted: bool = False
    rank: int = 0
    codec: Codec | None = None
    redundant: bool = True
    frames: FrameStore = field(default_factory=FrameStore)
    orientation: int | None = None
    handle: int = 0

    def layer_of_rid(self, rid: str) -> Layer | None:
        """The layer with a restriction id."""
        return next((layer for layer in self.layers if layer.rid == rid), None)

    def on_rtp(self, layer: Layer, packet: RtpPacket, now_s: float) -> None:
        """A packet of one layer arrived, possibly by retransmission."""
        codec = self.codecs.get(packet.payload_type)
        if codec is None or layer.reception is None:
            return
        if layer.reception.on_packet(packet.sequence, packet.timestamp, len(packet.payload), now_s) is None:
            return
        layer.arrived_s = now_s
        layer.octets += len(packet.payload)
        if not packet.payload:
            for subscriber in self.subscribers:
                subscriber.on_padding(layer, packet)
            return
        self.codec = codec
        if self.kind == "video":
            layer.smoothness.on_packet(packet.timestamp, now_s)
            begins = begins_frame(codec.kind, packet.payload)
            layer.holes.on_packet(packet.sequence, packet.timestamp, begins=begins, ends=packet.marker)
        if self.kind == "audio":
            self._keep_frames(codec, packet)
        key_frame = self.kind == "video" and is_key_frame(codec.kind, packet.payload)
        for subscriber in self.subscribers:
            subscriber.on_packet(layer, codec, packet, key_frame, now_s)

    def on_hole(self, layer: Layer, sequence: int, now_s: float) -> None:
        """A number that was asked for in vain: when it was padding, subscribers need not wait for it."""
        if self.kind == "video" and layer.holes.was_padding(sequence):
            for subscriber in self.subscribers:
                subscriber.on_hole(layer, sequence, now_s)

    def _keep_frames(self, codec: Codec, packet: RtpPacket) -> None:
        if codec.kind != "red":
            self.frames.add(packet.timestamp, packet.payload)
            return
        try:
            for frame in unpack(packet.payload, packet.timestamp):
                self.frames.add(frame.timestamp, frame.data)
        except red.RedError:
            return

    def wanted(self) -> int | None:
        """The highest layer anybody wants; None when nobody wants any."""
        wanted = [subscriber.wish for subscriber in self.subscribers if subscriber.wish is not None]
        return max(wanted, default=None)

    def best_layer(self, wanted: int, now_s: float) -> Layer:
        """The highest flowing layer up to the wanted one; the lowest flowing above it otherwise; else the lowest."""
        flowing = [layer for layer in self.layers if layer.flows(now_s)]
        fitting = [layer for layer in flowing if layer.index <= wanted]
        if fitting:
            return fitting[-1]
        return flowing[0] if flowing else self.layers[0]

    def ask_key_frame(self, layer: Layer, now_s: float) -> rtcp.Packet | None:
        """A request for a key frame, if the last one is long enough ago."""
        if layer.ssrc is None or now_s - layer.asked_s < KEY_FRAME_PAUSE_S:
            return None
        layer.asked_s = now_s
        return rtcp.PictureLoss(1, layer.ssrc)
