"""What one subscriber is sent of a published track: redundancy that a publisher provides is not taken away."""

from __future__ import annotations

from typing import cast

import pytest

from trunkline.media.recovery.frames import Frame, pack, unpack
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp.packet import RtpPacket, parse
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.sdp import Codec, Media

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
