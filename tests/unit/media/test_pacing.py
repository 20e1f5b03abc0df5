"""Packets spread over time: the queue by itself, in a Python downtrack, and in the packet thread."""

from __future__ import annotations

from functools import partial
from typing import cast

import pytest

from tests.unit.media.far import Far, thread
from tests.unit.media.test_packet_thread import OUT_TRANSPORT, publish_audio, publish_video, subscribe, video, vp8
from trunkline.media import kernel
from trunkline.media.sfu import pacing
from trunkline.media.sfu.downlink import Downlink
from trunkline.media.sfu.downtrack import DownTrack
from trunkline.media.sfu.pacing import Lane, Pacer
from trunkline.media.sfu.peer import Peer
from trunkline.media.sfu.uptrack import Layer, UpTrack
from trunkline.protocol.rtp import rtcp
from trunkline.protocol.rtp.packet import RtpPacket, parse
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.sdp import Codec, Media
from trunkline.protocol.sdp.answer import TRANSPORT_CC

RATE_BPS = 800_000.0
SIZE = 1000
KEY_FRAME = 60


class Queue:
    """A pacer and what left it: name, time, probe."""

    def __init__(self, rate_bps: float | None = RATE_BPS) -> None:
        self.pacer = Pacer()
        self.pacer.set_rate(rate_bps)
        self.left: list[tuple[str, float, int]] = []

    def send(self, name: str, lane: Lane | None, now_s: float, size: int = SIZE) -> None:
        if lane is not None and self.pacer.holds(now_s):
            self.pacer.put(lane, partial(self.note, name), size, now_s)
        else:
            self.pacer.note(size, now_s)
            self.note(name, now_s, 0)

    def note(self, name: str, now_s: float, cluster: int) -> None:
        self.left.append((name, now_s, cluster))

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.left]


def test_without_a_rate_nothing_waits() -> None:
    queue = Queue(None)
    for n in range(KEY_FRAME):
        queue.send(str(n), Lane.VIDEO, 1.0)
    assert len(queue.left) == KEY_FRAME
    assert queue.pacer.waiting == 0


def test_a_key_frame_leaves_in_bursts_at_the_rate_and_in_order() -> None:
    queue = Queue()
    for n in range(20):
        queue.send(str(n), Lane.VIDEO, 1.0)
    assert len(queue.left) == pacing.LEAST_BURST_BYTES // SIZE + 1
    for step in range(1, 100):
        before = len(queue.left)
        queue.pacer.release(1.0 + 0.005 * step)
        assert len(queue.left) - before <= 3
    assert queue.names == [str(n) for n in range(20)]
    assert 0.1 < queue.left[-1][1] - 1.0 <= pacing.DRAIN_S


def test_however_much_waits_it_is_gone_in_time() -> None:
    queue = Queue(10_000)
    for n in range(500):
        queue.send(str(n), Lane.VIDEO, 1.0)
    for step in range(1, 401):
        queue.pacer.release(1.0 + 0.005 * step)
    assert queue.names == [str(n) for n in range(500)]
    # The queue is worked off by a share of what is left at a time; half of it is gone within the time named.
    assert queue.left[250][1] - 1.0 <= pacing.DRAIN_S


def test_sound_never_waits_and_what_it_takes_is_missing_to_pictures() -> None:
    queue = Queue()
    for n in range(6):
        queue.send(f"v{n}", Lane.VIDEO, 1.0)
    queue.send("a", None, 1.0, 5000)
    assert queue.names == ["v0", "v1", "v2", "a"]
    queue.pacer.release(1.0 + 8 * 2000 / RATE_BPS)
    assert queue.names == ["v0", "v1", "v2", "a"], "the debt of the sound is not paid off yet"
    for step in range(1, 100):
        queue.pacer.release(1.02 + 0.005 * step)
    assert queue.names[4:] == ["v3", "v4", "v5"]


def test_what_was_asked_for_again_leaves_before_pictures_and_probes_send_what_waits() -> None:
    queue = Queue()
    for n in range(6):
        queue.send(f"v{n}", Lane.VIDEO, 1.0)
    queue.send("again", Lane.REPAIR, 1.0)
    assert queue.pacer.spend(2 * SIZE, 7, 1.0) == 2 * SIZE
    assert queue.left[3:] == [("again", 1.0, 7), ("v3", 1.0, 7)]


def test_the_queue_is_bounded_and_nothing_is_lost() -> None:
    queue = Queue()
    for n in range(2 * pacing.MAX_WAITING):
        queue.send(str(n), Lane.VIDEO, 1.0)
        assert queue.pacer.waiting <= pacing.MAX_WAITING
    queue.pacer.set_rate(None)
    queue.send("last", Lane.VIDEO, 1.0)
    queue.pacer.release(1.0)
    assert queue.names == [*(str(n) for n in range(2 * pacing.MAX_WAITING)), "last"]


class Wire:
    """Stands where the transport of a subscriber is."""

    connected = True

    def __init__(self) -> None:
        self.sent: list[RtpPacket] = []

    def send_rtp(self, data: bytes) -> bytes:
        self.sent.append(parse(data))
        return data


def test_a_python_downtrack_numbers_packets_when_they_leave() -> None:
    codecs = [Codec(96, "VP8", 90_000), Codec(97, "rtx", 90_000, 1, {"apt": "96"})]
    layer = Layer(0, "", 7, Reception(7, 90_000))
    up, wire, link = UpTrack("TR_v", "video", "0", {96: codecs[0]}, [layer]), Wire(), Downlink(0)
    down = DownTrack(up, cast("Peer", wire), link, 1, 2, 0, 0, lambda _track, _layer: None)
    down.assign(Media("video", mid="0", codecs=codecs, extensions={OUT_TRANSPORT: TRANSPORT_CC}))
    up.subscribers.append(down)
    link.pace(RATE_BPS)
    for n in range(20):
        up.on_rtp(layer, RtpPacket(96, n, 0, 7, payload=vp8(1, n == 0) + bytes(900)), 1.0)
    at_once = len(wire.sent)
    assert 0 < at_once < 20
    assert down.on_nack((wire.sent[1].sequence,), 1.0) == 1
    for step in range(1, 100):
        link.pacer.release(1.0 + 0.005 * step)
    assert [p.ssrc for p in wire.sent[at_once : at_once + 2]] == [2, 1], "what was asked for again goes first"
    assert [int.from_bytes(p.extensions[OUT_TRANSPORT], "big") for p in wire.sent] == list(range(21))
    pictures = [p.sequence for p in wire.sent if p.ssrc == 1]
    assert pictures == list(range(pictures[0], pictures[0] + 20))


def key_frame(ann: Far, first: int) -> None:
    """A large frame, all at once."""
    for n in range(KEY_FRAME):
        ann.send(video(first + n, 5, vp8(first & 0x7F, n == 0) + bytes(SIZE), marker=n == KEY_FRAME - 1))


needs_kernel = pytest.mark.skipif(kernel.MODULE is None, reason=f"no media kernel: {kernel.WHY_NOT}")


@needs_kernel
def test_the_thread_spreads_pictures_lets_sound_pass_and_numbers_what_leaves() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        track = publish_video(ann)
        subscribe(bob, track, 1000, ((96, 100, 101),))
        cyd = it.join()
        subscribe(bob, publish_audio(cyd), 3000, ((111, 96, 0),))
        it.port.peer_pace(bob.number, RATE_BPS)
        overtook = False
        for turn in range(20):
            key_frame(ann, turn * KEY_FRAME)
            cyd.send(RtpPacket(111, turn, 960 * turn, 6, extensions={1: b"0"}, payload=b"sound"))
            got = bob.receive(KEY_FRAME + 1)
            pictures = [p for p in got if p.ssrc == 1000]
            assert [p.sequence for p in pictures] == [100 + turn * KEY_FRAME + n for n in range(KEY_FRAME)]
            transport = [int.from_bytes(p.extensions[OUT_TRANSPORT], "big") for p in got]
            assert transport == [turn * (KEY_FRAME + 1) + n for n in range(KEY_FRAME + 1)], "numbered as they leave"
            overtook = overtook or got[-1].ssrc == 1000
            if overtook:
                break
        assert overtook, "sound waited behind the whole frame each time"


@needs_kernel
def test_the_thread_lets_everything_go_when_there_is_no_rate_any_more_and_forgets_what_is_unsubscribed() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        track = publish_video(ann)
        down = subscribe(bob, track, 1000, ((96, 100, 101),))
        it.port.peer_pace(bob.number, 100_000.0)
        key_frame(ann, 0)
        it.port.peer_pace(bob.number, 0.0)
        assert len(bob.receive(KEY_FRAME)) == KEY_FRAME
        assert it.port.peer_state(bob.number)[9] == 0
        it.port.peer_pace(bob.number, 100_000.0)
        key_frame(ann, KEY_FRAME)
        assert len(bob.receive(1)) == 1
        it.port.down_remove(down)
        it.port.peer_remove(bob.number)
        assert it.port.peer_state(bob.number) is None
        assert ann.hears(rtcp.ReceiverReport) is not None, "the thread goes on"


@needs_kernel
def test_a_repair_and_a_probe_in_the_thread_go_with_what_waits() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        down = subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_pace(bob.number, 100_000.0)
        key_frame(ann, 0)
        first = bob.receive(1)[0]
        bob.report(rtcp.Nack(1, 1000, (first.sequence,)))
        rest = bob.receive(KEY_FRAME)
        assert sorted(p.ssrc for p in rest) == [1000] * (KEY_FRAME - 1) + [1001]
        repair = next(p for p in rest if p.ssrc == 1001)
        assert int.from_bytes(repair.payload[:2], "big") == first.sequence
        assert it.port.down_probe(down, 1000, 9) >= 1000
        assert len(bob.receive(1)) == 1
