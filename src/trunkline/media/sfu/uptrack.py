"""A published track: its layers as they arrive, what is asked of the publisher, and who gets the packets.

Not here: which source belongs to which track (``uplink``), and what a subscriber is sent (``downtrack``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from trunkline.media.recovery.frames import FrameStore, unpack
from trunkline.media.recovery.holes import Holes
from trunkline.media.sfu.scaler import Layers, Part
from trunkline.protocol.rtp import red, rtcp
from trunkline.protocol.rtp.codecs import begins_frame, is_key_frame, picture_of
from trunkline.protocol.rtp.packet import RtpPacket
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.rtp.smoothness import Smoothness
from trunkline.protocol.sdp import Codec

KEY_FRAME_PAUSE_S = 0.5
"""A publisher is asked for a key frame of one layer at most this often, however many subscribers wait."""
KEY_FRAME_ASKS = 6
"""Requests for one key frame at most: each, or all that answers it, may be lost, and subscribers themselves ask again
only after seconds."""
MAX_SCALED = 4
LIVE_S = 0.6
"""A layer counts as flowing when something arrived within this time."""


@dataclass(slots=True)
class Layer:
    """One encoding of a track.

    Attributes:
        index: 0 is the lowest.
        rid: its restriction id; "" when the track has one layer only.
        ssrc: known when its first packet arrived.
        key_number: extended number of the packet that began the latest key frame.
        asked_number: that of the newest packet when a key frame was asked for.
        asks_left: how often it is asked for again, until it comes.
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
    key_number: int = -1
    asked_number: int = -1
    asks_left: int = 0
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
        layer: what it is sent; None when nothing is.
    """

    wish: int | None
    layer: Layer | None

    def on_packet(
        self, layer: Layer, codec: Codec, packet: RtpPacket, key_frame: bool, now_s: float, part: Part | None = None
    ) -> None:
        """A packet of a layer arrived; ``part``: which of its own layers it is, in a scalable stream."""

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
        descriptor: number of the header extension with the dependency descriptor; None without it.
        scaled: the spatial layers of a scalable stream, in ``Layer``'s terms; empty otherwise.
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
    descriptor: int | None = None
    scaled: list[Layer] = field(default_factory=list)
    handle: int = 0
    _scaling: dict[int, Layers] = field(default_factory=dict)

    @property
    def clock_rate(self) -> int:
        """Units of its timestamps in a second."""
        return 48_000 if self.kind == "audio" else 90_000

    def layer_of_rid(self, rid: str) -> Layer | None:
        """The layer with a restriction id."""
        return next((layer for layer in self.layers if layer.rid == rid), None)

    def on_rtp(self, layer: Layer, packet: RtpPacket, now_s: float) -> None:
        """A packet of one layer arrived, possibly by retransmission."""
        codec = self.codecs.get(packet.payload_type)
        if codec is None or layer.reception is None:
            return
        number = layer.reception.on_packet(packet.sequence, packet.timestamp, len(packet.payload), now_s)
        if number is None:
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
            picture = picture_of(codec.kind, packet.payload)
            layer.holes.on_packet(packet.sequence, packet.timestamp, begins=begins, ends=packet.marker, picture=picture)
        if self.kind == "audio":
            self._keep_frames(codec, packet)
        key_frame = self.kind == "video" and is_key_frame(codec.kind, packet.payload)
        if key_frame:
            layer.key_number = max(layer.key_number, number)
        part = self._part(layer, codec, packet, now_s) if self.kind == "video" else None
        for subscriber in self.subscribers:
            subscriber.on_packet(layer, codec, packet, key_frame, now_s, part)

    def _part(self, layer: Layer, codec: Codec, packet: RtpPacket, now_s: float) -> Part | None:
        scaling = self._scaling.get(layer.index)
        if scaling is None:
            scaling = self._scaling[layer.index] = Layers()
        descriptor = packet.extensions.get(self.descriptor) if self.descriptor is not None else None
        part = scaling.read(codec.kind, packet.payload, descriptor)
        if part is not None and len(self.layers) == 1:
            self.note_scaled(part.spatial, scaling.top)
            if part.spatial < len(self.scaled):
                scaled = self.scaled[part.spatial]
                scaled.arrived_s, scaled.octets = now_s, scaled.octets + len(packet.payload)
        return part

    def note_scaled(self, spatial: int, top: int) -> None:
        """The stream has spatial layers up to ``top``."""
        if top or self.scaled:
            while len(self.scaled) <= min(max(spatial, top), MAX_SCALED - 1):
                self.scaled.append(Layer(len(self.scaled), ""))

    @property
    def steps(self) -> list[Layer]:
        """What a subscriber can be limited to, lowest first: simulcast layers, or those of a scalable stream."""
        return self.scaled or self.layers

    def top_of(self, layer: Layer) -> int:
        """The highest spatial layer of a layer's stream."""
        scaling = self._scaling.get(layer.index)
        return scaling.top if scaling is not None else 0

    def on_hole(self, layer: Layer, sequence: int, now_s: float) -> None:
        """A number that was asked for in vain: when it was padding, subscribers need not wait for it."""
        if self.kind == "video" and layer.holes.was_padding(sequence):
            if layer.reception is not None:
                layer.reception.forget(sequence)
            for subscriber in self.subscribers:
                subscriber.on_hole(layer, sequence, now_s)

    def on_hopeless(self, layer: Layer, number: int, now_s: float) -> rtcp.Packet | None:
        """A packet likely never comes: a request for a key frame, if somebody sees the layer and none came since.

        A subscriber that waits for the packet would ask for one itself, but only after seconds.
        """
        if self.kind != "video" or number < layer.key_number or layer.holes.was_padding(number & 0xFFFF):
            return None
        return self.ask_key_frame(layer, now_s) if self._is_seen(layer) else None

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
        request = self._request(layer, now_s)
        if request is None:
            return None
        layer.asked_number = layer.reception.highest if layer.reception is not None else -1
        layer.asks_left = KEY_FRAME_ASKS - 1
        return request

    def ask_again(self, layer: Layer, now_s: float) -> rtcp.Packet | None:
        """The same request once more, when it is due: somebody sees the layer, it flows, and no key frame has come."""
        if not layer.asks_left or now_s - layer.asked_s < KEY_FRAME_PAUSE_S:
            return None
        if layer.key_number > layer.asked_number or not self._is_seen(layer) or not layer.flows(now_s):
            layer.asks_left = 0
            return None
        layer.asks_left -= 1
        return self._request(layer, now_s)

    @staticmethod
    def _request(layer: Layer, now_s: float) -> rtcp.Packet | None:
        if layer.ssrc is None or now_s - layer.asked_s < KEY_FRAME_PAUSE_S:
            return None
        layer.asked_s = now_s
        return rtcp.PictureLoss(1, layer.ssrc)

    def _is_seen(self, layer: Layer) -> bool:
        return any(subscriber.layer is layer for subscriber in self.subscribers)
