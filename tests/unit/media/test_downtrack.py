"""What one subscriber is sent of a published track: redundancy that a publisher provides is not taken away."""

from __future__ import annotations

from typing import cast

import pytest

from tests.unit.media.descriptors import descriptor, key_mode
from trunkline.media.recovery.frames import Frame, pack, unpack
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp import dependency
from trunkline.protocol.rtp.packet import RtpPacket, parse
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.sdp import Codec, Media
from trunkline.protocol.sdp.answer import DEPENDENCY_DESCRIPTOR

RED, OPUS, STEP = 63, 111, 960


class Wire:
    """Stands where the transport of a subscriber is, and keeps the packets."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[RtpPacket] = []

    def send_rtp(self, data: bytes) -> bytes:
        self.sent.append(parse(data))
        return data


def subscriber(depth_limit: int) -> tuple[UpTrack, Layer, Wire]:
    """A published track with redundancy and one subscriber that takes it."""
    codecs = [Codec(RED, "red", 48_000, 2, {f"{OPUS}/{OPUS}": ""}), Codec(OPUS, "opus", 48_000, 2)]
    layer = Layer(0, "", 7, Reception(7, 48_000))
    up = UpTrack("TR_a", "audio", "0", {codec.payload_type: codec for codec in codecs}, [layer])
    wire = Wire()
    down = DownTrack(up, cast("Peer", wire), Downlink(depth_limit), 1, 2, 0, 0, lambda _track, _layer: None)
    down.assign(Media("audio", mid="0", codecs=codecs))
    up.subscribers.append(down)
    return up, layer, wire


def publish(up: UpTrack, layer: Layer, count: int, depth: int, payload_type: int = RED) -> None:
    """Frames with the ``depth`` before them in each packet."""
    frames = [Frame(STEP * n, bytes([n]) * 20) for n in range(1, count + 1)]
    for n, frame in enumerate(frames):
        earlier = frames[max(0, n - depth) : n][::-1]
        payload = pack(OPUS, frame, earlier) if payload_type == RED else frame.data
        up.on_rtp(layer, RtpPacket(payload_type, n, frame.timestamp, 7, False, payload=payload), 0.02 * n)


def repeats(wire: Wire) -> list[int]:
    """How many earlier frames each packet holds."""
    return [len(unpack(packet.payload, packet.timestamp)) - 1 for packet in wire.sent]


@pytest.mark.parametrize(("published", "held"), [(2, 1), (1, 1), (0, 0)])
def test_a_publisher_with_redundancy_is_sent_on_with_one_frame_before_any_loss(published: int, held: int) -> None:
    up, layer, wire = subscriber(depth_limit=12)
    publish(up, layer, 6, published)
    assert [packet.payload_type for packet in wire.sent] == [RED] * 6
    assert repeats(wire) == [0] + [held] * 5


def test_a_publisher_without_redundancy_is_sent_on_without_before_any_loss() -> None:
    up, layer, wire = subscriber(depth_limit=12)
    publish(up, layer, 4, 0, OPUS)
    assert [packet.payload_type for packet in wire.sent] == [OPUS] * 4


def test_switched_off_the_redundancy_is_what_was_published() -> None:
    up, layer, wire = subscriber(depth_limit=0)
    publish(up, layer, 6, 2)
    assert repeats(wire) == [0, 1, 2, 2, 2, 2]


class Scalable:
    """A camera with three spatial layers (``L3T1_KEY``) in two packets each, and one subscriber.

    Attributes:
        asked: key frames asked for.
    """

    def __init__(self, codec: str = "av1", *, described: bool = True) -> None:
        self.codec, self.described = codec, described
        codecs = [Codec(45, codec, 90_000)]
        self.layer = Layer(0, "", 7, Reception(7, 90_000))
        self.up = UpTrack("TR_v", "video", "0", {45: codecs[0]}, [self.layer])
        self.up.descriptor = 6
        self.wire, self.asked = Wire(), 0
        self.down = DownTrack(self.up, cast("Peer", self.wire), Downlink(0), 1, 2, 0, 0, self._ask)
        extensions = {9: DEPENDENCY_DESCRIPTOR} if described else {}
        self.down.assign(Media("video", mid="0", codecs=codecs, extensions=extensions))
        self.up.subscribers.append(self.down)
        self.number = self.frame = 500
        self.picture = 0

    def _ask(self, _track: UpTrack, _layer: Layer) -> None:
        self.asked += 1

    def show(self, count: int = 1, *, key: bool = False) -> list[RtpPacket]:
        """So many pictures: what the subscriber got of them."""
        before = len(self.wire.sent)
        for _ in range(count):
            self.picture += 1
            for spatial in range(3):
                self.frame += 1
                for half in range(2):
                    self.number += 1
                    self.up.on_rtp(self.layer, self.packet(spatial, half, key=key), self.picture / 20)
        return self.wire.sent[before:]

    @staticmethod
    def layers(packets: list[RtpPacket]) -> list[int]:
        """The spatial layer of each."""
        return [p.payload[3] >> 1 if p.payload[0] & 0x80 else p.payload[5] for p in packets]

    def packet(self, spatial: int, half: int, *, key: bool) -> RtpPacket:
        begins, ends = half == 0, half == 1
        if self.codec == "vp9":
            first = 0xA0 | (0 if key else 0x40) | (8 if begins else 0) | (4 if ends else 0)
            structure = bytes((2 << 5,)) if key and spatial == 0 and begins else b""
            first |= 2 if structure else 0
            payload = bytes((first, 0x80 | self.picture >> 8, self.picture & 0xFF, spatial << 1, 0)) + structure
        else:
            payload = bytes((0x18 if key and spatial == 0 and begins else 0x10, 1, 1, 1, 1, spatial))
        extensions = {}
        if self.described:
            given = key_mode(3) if key and spatial == 0 and begins else None
            template = 2 * spatial + (0 if key else 1)
            extensions[6] = descriptor(
                template, self.frame, begins=begins, ends=ends, structure=given, targets=3, known_targets=3
            )
        return RtpPacket(
            45, self.number, 4500 * self.picture, 7, spatial == 2 and ends, extensions=extensions, payload=payload
        )


@pytest.mark.parametrize(("codec", "described"), [("av1", True), ("vp9", True), ("vp9", False)])
def test_a_subscriber_of_scalable_video_is_sent_the_layers_it_wants(codec: str, described: bool) -> None:
    camera = Scalable(codec, described=described)
    whole = camera.show(key=True)
    assert camera.layers(whole) == [0, 0, 1, 1, 2, 2]
    camera.down.wanted = 1
    fewer = camera.show(2)
    assert camera.layers(fewer) == [0, 0, 1, 1] * 2
    assert [packet.marker for packet in fewer] == [False, False, False, True] * 2, (
        "the picture ends with its last layer"
    )
    sequences = [packet.sequence for packet in camera.wire.sent]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences))), "nothing looks lost"
    camera.down.wanted = 2
    assert camera.asked == 0
    assert camera.layers(camera.show()) == [0, 0, 1, 1]
    assert camera.asked > 0, "only a key frame can begin a higher layer"
    assert camera.layers(camera.show(key=True)) == [0, 0, 1, 1, 2, 2]
    assert len(camera.up.steps) == 3 and all(step.octets for step in camera.up.steps)


def test_frame_numbers_of_scalable_video_go_on_over_a_pause() -> None:
    camera = Scalable()
    before = camera.show(key=True)
    camera.down.paused = True
    camera.show(40)
    camera.down.paused = False
    assert camera.show() == []
    after = camera.show(key=True)
    structure = dependency.read(before[0].extensions[9], None).structure
    frames = [dependency.read(packet.extensions[9], structure).frame for packet in (*before, *after)]
    assert frames == sorted(frames) and frames[6] == frames[5] + 1


def test_a_late_packet_of_a_layer_that_is_not_sent_leaves_no_hole() -> None:
    camera = Scalable()
    camera.down.wanted = 0
    camera.show(key=True)
    packets = []
    camera.picture += 1
    for spatial in range(3):
        camera.frame += 1
        for half in range(2):
            camera.number += 1
            packets.append(camera.packet(spatial, half, key=False))
    late = packets.pop(3)
    for packet in (*packets, late):
        camera.up.on_rtp(camera.layer, packet, 1.0)
    camera.show(2)
    sequences = sorted(packet.sequence for packet in camera.wire.sent)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert [packet.payload for packet in camera.wire.sent if not packet.payload] == [b""]
