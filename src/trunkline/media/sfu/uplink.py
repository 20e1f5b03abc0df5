"""What one client sends: sources find their tracks, retransmissions their originals, and reports go back.

A source is known from the SDP (``a=ssrc``), or from the mid and restriction id in its first packets (RFC 8843
section 9.2, RFC 8852). Not here: decryption (``peer``), forwarding (``uptrack``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from trunkline.media.congestion.losses import Losses
from trunkline.media.recovery.loss import LossMeter
from trunkline.media.recovery.randomness import UNMASK_S, QueueGauge, is_prompt, masks
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp import rtcp, transport_cc
from trunkline.protocol.rtp.arrivals import Arrivals
from trunkline.protocol.rtp.packet import RtpError, RtpPacket, audio_level, parse
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
    usable_codecs,
)
from trunkline.protocol.sdp.matching import extension

REPORT_S = 1.0
FEEDBACK_S = 0.1
MAX_SOURCES = 512
RIDS = {"q": 0, "h": 1, "f": 2}
"""Quarter, half and full size."""
OUR_SSRC = 1
"""The source of our reports: we send no media of our own."""


@dataclass(slots=True, frozen=True)
class _Section:
    """What the client's section says that packets are read by."""

    track: UpTrack
    repairs: dict[int, int]
    """Payload type of a retransmission format to that of its original."""
    rid: int | None
    repaired: int | None
    level: int | None


@dataclass(slots=True, frozen=True)
class _Source:
    section: _Section
    layer: Layer
    repair: bool


@dataclass(slots=True)
class Uplink:
    """Everything a client sends.

    Attributes:
        recovery: feedback may hide losses that are no congestion.
        meter: the share of its packets that is lost on the way here.
        losses: how much of that is the path's own.
        unknown: packets whose source belongs to no track (yet).
    """

    arrivals: Arrivals
    sections: dict[str, _Section] = field(default_factory=dict)
    unknown: int = 0
    round_trip_s: float | None = None
    recovery: bool = True
    meter: LossMeter = field(default_factory=LossMeter)
    losses: Losses = field(default_factory=Losses)
    _masked_s: float = -1e9
    _prompt: bool | None = None
    _gauges: dict[int, QueueGauge] = field(default_factory=dict)
    _sources: dict[int, _Source] = field(default_factory=dict)
    _mid: int | None = None
    _transport: int | None = None
    _report_s: float = 0.0
    _feedback_s: float = 0.0

    def add(self, track: UpTrack, media: Media) -> None:
        """A section carries a track. Its sources may be named already."""
        repairs = {
            codec.payload_type: int(codec.parameters["apt"])
            for codec in usable_codecs(media)
            if codec.kind == "rtx" and codec.parameters.get("apt", "").isdigit()
        }
        section = _Section(
            track, repairs, extension(media, RID), extension(media, REPAIRED_RID), extension(media, AUDIO_LEVEL)
        )
        self.sections[media.mid] = section
        track.orientation = extension(media, ORIENTATION)
        track.descriptor = extension(media, DEPENDENCY_DESCRIPTOR)
        self._mid = extension(media, MID) or self._mid
        self._transport = extension(media, TRANSPORT_CC) or self._transport
        if len(track.layers) == 1 and not track.layers[0].rid:
            self._add_named(section, media)

    def _add_named(self, section: _Section, media: Media) -> None:
        repairing = {group.ssrcs[1] for group in media.groups if group.semantics == "FID" and len(group.ssrcs) == 2}
        for ssrc in media.sources:
            self._remember(ssrc, _Source(section, section.track.layers[0], ssrc in repairing))

    def remove(self, mid: str) -> UpTrack | None:
        """A section carries its track no more."""
        section = self.sections.pop(mid, None)
        if section is None:
            return None
        self._sources = {ssrc: source for ssrc, source in self._sources.items() if source.section is not section}
        self._gauges = {ssrc: gauge for ssrc, gauge in self._gauges.items() if ssrc in self._sources}
        return section.track

    def _remember(self, ssrc: int, source: _Source) -> None:
        if len(self._sources) >= MAX_SOURCES:
            return
        self._sources[ssrc] = source
        if not source.repair:
            source.layer.ssrc = ssrc
            clock_rate = source.section.track.clock_rate
            source.layer.reception = Reception(ssrc, clock_rate)

    def on_rtp(self, datagram: bytes, now_s: float) -> None:
        """A decrypted packet."""
        try:
            packet = parse(datagram)
        except RtpError:
            return
        if self._transport is not None:
            number = packet.extensions.get(self._transport)
            if number is not None and len(number) == 2:
                self.arrivals.on_packet(int.from_bytes(number, "big"), now_s)
        source = self._sources.get(packet.ssrc) or self._find(packet)
        if source is None:
            self.unknown += 1
            return
        section = source.section
        if source.repair:
            original = _repaired(packet, source, section)
            if original is not None:
                section.track.on_rtp(source.layer, original, now_s)
            return
        if section.level is not None and (value := packet.extensions.get(section.level)):
            section.track.level = audio_level(value)[1]
        section.track.on_rtp(source.layer, packet, now_s)

    def _find(self, packet: RtpPacket) -> _Source | None:
        """The track of a source seen for the first time, by what its header says."""
        mid = packet.extensions.get(self._mid) if self._mid is not None else None
        if mid is None:
            return None
        section = self.sections.get(mid.decode("ascii", "replace"))
        if section is None:
            return None
        repaired = packet.extensions.get(section.repaired) if section.repaired is not None else None
        rid = packet.extensions.get(section.rid) if section.rid is not None else None
        named = repaired if repaired is not None else rid
        layer = section.track.layer_of_rid(named.decode("ascii", "replace")) if named is not None else None
        if layer is None:
            if len(section.track.layers) > 1:
                return None
            layer = section.track.layers[0]
        repair = repaired is not None or packet.payload_type in section.repairs
        source = _Source(section, layer, repair)
        self._remember(packet.ssrc, source)
        return source

    def on_sender_report(self, report: rtcp.SenderReport, now_s: float) -> None:
        """A source told its clock."""
        source = self._sources.get(report.ssrc)
        if source is not None and source.layer.reception is not None:
            source.layer.reception.on_sender_report(report, now_s)

    def counts(self) -> tuple[int, int, float]:
        """Packets that should have come so far, those that did, and the worst jitter in seconds."""
        receptions = [
            layer.reception
            for section in self.sections.values()
            for layer in section.track.layers
            if layer.reception is not None
        ]
        return (
            sum(reception.expected for reception in receptions),
            sum(reception.packets for reception in receptions),
            max((reception.jitter_s for reception in receptions), default=0.0),
        )

    @property
    def hears(self) -> bool:
        """Whether sound is published."""
        return any(section.track.kind == "audio" for section in self.sections.values())

    def listen(self) -> None:
        """Note how loud the microphones are: packets have told."""

    def due(self, now_s: float) -> list[rtcp.Packet]:
        """The reports, requests and feedback to send now."""
        layers = [layer for section in self.sections.values() for layer in section.track.layers]
        packets: list[rtcp.Packet] = []
        if now_s - self._report_s >= REPORT_S:
            self._report_s = now_s
            blocks = [layer.reception.report(now_s) for layer in layers if layer.reception is not None]
            reports = tuple(block for block in blocks if block is not None)[: rtcp.MAX_REPORTS]
            if reports:
                packets.append(rtcp.ReceiverReport(OUR_SSRC, reports))
        for section in self.sections.values():
            for layer in section.track.layers:
                if layer.reception is None or layer.ssrc is None:
                    continue
                asked = layer.reception.to_ask(now_s, self.round_trip_s)
                if asked:
                    packets.append(rtcp.Nack(OUR_SSRC, layer.ssrc, tuple(asked)))
                holes, hopeless = layer.reception.take_holes(), layer.reception.take_hopeless()
                if not self.recovery:
                    continue
                for sequence in holes:
                    section.track.on_hole(layer, sequence, now_s)
                requests = [section.track.on_hopeless(layer, number, now_s) for number in hopeless]
                requests.append(section.track.ask_again(layer, now_s))
                packets += [request for request in requests if request is not None]
        if now_s - self._feedback_s >= FEEDBACK_S:
            self._feedback_s = now_s
            self.arrivals.masked = self.recovery and self._masks(layers, now_s)
            missing_s = [layer.reception.oldest_missing_s for layer in layers if layer.reception is not None]
            self.arrivals.missing_s = min((since_s for since_s in missing_s if since_s is not None), default=None)
            feedback = self.arrivals.feedback(now_s)
            if feedback is not None:
                self._count(self.arrivals.lost, len(feedback.arrivals_us), now_s)
                ssrc = next(iter(self._sources), 0)
                packets.append(rtcp.TransportFeedback(OUR_SSRC, ssrc, transport_cc.serialize(feedback)))
        return packets

    def _count(self, lost: int, total: int, now_s: float) -> None:
        """Feedback told of ``total`` packets, ``lost`` of which did not arrive."""
        self.meter.on_counts(lost, total, now_s)
        self.losses.on_counts(lost, total, prompt=self._prompt)

    def _masks(self, layers: list[Layer], now_s: float) -> bool:
        queues_s: list[float] = []
        for layer in layers:
            transit_s = layer.reception.take_transit_s() if layer.reception is not None else None
            if transit_s is not None and layer.ssrc is not None:
                gauge = self._gauges.setdefault(layer.ssrc, QueueGauge())
                gauge.on_transit(transit_s, now_s)
                queues_s.append(gauge.queue_s)
        self._prompt = is_prompt(queues_s)
        if masks(self._prompt, self.meter.loss, self.losses.excess):
            self._masked_s = now_s
        # A machine that stalls for a moment looks like a queue; a queue stays.
        return now_s - self._masked_s < UNMASK_S


def _repaired(packet: RtpPacket, source: _Source, section: _Section) -> RtpPacket | None:
    """The original inside a retransmission (RFC 4588 section 4); None for mere padding."""
    original_type = section.repairs.get(packet.payload_type)
    if original_type is None or len(packet.payload) < 2 or source.layer.ssrc is None:
        return None
    return replace(
        packet,
        payload_type=original_type,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        ssrc=source.layer.ssrc,
        payload=packet.payload[2:],
    )


def layers_of(media: Media) -> list[Layer]:
    """The layers a section announces, lowest first: LiveKit's names have an order, clients list them either way."""
    rids = sorted(media.simulcast.send, key=lambda rid: RIDS.get(rid, len(RIDS)))
    if len(rids) < 2:
        return [Layer(0, rids[0] if rids else "")]
    return [Layer(index, rid) for index, rid in enumerate(rids)]


def codecs_of(media: Media) -> dict[int, Codec]:
    """Payload types of a section that carry media."""
    return {codec.payload_type: codec for codec in usable_codecs(media) if codec.kind != "rtx"}
