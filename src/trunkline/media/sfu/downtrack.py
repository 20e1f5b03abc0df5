"""One track on its way to one subscriber: the layer it gets, its numbers, its retransmissions and its reports.

Not here: which layer fits the subscriber's bandwidth and wishes (given as ``wanted``), encryption (``peer``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from trunkline.media.recovery.frames import Frame, Repacker, pack, unpack
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.pacing import Lane
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.scaler import HALF, Part, Scaler
from trunkline.media.sfu.uptrack import MAX_SCALED, Layer, UpTrack
from trunkline.protocol.rtp import dependency, red, rtcp
from trunkline.protocol.rtp.codecs import PayloadError, Vp8Descriptor, parse_vp8, rewrite_vp8
from trunkline.protocol.rtp.packet import RtpPacket
from trunkline.protocol.rtp.rewriting import Numbers, Rewriter
from trunkline.protocol.sdp import Codec, Media
from trunkline.protocol.sdp.answer import (
    AUDIO_LEVEL,
    DEPENDENCY_DESCRIPTOR,
    MID,
    ORIENTATION,
    TRANSPORT_CC,
    usable_codecs,
)
from trunkline.protocol.sdp.matching import extension, find, retransmission_of

CACHE_PACKETS = 1024
REPORT_S = 1.0
AGAIN_S = 0.02
"""A packet asked for twice within this time is sent once: the first copy is still under way."""
TOLD_COPIES = 2
"""Of a packet that feedback reports lost."""
OVERHEAD_BYTES = 70
"""IP, UDP, RTP with extensions, and the SRTP tag: what a payload costs beyond itself."""
AUDIO_REPAIR_S = 0.15
"""Audio asked for again over a longer round trip comes too late to be played."""


@dataclass(slots=True)
class _Kept:
    """A packet that may be asked for again."""

    packet: RtpPacket
    ciphertext: bytes
    again_s: float = -1e9
    number: int | None = None
    """Its transport number."""
    arrived: bool = False
    of: _Kept | None = None
    """What it repeats."""


class DownTrack:
    """One track for one subscriber.

    Args:
        up: the published track.
        peer: the subscriber's transport.
        link: the path to the subscriber.
        ssrc: the source it is sent as.
        rtx_ssrc: the source of its retransmissions.
        sequence: first sequence number.
        timestamp: first timestamp.
        ask_key_frame: asks the publisher for a key frame of a layer.

    Attributes:
        mid: the subscriber's section; "" until one is assigned.
        wish: the highest layer the client wants; None when it wants nothing now.
        wanted: the highest layer to send: what the client wants, and the path takes.
        paused: nothing is sent.
        reported: loss in 256ths and jitter in units of its clock, as the subscriber's latest report on it says.
    """

    __slots__ = (
        "_again_sequence",
        "_ask",
        "_base_timestamp",
        "_cache",
        "_copies",
        "_descriptor_id",
        "_ended",
        "_formats",
        "_level",
        "_link",
        "_media",
        "_newest",
        "_octets",
        "_orientation",
        "_packets",
        "_peer",
        "_red",
        "_repacker",
        "_report_s",
        "_rewriter",
        "_scaler",
        "_stopped",
        "_transport",
        "layer",
        "mid",
        "reported",
        "rtx_ssrc",
        "ssrc",
        "up",
        "wanted",
        "wish",
    )

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
        self.up = up
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.mid = ""
        self.reported: tuple[int, int] | None = None
        self.wanted = most_of(up)
        self.wish: int | None = self.wanted
        self._stopped = self._ended = False
        self.layer: Layer | None = None
        self._peer = peer
        self._link = link
        self._repacker = Repacker()
        self._red: tuple[Codec, int] | None = None
        self._ask = ask_key_frame
        self._rewriter = Rewriter(sequence, timestamp, up.clock_rate)
        self._again_sequence = sequence
        self._cache: dict[int, _Kept] = {}
        self._base_timestamp: int | None = None
        self._copies: deque[tuple[int, int]] = deque()
        """Packets to be sent again unasked, and how often."""
        self._media: Media | None = None
        self._formats: dict[int, tuple[Codec, Codec | None] | None] = {}
        self._level: int | None = None
        self._transport: int | None = None
        self._orientation: int | None = None
        self._descriptor_id: int | None = None
        self._scaler = Scaler()
        self._newest = 0
        """The sequence number of the newest packet that came from the present source."""
        self._packets = self._octets = 0
        self._report_s = 0.0

    @property
    def paused(self) -> bool:
        """Nothing is sent."""
        return self._stopped

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused and not self._stopped:
            self.layer = None  # it begins again with a key frame, and its numbers go on without a gap
        self._stopped = paused

    def assign(self, media: Media) -> None:
        """The subscriber's section that carries the track; its payload types and extension numbers count."""
        self.mid = media.mid
        self._media = media
        self._formats.clear()
        self._level = extension(media, AUDIO_LEVEL)
        self._transport = extension(media, TRANSPORT_CC)
        self._orientation = extension(media, ORIENTATION)
        self._descriptor_id = extension(media, DEPENDENCY_DESCRIPTOR)
        self._red = _redundant_format(media) if self.up.kind == "audio" and self.up.redundant else None

    def accepts(self, media: Media) -> bool:
        """Whether a section can carry the track."""
        if media.kind != self.up.kind:
            return False
        usable = Media(media.kind, codecs=usable_codecs(media))
        return any(find(usable, codec) is not None for codec in self.up.codecs.values())

    # --- packets ----------------------------------------------------------------------------

    def on_packet(
        self, layer: Layer, codec: Codec, packet: RtpPacket, key_frame: bool, now_s: float, part: Part | None = None
    ) -> None:
        """A packet of the published track arrived."""
        if self._media is None or self.paused or not self._peer.connected:
            return
        if layer is not self.layer and not self._switch(layer, codec, packet, key_frame, now_s, part):
            return
        formats = self._format(codec)
        if formats is None:
            return
        if key_frame:
            self._base_timestamp = packet.timestamp
        if self.up.kind == "audio":
            self._send_audio(codec, formats[0], packet, now_s)
            return
        marker = packet.marker
        if part is not None:
            newest = (packet.sequence - self._newest & 0xFFFF) < HALF
            self._newest = packet.sequence if newest else self._newest
            wanted = self.wanted if len(self.up.layers) == 1 else MAX_SCALED
            verdict = self._scaler.take(part, wanted, self.up.top_of(layer), newest=newest)
            if verdict.asks:
                self._ask(self.up, layer)
            if not verdict.sent:
                if newest:
                    self._rewriter.leave_out(packet.sequence)
                else:  # its number has been kept free for it
                    self.on_hole(layer, packet.sequence, now_s)
                return
            marker = marker or verdict.last
        self._send_video(codec, formats[0], packet, marker, part, now_s)

    def on_padding(self, layer: Layer, packet: RtpPacket) -> None:
        """A probe between publisher and server goes no further; its number must not look lost."""
        if layer is self.layer:
            self._rewriter.leave_out(packet.sequence)

    def on_hole(self, layer: Layer, sequence: int, now_s: float) -> None:
        """A number that will never come: an empty packet in its place, or the receiver waits for it in vain."""
        last = self._rewriter.last
        format_ = self._format(self.up.codec) if self.up.codec is not None else None
        if layer is not self.layer or last is None or format_ is None or self.paused:
            return
        numbers = self._rewriter.rewrite(sequence, 0, now_s)
        if numbers is not None and numbers.sequence not in self._cache:
            self._send_as(replace(numbers, timestamp=last.timestamp), format_[0], False, b"", now_s)

    def _switch(
        self, layer: Layer, codec: Codec, packet: RtpPacket, key_frame: bool, now_s: float, part: Part | None
    ) -> bool:
        """Change to another layer when it is the one to send and a key frame begins here."""
        target = self.up.best_layer(self.wanted, now_s)
        if layer is not target:
            return False
        if self.up.kind == "video" and not key_frame:
            self._ask(self.up, layer)
            return False
        self.layer = layer
        self._newest = packet.sequence
        self._scaler.begin(part.frame if part is not None else None)
        self._rewriter.switch(packet.ssrc, packet.sequence, packet.timestamp, now_s, _descriptor(codec, packet))
        return True

    def _format(self, codec: Codec) -> tuple[Codec, Codec | None] | None:
        """The subscriber's payload format for the publisher's, and its retransmission format."""
        if codec.payload_type not in self._formats:
            media = self._media
            found = None
            if media is not None:
                usable = Media(media.kind, codecs=usable_codecs(media))
                match = find(usable, codec)
                if match is None and codec.kind == "red":
                    match = next((c for c in usable.codecs if c.kind == "opus"), None)
                if match is not None:
                    found = (match, retransmission_of(usable, match))
            self._formats[codec.payload_type] = found
        return self._formats[codec.payload_type]

    def _send_video(
        self, codec: Codec, format_: Codec, packet: RtpPacket, marker: bool, part: Part | None, now_s: float
    ) -> None:
        descriptor = _descriptor(codec, packet)
        numbers = self._rewriter.rewrite(packet.sequence, packet.timestamp, now_s, descriptor)
        if numbers is None:
            return
        payload = packet.payload
        if descriptor is not None:
            payload = rewrite_vp8(payload, descriptor, numbers.picture_id, numbers.tl0_index)
        self._send_as(numbers, format_, marker, payload, now_s, self._carried(packet, part))
        base = packet.timestamp == self._base_timestamp or (descriptor is not None and not descriptor.temporal)
        base = base or (part is not None and part.base)
        copies = self._link.base_copies if base else self._link.other_copies
        if copies:
            self._copies.append((numbers.sequence, copies))

    def _carried(self, packet: RtpPacket, part: Part | None) -> dict[int, bytes]:
        """Header extensions that go along as the publisher sent them, but for frame numbers."""
        found: dict[int, bytes] = {}
        up = self.up
        if (
            self._orientation is not None
            and up.orientation is not None
            and (turned := packet.extensions.get(up.orientation))
        ):
            found[self._orientation] = turned
        if (
            self._descriptor_id is not None
            and up.descriptor is not None
            and part is not None
            and part.frame is not None
        ):
            value = packet.extensions[up.descriptor]
            found[self._descriptor_id] = dependency.renumber(value, self._scaler.renumber(part.frame))
        return found

    def _send_audio(self, codec: Codec, format_: Codec, packet: RtpPacket, now_s: float) -> None:
        """Audio as this subscriber takes it: with the redundancy it needs, or its frames one by one."""
        frames = [Frame(packet.timestamp, packet.payload)]
        if codec.kind == "red":
            try:
                frames = unpack(packet.payload, packet.timestamp)
            except red.RedError:
                self._rewriter.leave_out(packet.sequence)
                return
        own = frames[-1]
        if not own.data:
            self._rewriter.leave_out(packet.sequence)
            return
        if self._red is not None and (codec.kind == "red" or self._link.depth.depth):
            numbers = self._rewriter.rewrite(packet.sequence, packet.timestamp, now_s)
            if numbers is not None and numbers.sequence not in self._cache:
                payload = self._redundant(own, frames)
                self._send_as(numbers, self._red[0], packet.marker, payload, now_s)
            return
        # A frame whose own packet was lost on its way here takes that packet's number.
        for back, frame in zip(range(len(frames) - 1, 0, -1), frames[:-1], strict=True):
            if frame.data and self._repacker.is_new(frame.timestamp):
                self._send_frame(frame, (packet.sequence - back) & 0xFFFF, format_, False, now_s)
        self._send_frame(own, packet.sequence, format_, packet.marker, now_s)

    def _redundant(self, own: Frame, published: list[Frame]) -> bytes:
        """A payload with the redundancy of this subscriber, or as published where that is switched off."""
        inner = self._red[1] if self._red is not None else 0
        if self._link.depth.limit == 0:
            return pack(inner, own, published[-2::-1])
        # A publisher that repeats a frame in each packet is never sent on with less: the first losses of a path come
        # before any report of them.
        floor = 1 if len(published) > 1 else 0
        return self._repacker.pack(self.up.frames, inner, own, max(self._link.depth.depth, floor))

    def _send_frame(self, frame: Frame, sequence: int, format_: Codec, marker: bool, now_s: float) -> None:
        numbers = self._rewriter.rewrite(sequence, frame.timestamp, now_s)
        if numbers is None or numbers.sequence in self._cache:
            return
        self._repacker.note(frame.timestamp)
        self._send_as(numbers, format_, marker, frame.data, now_s)

    def _send_as(
        self,
        numbers: Numbers,
        format_: Codec,
        marker: bool,
        payload: bytes,
        now_s: float,
        carried: dict[int, bytes] | None = None,
    ) -> None:
        sent = RtpPacket(
            format_.payload_type,
            numbers.sequence,
            numbers.timestamp,
            self.ssrc,
            marker,
            extensions=self._extensions() | (carried or {}),
            payload=payload,
        )
        kept = _Kept(sent, b"")
        if not self._hand_over(kept, Lane.VIDEO if self.up.kind == "video" else None, now_s):
            return
        self._packets += 1
        self._octets += len(payload)
        self._cache[numbers.sequence] = kept
        if len(self._cache) > CACHE_PACKETS:
            del self._cache[next(iter(self._cache))]

    def _hand_over(self, kept: _Kept, lane: Lane | None, now_s: float) -> bool:
        """Send a packet, or let it wait in a lane; False when it cannot be sent."""
        pacer, size_bytes = self._link.pacer, (len(kept.packet.payload) + OVERHEAD_BYTES) * self._at_once
        if lane is not None and pacer.holds(now_s):
            pacer.put(lane, lambda later_s, cluster: self._leave(kept, later_s, cluster), size_bytes, now_s)
            return True
        pacer.note(size_bytes, now_s)
        self._leave(kept, now_s, 0)
        return bool(kept.ciphertext)

    def _leave(self, kept: _Kept, now_s: float, cluster: int) -> None:
        """A packet leaves now, and gets its transport number."""
        if self._ended:
            return
        packet, transport = kept.packet, self._transport
        if transport is not None and transport in packet.extensions:
            repeated = kept.of or kept
            video = self.up.kind == "video"
            tell = (lambda arrived, now_s: self._on_reported(repeated, arrived, now_s)) if video else None
            size_bytes = len(packet.payload) + OVERHEAD_BYTES
            number = self._link.history.on_sent(size_bytes, now_s, cluster, tell, copies=self._at_once)
            packet = replace(packet, extensions=packet.extensions | {transport: number.to_bytes(2, "big")})
            kept.number = number
        kept.packet = packet
        kept.ciphertext = self._peer.send_rtp(packet.serialize()) or b""
        for _ in range(self._at_once - 1 if kept.ciphertext else 0):
            self._peer.send_again(kept.ciphertext)

    @property
    def _at_once(self) -> int:
        """Copies in which packets go out."""
        return self._link.depth.copies if self.up.kind == "audio" else 1

    def _extensions(self) -> dict[int, bytes]:
        media = self._media
        found: dict[int, bytes] = {}
        if media is not None and (mid := extension(media, MID)) is not None and self._packets < 100:
            # Until the receiver surely knows the source; later it is only bytes.
            found[mid] = self.mid.encode()
        if self._level is not None and self.up.level is not None:
            found[self._level] = bytes((self.up.level,))
        if self._transport is not None:
            found[self._transport] = bytes(2)  # its number comes when it leaves
        return found

    # --- what the subscriber says -----------------------------------------------------------

    def on_nack(self, sequences: tuple[int, ...], now_s: float) -> int:
        """Packets are asked for again: how many were sent."""
        sent = 0
        if self.up.kind == "audio" and (self._link.round_trip_s or 0.0) > AUDIO_REPAIR_S:
            return 0
        for sequence in sequences:
            kept = self._cache.get(sequence)
            if kept is not None:
                sent += self._repair(kept, self._link.answers, now_s)
        return sent

    def _on_reported(self, kept: _Kept, arrived: bool, now_s: float) -> None:
        """Feedback told of one of the packets that carried this: a request for it may be lost, or a while away."""
        kept.arrived |= arrived
        if kept.arrived or not self._link.recovery or self._ended:
            return
        if self._repair_type(kept.packet.payload_type) is not None:
            self._repair(kept, min(self._link.answers, TOLD_COPIES), now_s)

    def _repair(self, kept: _Kept, copies: int, now_s: float) -> bool:
        """Send so many copies, unless some are still under way."""
        if now_s - kept.again_s < AGAIN_S:
            return False
        kept.again_s = now_s
        for _ in range(copies):
            self._send_again(kept, Lane.REPAIR, now_s)
        return True

    def probe(self, size_bytes: int, cluster: int, now_s: float) -> int:
        """Send what waits, then the latest packets once more, as a probe: how many bytes."""
        sent = self._link.pacer.spend(size_bytes, cluster, now_s)
        for kept in reversed(self._cache.values()):
            if sent >= size_bytes or self._repair_type(kept.packet.payload_type) is None:
                break
            self._send_again(kept, None, now_s, cluster)
            sent += len(kept.packet.payload) + OVERHEAD_BYTES
        return sent

    def _send_again(self, kept: _Kept, lane: Lane | None, now_s: float, cluster: int = 0) -> None:
        """Send a packet again, after what waits in front of the lane; without one at once, as part of a probe."""
        repair = self._repair_type(kept.packet.payload_type)
        if repair is None:
            if kept.number is not None:
                self._link.history.on_sent_again(kept.number)
            if kept.ciphertext:
                self._peer.send_again(kept.ciphertext)
            return
        self._again_sequence = (self._again_sequence + 1) & 0xFFFF
        packet = kept.packet
        again = RtpPacket(
            repair,
            self._again_sequence,
            packet.timestamp,
            self.rtx_ssrc,
            packet.marker,
            extensions=packet.extensions,
            payload=packet.sequence.to_bytes(2, "big") + packet.payload,
        )
        copy = _Kept(again, b"", of=kept)
        if lane is None:
            self._leave(copy, now_s, cluster)
        else:
            self._hand_over(copy, lane, now_s)

    def repeat(self, now_s: float) -> None:
        """Send the next copy of what is protected; called every tick, so that copies lie apart and a burst of losses
        does not take them all.
        """
        for _ in range(len(self._copies)):
            sequence, copies = self._copies.popleft()
            kept = self._cache.get(sequence)
            if kept is None or kept.arrived or self._repair_type(kept.packet.payload_type) is None:
                continue
            self._send_again(kept, Lane.VIDEO, now_s)  # not before what it repeats
            if copies > 1:
                self._copies.append((sequence, copies - 1))

    def _repair_type(self, payload_type: int) -> int | None:
        for formats in self._formats.values():
            if formats is not None and formats[0].payload_type == payload_type and formats[1] is not None:
                return formats[1].payload_type
        return None

    def ask(self, now_s: float) -> None:
        """The subscriber needs a key frame: ask the publisher."""
        if self.up.kind == "video":
            self._ask(self.up, self.layer or self.up.best_layer(self.wanted, now_s))

    def close(self) -> None:
        """It is sent no more."""
        self._ended = True
        if self in self.up.subscribers:
            self.up.subscribers.remove(self)

    def due(self, now_s: float, ntp: int) -> rtcp.Packet | None:
        """A sender report when it is time; ``ntp`` is now as 64 bits since 1900."""
        last = self._rewriter.last
        if last is None or now_s - self._report_s < REPORT_S:
            return None
        self._report_s = now_s
        self._link.note_report(ntp, now_s)
        passed = int((now_s - self._rewriter.last_s) * self._rewriter.clock_rate)
        timestamp = (last.timestamp + passed) & 0xFFFFFFFF
        return rtcp.SenderReport(self.ssrc, ntp, timestamp, self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF)


def most_of(up: UpTrack) -> int:
    """The highest layer that can be wanted: a single source of video may turn out to be scalable."""
    return len(up.layers) - 1 if len(up.layers) > 1 or up.kind == "audio" else MAX_SCALED - 1


def _descriptor(codec: Codec, packet: RtpPacket) -> Vp8Descriptor | None:
    if codec.kind != "vp8":
        return None
    try:
        return parse_vp8(packet.payload)
    except PayloadError:
        return None


def _redundant_format(media: Media) -> tuple[Codec, int] | None:
    """The subscriber's format for redundant audio, and the payload type of the frames in it."""
    for codec in usable_codecs(media):
        if codec.kind == "red":
            inner = next((int(part) for name in codec.parameters for part in name.split("/") if part.isdigit()), None)
            if inner is not None:
                return codec, inner
    return None
