"""Video from a publisher over a lossy path to the forwarder and over another to a subscriber, in simulated time.

The two clients do what libwebrtc does as far as losses go: the publisher has no retransmission format (as LiveKit's
native clients), keeps packets until feedback says that they arrived, pads with empty packets of the source itself; the
subscriber asks for missing packets every 100 ms, ten times, decodes frames whose references it has, and asks for a key
frame only after three seconds without one. The forwarder in between is the real one.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from trunkline.media.recovery.repeats import copies_for
from trunkline.media.sfu.bandwidth import Bandwidth
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.peer import REPEATED, Peer
from trunkline.media.sfu.uplink import Uplink
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp import rtcp, transport_cc
from trunkline.protocol.rtp.arrivals import Arrivals
from trunkline.protocol.rtp.codecs import parse_vp8
from trunkline.protocol.rtp.packet import RtpPacket, parse
from trunkline.protocol.sdp import Codec, Media
from trunkline.protocol.sdp.answer import TRANSPORT_CC

VP8, RTX, FPS, STEP_S = 96, 97, 20, 0.005
DELAY_S = 0.01
FRAME_PACKETS, KEY_PACKETS, PACKET_BYTES = 3, 12, 1000
ROUND_TRIP_UNKNOWN_S, NACK_TRIES, PATIENCE_S = 0.1, 10, 3.0


class Simulation:
    """Everything, and the time.

    Args:
        up: share of packets lost between publisher and forwarder, each way.
        down: the same between forwarder and subscriber.
        recovery: the forwarder's setting.
        stall_s: every 1.3 s the publisher does nothing for so long, as on a busy machine.
    """

    def __init__(self, up: float, down: float, *, recovery: bool, seed: int, stall_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.random = random.Random(seed)
        self.loss = {"up": up, "down": down}
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.recovery = recovery
        self.stall_s = stall_s
        self.uplink = Uplink(Arrivals(0.0), recovery=recovery)
        self.layer = Layer(0, "")
        codecs = [Codec(VP8, "VP8", 90_000), Codec(RTX, "rtx", 90_000, parameters={"apt": str(VP8)})]
        self.track = UpTrack("TR_v", "video", "0", {VP8: codecs[0]}, [self.layer])
        media = Media("video", mid="0", codecs=codecs[:1], extensions={3: TRANSPORT_CC}, sources={7: ""})
        self.uplink.add(self.track, media)
        self.link = Downlink(recovery=recovery)
        wire = cast("Peer", Wire(self))
        self.down = DownTrack(self.track, wire, self.link, 1000, 1001, 65_000, 0, self.ask)
        self.down.assign(Media("video", mid="1", codecs=codecs, extensions={3: TRANSPORT_CC}))
        self.track.subscribers.append(self.down)
        self.bandwidth = Bandwidth(self.link)
        self.publisher, self.subscriber = Publisher(self), Subscriber(self)

    def carry(self, path: str, deliver: Callable[[], None]) -> None:
        """A datagram on its way, which may be lost."""
        if self.random.random() >= self.loss[path]:
            self.count += 1
            heapq.heappush(self.events, (self.now_s + DELAY_S, self.count, deliver))

    def ask(self, track: UpTrack, layer: Layer) -> None:
        """The forwarder wants a key frame."""
        request = track.ask_key_frame(layer, self.now_s)
        if request is not None:
            self.to_publisher([request])

    def to_publisher(self, packets: list[rtcp.Packet]) -> None:
        """As ``Peer.send_rtcp`` does: what is urgent goes in copies."""
        parts = [packets, *([[p for p in packets if isinstance(p, REPEATED)]] * (self.up_copies - 1))]
        for part in parts:
            self.carry("up", lambda part=part: self.publisher.waiting.append(part))  # type: ignore[misc]

    @property
    def up_copies(self) -> int:
        return copies_for(self.uplink.meter.loss) if self.recovery else 1

    def from_subscriber(self, packets: list[rtcp.Packet]) -> None:
        """As ``Connection.on_rtcp`` does."""
        for packet in packets:
            if isinstance(packet, rtcp.TransportFeedback):
                self.link.on_feedback(packet.body, self.now_s)
            elif isinstance(packet, rtcp.Nack):
                self.down.on_nack(packet.lost, self.now_s)
            elif isinstance(packet, rtcp.PictureLoss):
                self.down.ask(self.now_s)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_s, ticks = self.now_s + seconds, 0
        while self.now_s < end_s:
            self.now_s += STEP_S
            ticks += 1
            while self.events and self.events[0][0] <= self.now_s:
                heapq.heappop(self.events)[2]()
            self.publisher.tick()
            self.subscriber.tick()
            found = self.uplink.due(self.now_s)
            if found:
                self.to_publisher(found)
            if ticks % 4 == 0:
                self.link.pacer.release(self.now_s)
                self.down.repeat(self.now_s)
                self.bandwidth.tick([self.down], self.now_s)
                self.layer.measure(self.now_s)


class Wire:
    """Stands where the subscriber's transport is."""

    connected = True

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation

    def send_rtp(self, data: bytes) -> bytes:
        packet = parse(data)
        self.simulation.carry("down", lambda: self.simulation.subscriber.on_packet(packet))
        return data


@dataclass
class Kept:
    packet: RtpPacket
    sent_s: float


class Publisher:
    """A camera: two temporal layers, some padding.

    Attributes:
        reported_lost: of what feedback told about, in all.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.it = simulation
        self.history: dict[int, Kept] = {}
        self.by_transport: dict[int, int] = {}
        self.sequence = self.transport = self.picture = self.tl0 = 0
        self.frames = 0
        self.next_s = simulation.now_s
        self.wants_key, self.key_s = True, -1e9
        self.reported = self.reported_lost = self.key_frames = 0
        self.waiting: list[list[rtcp.Packet]] = []

    def tick(self) -> None:
        if self.it.now_s % 1.3 < self.it.stall_s:
            return
        waiting, self.waiting = self.waiting, []
        for part in waiting:
            self.on_reports(part)
        if self.it.now_s < self.next_s:
            return
        self.next_s += 1 / FPS
        key = self.wants_key and self.it.now_s - self.key_s > 0.3
        temporal = 0 if key else self.frames % 2
        if key:
            self.wants_key, self.key_s, self.frames, temporal = False, self.it.now_s, 0, 0
            self.key_frames += 1
        self.frames += 1
        self.picture += 1
        self.tl0 += temporal == 0
        parts = KEY_PACKETS if key else FRAME_PACKETS
        for number in range(parts):
            head = bytes((0x90 if number == 0 else 0x80, 0xE0)) + (0x8000 | self.picture & 0x7FFF).to_bytes(2, "big")
            head += bytes((self.tl0 & 0xFF, temporal << 6, 0 if key and number == 0 else 1))
            self.send(head + bytes(PACKET_BYTES), marker=number == parts - 1)
        if self.picture % 2 == 0:
            self.send(b"", marker=False)

    def send(self, payload: bytes, *, marker: bool) -> None:
        self.sequence = (self.sequence + 1) & 0xFFFF
        timestamp = self.picture * 90_000 // FPS
        packet = RtpPacket(VP8, self.sequence, timestamp, 7, marker, payload=payload)
        if payload:
            self.history[self.sequence] = Kept(packet, self.it.now_s)
        self.transmit(packet)

    def transmit(self, packet: RtpPacket) -> None:
        self.transport = (self.transport + 1) & 0xFFFF
        self.by_transport[self.transport] = packet.sequence
        packet.extensions = {3: self.transport.to_bytes(2, "big")}
        data = packet.serialize()
        self.it.carry("up", lambda: self.it.uplink.on_rtp(data, self.it.now_s))

    def on_reports(self, packets: list[rtcp.Packet]) -> None:
        for packet in packets:
            if isinstance(packet, rtcp.PictureLoss):
                self.wants_key = True
            elif isinstance(packet, rtcp.Nack):
                for sequence in packet.lost:
                    kept = self.history.get(sequence)
                    if kept is not None and self.it.now_s - kept.sent_s >= 2 * DELAY_S:
                        kept.sent_s = self.it.now_s
                        self.transmit(kept.packet)
            elif isinstance(packet, rtcp.TransportFeedback):
                self.on_feedback(transport_cc.parse(packet.body))

    def on_feedback(self, feedback: transport_cc.Feedback) -> None:
        for number, arrived_us in enumerate(feedback.arrivals_us, feedback.base):
            sequence = self.by_transport.pop(number & 0xFFFF, None)
            if sequence is None:
                continue
            self.reported += 1
            self.reported_lost += arrived_us is None
            if arrived_us is not None:
                self.history.pop(sequence, None)


@dataclass
class Missing:
    tries: int = 0
    next_s: float = 0.0


@dataclass
class Frame:
    packets: dict[int, RtpPacket] = field(default_factory=dict)


class Subscriber:
    """A decoder.

    Attributes:
        shown_s: when frames were decoded.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.it = simulation
        self.arrivals = Arrivals(0.0)
        self.missing: dict[int, Missing] = {}
        self.highest: int | None = None
        self.frames: dict[int, Frame] = {}
        self.shown_s: list[float] = []
        self.decoded_s = self.asked_s = simulation.now_s
        self.tl0: int | None = None
        self.last_timestamp = -1
        self.feedback_s = 0.0
        self.plis = 0

    def on_packet(self, packet: RtpPacket) -> None:
        self.arrivals.on_packet(int.from_bytes(packet.extensions[3], "big"), self.it.now_s)
        if packet.payload_type == RTX:
            if len(packet.payload) < 2:
                return
            packet = RtpPacket(
                VP8,
                int.from_bytes(packet.payload[:2], "big"),
                packet.timestamp,
                1000,
                packet.marker,
                payload=packet.payload[2:],
            )
        self.note(packet.sequence)
        if packet.payload and packet.timestamp > self.last_timestamp:
            self.frames.setdefault(packet.timestamp, Frame()).packets[packet.sequence] = packet
            self.decode()

    def note(self, sequence: int) -> None:
        if self.highest is None:
            self.highest = sequence
        ahead = (sequence - self.highest) & 0xFFFF
        if 0 < ahead < 1 << 15:
            for gap in range(1, ahead):
                self.missing[(self.highest + gap) & 0xFFFF] = Missing(next_s=self.it.now_s)
            self.highest = sequence
        else:
            self.missing.pop(sequence, None)

    def decode(self) -> None:
        while True:
            ready = [timestamp for timestamp in sorted(self.frames) if self.is_decodable(self.frames[timestamp])]
            if not ready:
                return
            first = next(iter(self.frames[ready[0]].packets.values()))
            descriptor = parse_vp8(first.payload)
            if not descriptor.temporal:
                self.tl0 = descriptor.tl0_index
            self.last_timestamp = ready[0]
            self.frames = {timestamp: one for timestamp, one in self.frames.items() if timestamp > ready[0]}
            self.decoded_s = self.it.now_s
            self.shown_s.append(self.it.now_s)

    def is_decodable(self, frame: Frame) -> bool:
        first = next((p for p in frame.packets.values() if parse_vp8(p.payload).start), None)
        if first is None:
            return False
        sequence = first.sequence
        while not frame.packets[sequence].marker:
            sequence = (sequence + 1) & 0xFFFF
            if sequence not in frame.packets:
                return False
        descriptor = parse_vp8(first.payload)
        if descriptor.key_frame:
            return True
        if self.tl0 is None:
            return False
        assert descriptor.tl0_index is not None
        return (descriptor.tl0_index - self.tl0) & 0xFF == (0 if descriptor.temporal else 1)

    def tick(self) -> None:
        now_s = self.it.now_s
        asked: list[int] = []
        for sequence, missing in list(self.missing.items()):
            if missing.next_s > now_s:
                continue
            if missing.tries >= NACK_TRIES:
                del self.missing[sequence]
                continue
            missing.tries += 1
            missing.next_s = now_s + ROUND_TRIP_UNKNOWN_S
            asked.append(sequence)
        packets: list[rtcp.Packet] = [rtcp.Nack(1, 1000, tuple(sorted(asked)))] if asked else []
        if now_s - max(self.decoded_s, self.asked_s) > PATIENCE_S or (
            not self.shown_s and self.highest is not None and now_s - self.asked_s > 0.2
        ):
            self.asked_s = now_s
            self.plis += 1
            packets.append(rtcp.PictureLoss(1, 1000))
        if now_s - self.feedback_s >= 0.1:
            self.feedback_s = now_s
            feedback = self.arrivals.feedback(now_s)
            if feedback is not None:
                packets.append(rtcp.TransportFeedback(1, 1000, transport_cc.serialize(feedback)))
        if packets:
            self.it.carry("down", lambda: self.it.from_subscriber(packets))


def frozen(shown_s: list[float], begun_s: float, ended_s: float) -> float:
    """The share of time in freezes, as WebRTC's statistics define them: an interval between frames longer than three
    times the mean of the 30 before it, or 150 ms longer than that mean, whichever is more."""
    times = [begun_s, *(at_s for at_s in shown_s if at_s > begun_s), ended_s]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    total = 0.0
    for position, gap in enumerate(gaps):
        before = gaps[max(position - 30, 0) : position]
        mean = sum(before) / len(before) if before else 1 / FPS
        total += gap if gap >= max(3 * mean, mean + 0.15) else 0.0
    return total / (ended_s - begun_s)
