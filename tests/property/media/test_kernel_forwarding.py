"""The packet thread against the forwarder in Python: the same packets in, the same packets out to a subscriber."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.media.descriptors import descriptor, key_mode
from tests.unit.media.far import Far, Thread, thread
from trunkline.media import kernel
from trunkline.media.recovery.frames import Frame, pack
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp.packet import RtpPacket, parse
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.sdp import Codec, Media
from trunkline.protocol.sdp.answer import AUDIO_LEVEL, DEPENDENCY_DESCRIPTOR, MID, ORIENTATION, TRANSPORT_CC

if kernel.MODULE is None:
    pytest.skip(f"no media kernel: {kernel.WHY_NOT}", allow_module_level=True)

CODECS = {"vp8": 1, "h264": 2, "vp9": 3, "av1": 4}
SEQUENCE, TIMESTAMP, SSRC = 65_530, 4_294_960_000, 1000
OUT = {11: MID, 12: AUDIO_LEVEL, 13: TRANSPORT_CC, 14: ORIENTATION, 15: DEPENDENCY_DESCRIPTOR}
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Wire:
    """Stands where the transport of the twin's subscriber is, and keeps the packets."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[RtpPacket] = []
        self.again: list[RtpPacket] = []

    def send_rtp(self, data: bytes) -> bytes:
        self.sent.append(parse(data))
        return data

    def send_again(self, data: bytes) -> None:
        self.again.append(parse(data))


class Both:
    """A published track and one subscriber, in the thread and in Python."""

    def __init__(
        self, it: Thread, codecs: list[Codec], layers: int, outs: list[Codec], depth: int, limit: int, copies: int = 1
    ) -> None:
        self.ann, self.bob = it.join(), it.join()
        kind = "audio" if codecs[0].clock_rate == 48_000 else "video"
        rids = ("",) if layers == 1 else tuple("qhf"[:layers])
        numbers = {"red": 2}
        formats = tuple((c.payload_type, numbers.get(c.kind, 1), CODECS.get(c.kind, 0), 0) for c in codecs)
        port = it.port
        port.peer_extensions(self.ann.number, 1, 0)
        self.track = port.track_add(self.ann.number, kind == "audio", "0", rids, formats, (2, 0, 4, 5, 6))
        self.layers = [Layer(n, rid, 10 + n, Reception(10 + n, codecs[0].clock_rate)) for n, rid in enumerate(rids)]
        for layer in self.layers:
            port.track_source(self.track, layer.ssrc, layer.index, False)
        port.peer_depth(self.bob.number, depth, limit, copies)
        self.copies = copies
        self.down = port.down_add(self.track, self.bob.number, SSRC, 2, SEQUENCE, TIMESTAMP)

        self.up = UpTrack("TR_a", kind, "0", {codec.payload_type: codec for codec in codecs}, self.layers)
        self.up.orientation, self.up.descriptor = 5, 6
        self.wire = Wire()
        link = Downlink(limit)
        link.depth.depth, link.depth.copies = depth, copies
        self.twin = DownTrack(
            self.up, cast("Peer", self.wire), link, SSRC, 2, SEQUENCE, TIMESTAMP, lambda _track, _layer: None
        )
        media = Media(kind, mid="7", codecs=outs, extensions=OUT)
        self.twin.assign(media)
        self.up.subscribers.append(self.twin)
        red: Any = self.twin._red
        red_types = (-1, -1) if red is None else (red[0].payload_type, red[1])
        found = [(codec.payload_type, self.twin._format(codec)) for codec in codecs]
        pairs = tuple((pt, out[0].payload_type, 0) for pt, out in found if out is not None)
        port.down_assign(self.down, "7", pairs, (11, 12, 13, 14, 15), *red_types)
        self.port = port
        self.sent = 0

    def send(self, layer: int, packet: RtpPacket) -> None:
        """The same packet to both; both have seen it afterwards."""
        packet.ssrc = 10 + layer
        if not self.ann.send(packet):
            return
        self.sent += 1
        deadline = time.monotonic() + 10
        while self.port.peer_state(self.ann.number)[2] < self.sent and time.monotonic() < deadline:
            time.sleep(0)
        level = packet.extensions.get(4)
        if level is not None:
            self.up.level = level[0] & 0x7F
        self.up.on_rtp(self.layers[layer], packet, time.monotonic())

    def limit(self, wanted: int, paused: bool) -> None:
        self.port.down_limit(self.down, wanted, paused)
        self.twin.wanted, self.twin.paused = wanted, paused

    def compare(self, tolerance: int) -> None:
        """Everything that came out."""
        got = receive(self.bob, len(self.wire.sent), self.copies)
        assert self.wire.again == (self.wire.sent if self.copies == 2 else [])
        assert self.port.down_state(self.down)[1] == len(self.wire.sent)
        for ours, other in zip(got, self.wire.sent, strict=True):
            assert abs((ours.timestamp - other.timestamp + 2**31) % 2**32 - 2**31) <= tolerance
            ours.timestamp = other.timestamp
            assert ours == other


def receive(far: Far, count: int, copies: int) -> list[RtpPacket]:
    found = []
    for _ in range(count if copies > 1 else 0):
        first, *others = [far.wire() for _ in range(copies)]
        assert others == [first] * (copies - 1), "the same bytes"
        found.append(parse(far.opening.unprotect(first)))
    return found + far.receive(count - len(found)) + far.receive(1, 0.01)


frame = st.binary(min_size=1, max_size=60)
sounds = st.lists(
    st.tuples(st.sampled_from([1, 1, 1, 1, 2, 3, -1, 0]), frame, st.integers(0, 4), st.booleans(), st.booleans()),
    min_size=1,
    max_size=40,
)
OPUS = Codec(111, "opus", 48_000, 2)
RED = Codec(63, "red", 48_000, 2, {"111/111": ""})


@few
@given(sounds, st.sampled_from([(0, 12), (0, 0), (2, 12), (6, 12), (7, 12, 2)]), st.booleans())
def test_sound_goes_out_alike(actions: list[Any], depth: tuple[int, ...], takes_red: bool) -> None:
    with thread() as it:
        both = Both(it, [RED, OPUS], 1, [RED, OPUS] if takes_red else [OPUS], *depth)
        frames: dict[int, bytes] = {}
        number = 100
        for step, data, repeats, redundant, silent in actions:
            number += step
            own = frames.setdefault(number, data)
            payload = own
            if redundant:
                earlier = [Frame(960 * (number - n), frames.get(number - n, b"lost")) for n in range(1, repeats + 1)]
                for n in range(1, repeats + 1):
                    frames.setdefault(number - n, b"lost")
                payload = pack(111, Frame(960 * number, own), earlier)
            names = {1: b"0"} | ({4: bytes((number & 0x7F,))} if silent else {})
            both.send(0, RtpPacket(63 if redundant else 111, number, 960 * number, 0, False, (), names, payload))
        both.compare(0)


pictures = st.lists(
    st.one_of(
        st.tuples(st.just("packet"), st.integers(0, 2), st.sampled_from([1, 1, 1, 1, 2, -1, 5]), st.integers(0, 9)),
        st.tuples(st.just("limit"), st.integers(0, 2), st.sampled_from([0, 0, 1]), st.just(0)),
    ),
    min_size=1,
    max_size=80,
)


@few
@given(pictures)
def test_layers_are_chosen_and_numbered_alike(actions: list[Any]) -> None:
    with thread() as it:
        vp8 = Codec(96, "vp8", 90_000)
        both = Both(it, [vp8], 3, [Codec(100, "vp8", 90_000)], 0, 12)
        numbers = [65_500, 300, 7]
        for action, layer, step, kind in actions:
            if action == "limit":
                both.limit(layer, bool(step))
                continue
            numbers[layer] = (numbers[layer] + step) & 0xFFFF
            number = numbers[layer]
            head = bytes((0x90, 0xC0, 0x80 | number >> 8 & 0x7F, number & 0xFF, number & 0xFF, int(kind > 2)))
            payload = b"" if kind == 9 else head + bytes((layer,)) * (20 + kind)
            names = {1: b"0", 2: b"qhf"[layer : layer + 1]} | ({5: bytes((kind,))} if kind % 2 else {})
            both.send(layer, RtpPacket(96, number, 3000 * number & 0xFFFFFFFF, 0, kind < 5, (), names, payload))
        both.compare(90_000 // 4)


scales = st.lists(
    st.one_of(
        st.tuples(st.just("picture"), st.booleans(), st.integers(0, 7)),
        st.tuples(st.just("picture"), st.just(False), st.sampled_from([0, 0, 0, 7])),
        st.tuples(st.just("limit"), st.booleans(), st.integers(0, 3)),
    ),
    min_size=1,
    max_size=30,
)


@few
@given(scales, st.sampled_from(["vp9", "av1"]), st.data())
def test_spatial_layers_are_chosen_and_numbered_alike(actions: list[Any], codec: str, data: st.DataObject) -> None:
    """Three layers, each of two packets; some packets overtake others or never come."""
    with thread() as it:
        both = Both(it, [Codec(96, codec, 90_000)], 1, [Codec(100, codec, 90_000)], 0, 12)
        kinds = key_mode(3)
        number = frame = picture = 0
        key_next = True
        late: list[RtpPacket] = []
        for action, flag, value in actions:
            if action == "limit":
                both.limit(value, flag and value == 0)
                continue
            picture += 1
            key, key_next = flag or key_next, False
            for spatial in range(3):
                frame += 1
                for half in range(2):
                    number += 1
                    begins, ends = half == 0, half == 1
                    first = 0xA0 | (0 if key else 0x40) | (8 if begins else 0) | (4 if ends else 0)
                    first |= 2 if key and begins and spatial == 0 else 0
                    payload = bytes(
                        (first, 0x80 | picture >> 8 & 0x7F, picture & 0xFF, spatial << 1, picture & 0xFF, 64)
                    )
                    if codec == "av1":
                        payload = bytes((0x18 if key and spatial == 0 and begins else 0x10, 2, 3, number & 0xFF))
                    names = {1: b"0"}
                    if codec == "av1" or flag:
                        structure = kinds if key and spatial == 0 and begins else None
                        template = 2 * spatial + (0 if key else 1)
                        names[6] = descriptor(
                            template, frame, begins=begins, ends=ends, structure=structure, targets=3, known_targets=3
                        )
                    last = spatial == 2 and ends
                    packet = RtpPacket(96, number, 3000 * picture, 0, last, (), names, payload)
                    (late.append if value >> spatial & 1 and begins else lambda p: both.send(0, p))(packet)
            for packet in late:
                if data.draw(st.booleans()):
                    both.send(0, packet)
            late.clear()
        both.compare(90_000 // 4)
