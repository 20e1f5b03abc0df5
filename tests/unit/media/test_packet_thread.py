"""The packet thread over real sockets: what goes in, what comes out, and what it leaves to Python."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from typing import Any

import pytest

from tests.unit.media.far import Far, thread
from trunkline.media import kernel
from trunkline.media.congestion.history import Reported
from trunkline.protocol.rtp import rtcp, transport_cc
from trunkline.protocol.rtp.packet import RtpPacket
from trunkline.protocol.stun import IceLiteAgent, parse
from trunkline.protocol.stun.message import BINDING, Attribute, MessageClass, StunMessage

if kernel.MODULE is None:
    pytest.skip(f"no media kernel: {kernel.WHY_NOT}", allow_module_level=True)

MEDIA, RED, REPAIR = 1, 2, 3
VP8 = 1
MID, RID, REPAIRED, LEVEL, TRANSPORT = 1, 2, 3, 4, 5
OUT_MID, OUT_LEVEL, OUT_TRANSPORT = 11, 12, 13
NO_RED = (-1, -1)


def publish_video(far: Far, rids: tuple[str, ...] = ("",), mid: str = "0") -> int:
    """A VP8 track with a retransmission format."""
    far.port.peer_extensions(far.number, MID, TRANSPORT)
    formats = ((96, MEDIA, VP8, 0), (97, REPAIR, 0, 96))
    return int(far.port.track_add(far.number, False, mid, rids, formats, (RID, REPAIRED, 0, 0, 0)))


def publish_audio(far: Far, formats: tuple[tuple[int, int, int, int], ...] = ((111, MEDIA, 0, 0),)) -> int:
    far.port.peer_extensions(far.number, MID, TRANSPORT)
    return int(far.port.track_add(far.number, True, "0", ("",), formats, (0, 0, LEVEL, 0, 0)))


def subscribe(far: Far, track: int, ssrc: int, formats: tuple[tuple[int, int, int], ...], red: Any = NO_RED) -> int:
    down = int(far.port.down_add(track, far.number, ssrc, ssrc + 1, 100, 5000))
    far.port.down_assign(down, "7", formats, (OUT_MID, OUT_LEVEL, OUT_TRANSPORT, 0, 0), *red)
    return down


def vp8(picture: int, key: bool, fill: int = 0) -> bytes:
    """A whole frame in a packet: picture id and TL0PICIDX with it."""
    head = bytes((0x90, 0xC0, 0x80 | picture >> 8, picture & 0xFF, picture & 0xFF))
    return head + bytes((0 if key else 1,)) + bytes((fill,)) * 40


def video(
    number: int, ssrc: int, payload: bytes, names: dict[int, bytes] | None = None, marker: bool = True
) -> RtpPacket:
    return RtpPacket(96, number & 0xFFFF, 3000 * number, ssrc, marker, extensions=names or {MID: b"0"}, payload=payload)


def test_a_track_goes_to_every_subscriber_under_its_own_numbers() -> None:
    with thread() as it:
        ann, bob, cyd = it.join(), it.join(), it.join()
        track = publish_audio(ann)
        subscribe(bob, track, 1000, ((111, 96, 0),))
        subscribe(cyd, track, 2000, ((111, 100, 0),))
        for n in range(3):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0", LEVEL: b"\x9e"}, payload=b"sound%d" % n))
        for far, payload_type, ssrc in ((bob, 96, 1000), (cyd, 100, 2000)):
            got = far.receive(3)
            assert [(p.payload_type, p.ssrc, p.payload) for p in got] == [
                (payload_type, ssrc, b"sound%d" % n) for n in range(3)
            ]
            assert [p.sequence for p in got] == [100, 101, 102]
            assert [p.timestamp for p in got] == [5000, 5960, 6920]
            assert [p.extensions[OUT_MID] for p in got] == [b"7"] * 3
            assert [p.extensions[OUT_LEVEL] for p in got] == [b"\x1e"] * 3
            assert [p.extensions[OUT_TRANSPORT] for p in got] == [bytes((0, n)) for n in range(3)]
        assert it.port.track_state(track)[0] == 0x1E


def test_what_is_replayed_forged_or_from_elsewhere_goes_nowhere() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_audio(ann), 1000, ((111, 96, 0),))
        sealed = ann.send(RtpPacket(111, 1, 0, 5, extensions={MID: b"0"}, payload=b"once"))
        assert len(bob.receive(1)) == 1
        ann.socket.sendto(sealed, it.address)
        ann.socket.sendto(sealed[:-1] + bytes((sealed[-1] ^ 1,)), it.address)
        bob.socket.sendto(sealed, it.address)
        ann.send(RtpPacket(111, 2, 960, 5, payload=b"next"))
        assert [p.payload for p in bob.receive(2, 0.5)] == [b"next"]
        assert it.port.peer_state(ann.number)[4] == 2
        assert it.port.peer_state(bob.number)[4] == 1


def test_a_layer_is_left_for_another_at_its_key_frame_and_the_numbers_go_on() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        track = publish_video(ann, ("q", "h"))
        down = subscribe(bob, track, 1000, ((96, 100, 101),))
        it.port.down_limit(down, 0, False)

        def layer(n: int, ssrc: int, key: bool) -> None:
            names = {MID: b"0", RID: b"q" if ssrc == 10 else b"h"}
            ann.send(video(n, ssrc, vp8(n, key, ssrc), names))

        for n in range(50, 53):
            layer(n, 10, n == 50)
        first = bob.receive(3)
        assert {p.payload[-1] for p in first} == {10}
        it.port.down_limit(down, 1, False)
        for n in range(900, 903):
            layer(n, 20, n == 901)
            layer(n - 847, 10, False)
        later = bob.receive(6, 1.0)
        assert [p.payload[-1] for p in later][-2:] == [20, 20]
        assert all(p.payload[-1] == 10 for p in later[:-2])
        every = first + later
        assert [p.sequence for p in every] == list(range(100, 100 + len(every)))
        pictures = [int.from_bytes(p.payload[2:4], "big") & 0x7FFF for p in every]
        assert pictures == list(range(pictures[0], pictures[0] + len(every)))
        assert all(b.timestamp - a.timestamp > 0 for a, b in itertools.pairwise(every))
        assert it.port.down_state(down)[0] == 1


def test_a_subscriber_without_a_key_frame_asks_the_publisher_once_in_a_while() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        for n in range(1, 20):
            ann.send(video(n, 10, vp8(n, False)))
        asked = ann.hears(rtcp.PictureLoss)
        assert asked.media_ssrc == 10
        assert ann.hears(rtcp.PictureLoss, 0.2) is None
        assert bob.receive(1, 0.1) == []
        bob.report(rtcp.PictureLoss(1, 1000))
        time.sleep(0.5)
        bob.report(rtcp.PictureLoss(1, 1000))
        assert ann.hears(rtcp.PictureLoss).media_ssrc == 10


def test_a_lost_packet_is_asked_for_and_its_retransmission_forwarded() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        ann.send(video(1, 10, vp8(1, True)))
        ann.send(video(3, 10, vp8(3, False)))
        assert [p.sequence for p in bob.receive(2)] == [100, 102]
        assert ann.hears(rtcp.Nack).lost == (2,)
        again = video(2, 10, vp8(2, False))
        repair = RtpPacket(97, 1, again.timestamp, 11, True, extensions={MID: b"0"}, payload=b"\0\2" + again.payload)
        ann.send(repair)
        got = bob.receive(1)[0]
        assert (got.sequence, got.payload[5:]) == (101, again.payload[5:])
        ann.send(RtpPacket(97, 2, again.timestamp, 11, True, payload=b"\0\2" + again.payload))
        assert bob.receive(1, 0.2) == []


def test_a_subscriber_that_lost_a_packet_gets_it_on_the_retransmission_source() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        down = subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        for n in range(1, 4):
            ann.send(video(n, 10, vp8(n, n == 1)))
        sent = bob.receive(3)
        bob.report(rtcp.Nack(1, 1000, (101, 102, 400)))
        again = bob.receive(2)
        assert [(p.payload_type, p.ssrc, p.timestamp) for p in again] == [(101, 1001, p.timestamp) for p in sent[1:]]
        assert [p.payload for p in again] == [p.sequence.to_bytes(2, "big") + p.payload for p in sent[1:]]
        bob.report(rtcp.Nack(1, 1000, (101,)))  # within AGAIN_S: the copy is still under way
        assert it.port.down_state(down)[3] == 2


def test_on_a_lossy_path_repairs_are_repeated_and_key_frames_sent_again_unasked() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        down = subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_copies(bob.number, 1, 2, 2, 0, True)
        ann.send(video(1, 10, vp8(1, True)))
        got = bob.receive(3)
        assert [p.ssrc for p in got] == [1000, 1001, 1001], "the key frame, and two copies that nobody asked for"
        assert {p.payload[2:] for p in got[1:]} == {got[0].payload}
        time.sleep(0.05)
        bob.report(rtcp.Nack(1, 1000, (100,)))
        assert [p.payload[:2] for p in bob.receive(2)] == [b"\0\x64"] * 2
        assert it.port.down_state(down)[3] == 4


def test_an_empty_packet_takes_the_place_of_padding_that_is_lost() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_copies(ann.number, 1, 1, 0, 0, True)
        it.port.peer_round_trip(ann.number, 0.01)
        for frame, n in enumerate((1, 2, 4, 5)):
            packet = video(n, 10, vp8(frame + 1, n == 1))
            packet.timestamp = 3000 * frame  # no frame is missing between 2 and 4
            ann.send(packet)
            if n == 2:
                assert len(bob.receive(2)) == 2
        ends = bob.receive(3)
        assert [(p.sequence, bool(p.payload)) for p in sorted(ends, key=lambda p: p.sequence)] == [
            (102, False), (103, True), (104, True)
        ]  # fmt: skip


def test_a_key_frame_is_asked_for_where_a_packet_likely_never_comes() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_copies(ann.number, 1, 1, 0, 0, True)
        for n in (1, 2, 4):
            ann.send(video(n, 10, vp8(n, n == 1)))
        assert len(bob.receive(3)) == 3
        asked = ann.hears(rtcp.Nack)
        assert asked.lost == (3,)
        assert ann.hears(rtcp.PictureLoss).media_ssrc == 10, "its subscribers would wait for seconds"


def test_a_key_frame_that_was_asked_for_is_asked_for_until_it_comes() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        track = publish_video(ann)
        subscribe(bob, track, 1000, ((96, 100, 101),))
        it.port.peer_copies(ann.number, 1, 1, 0, 0, True)
        ann.send(video(1, 10, vp8(1, True)))
        bob.receive(1)
        it.port.track_ask(track, 0)
        assert ann.hears(rtcp.PictureLoss).media_ssrc == 10
        ann.send(video(2, 10, vp8(2, False)))
        assert ann.hears(rtcp.PictureLoss), "the request, or its answer, may have been lost"
        ann.send(video(3, 10, vp8(3, True)))
        bob.receive(2)
        ann.send(video(4, 10, vp8(4, False)))
        assert ann.hears(rtcp.PictureLoss, 0.8) is None


def test_feedback_hides_losses_where_that_was_decided() -> None:
    with thread() as it:
        ann = it.join()
        publish_audio(ann)
        it.port.peer_mask(ann.number, True)
        for n in (0, 1, 3):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0", TRANSPORT: bytes((0, n))}, payload=b"x"))
        arrived: dict[int, bool] = {}
        while 3 not in arrived:
            told = transport_cc.parse(ann.hears(rtcp.TransportFeedback).body)
            arrived |= {told.base + n: one is not None for n, one in enumerate(told.arrivals_us)}
        assert arrived == dict.fromkeys(range(4), True)
        assert it.port.peer_state(ann.number)[7:9] == (4, 1)


def test_urgent_reports_go_out_in_copies_with_numbers_of_their_own() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_copies(ann.number, 3, 1, 0, 0, True)
        ann.send(video(1, 10, vp8(1, False)))
        asked = [ann.hears(rtcp.PictureLoss, 0.5) for _ in range(3)]
        assert [one.media_ssrc for one in asked] == [10] * 3


def test_lost_sound_is_sent_again_as_the_same_bytes() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_audio(ann), 1000, ((111, 96, 0),))
        for n in range(3):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0"}, payload=b"sound%d" % n))
        sent = [bob.wire() for _ in range(3)]
        bob.report(rtcp.ReceiverReport(1, ()), rtcp.Nack(1, 1000, (101,)))
        assert bob.wire() == sent[1]


def test_a_publisher_is_told_when_its_packets_arrived_and_what_was_received() -> None:
    with thread() as it:
        ann = it.join()
        publish_audio(ann)
        for n in (0, 1, 3):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0", TRANSPORT: bytes((0, n))}, payload=b"x"))
        arrived: dict[int, bool] = {}
        while 3 not in arrived:
            told = transport_cc.parse(ann.hears(rtcp.TransportFeedback).body)
            arrived |= {told.base + n: one is not None for n, one in enumerate(told.arrivals_us)}
        assert arrived == {0: True, 1: True, 2: False, 3: True}
        report = ann.hears(rtcp.ReceiverReport)
        assert [(block.ssrc, block.packets_lost, block.highest_sequence) for block in report.reports] == [(5, 1, 3)]


def test_a_subscriber_is_told_the_senders_clock_and_its_reports_measure_the_round_trip() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        down = subscribe(bob, publish_audio(ann), 1000, ((111, 96, 0),))
        assert it.port.down_state(down)[4] == -1
        ann.send(RtpPacket(111, 1, 0, 5, extensions={MID: b"0"}, payload=b"x"))
        told = bob.hears(rtcp.SenderReport)
        assert (told.ssrc, told.packets, told.octets) == (1000, 1, 1)
        block = rtcp.ReportBlock(1000, fraction_lost=10, jitter=77, last_sr=told.ntp >> 16 & 0xFFFFFFFF)
        bob.report(rtcp.ReceiverReport(1, (block,)))
        kind, number, _, _, compound = it.events()[0]
        assert (kind, number) == (2, bob.number)
        assert rtcp.parse(compound) == [rtcp.ReceiverReport(1, (block,))]
        assert 0 <= it.port.peer_state(bob.number)[1] < 5
        assert it.port.down_state(down)[4:] == (10, 77)


def test_feedback_on_what_was_sent_comes_with_both_times() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_audio(ann), 1000, ((111, 96, 0),))
        before_s = time.monotonic()
        for n in range(3):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0"}, payload=bytes(30)))
        bob.receive(3)
        body = transport_cc.serialize(transport_cc.Feedback(0, 0, (64_000, None, 64_500)))
        found = it.port.peer_feedback(bob.number, body)
        assert [(number, size, arrived) for number, _, size, arrived, *_ in found] == [
            (0, 100, 64_000), (1, 100, None), (2, 100, 64_500)
        ]  # fmt: skip
        assert all(before_s <= sent_s <= time.monotonic() for _, sent_s, *_ in found)
        assert it.port.peer_feedback(bob.number, body) == []
        assert it.port.peer_feedback(bob.number, b"short") is None


def test_video_that_feedback_reports_lost_is_sent_again_before_it_is_asked_for() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_copies(bob.number, 1, 3, 0, 0, True)
        for n in range(1, 4):
            ann.send(video(n, 10, vp8(n, n == 1)))
        assert [p.sequence for p in bob.receive(3)] == [100, 101, 102]
        lost = transport_cc.Feedback(0, 0, (64_000, None, 64_500))
        it.port.peer_feedback(bob.number, transport_cc.serialize(lost))
        again = bob.receive(2)
        assert [(p.ssrc, p.payload[:2]) for p in again] == [(1001, bytes((0, 101)))] * 2
        assert bob.receive(1, timeout_s=0.1) == [], "what arrived is not repeated"
        # The copies carry numbers of their own: when one of them arrived, the other need not.
        told = transport_cc.Feedback(3, 1, (65_000, None))
        it.port.peer_feedback(bob.number, transport_cc.serialize(told))
        assert bob.receive(1, timeout_s=0.1) == []


def test_copies_of_video_that_arrived_are_not_sent() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        it.port.peer_copies(bob.number, 1, 1, 3, 0, True)
        ann.send(video(1, 10, vp8(1, True)))
        assert [p.sequence for p in bob.receive(1)] == [100]
        it.port.peer_feedback(bob.number, transport_cc.serialize(transport_cc.Feedback(0, 0, (64_000,))))
        assert len(bob.receive(3, timeout_s=0.3)) < 3


def test_probes_are_padding_on_the_retransmission_source_and_known_in_feedback() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        down = subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        assert it.port.down_probe(down, 1000, 3) == 0, "nothing was sent yet that padding could belong to"
        ann.send(video(1, 10, vp8(1, True)))
        bob.receive(1)
        assert it.port.down_probe(down, 600, 3) >= 600
        probes = bob.receive(2)
        assert [(p.payload_type, p.ssrc, p.payload, p.padding_bytes) for p in probes] == [(101, 1001, b"", 255)] * 2
        body = transport_cc.serialize(transport_cc.Feedback(1, 0, (64_000, 64_250)))
        assert [one[4] for one in it.port.peer_feedback(bob.number, body)] == [3, 3]


def test_sound_is_repacked_to_the_depth_that_was_set() -> None:
    with thread() as it:
        ann, bob, cyd = it.join(), it.join(), it.join()
        track = publish_audio(ann, ((63, RED, 0, 0), (111, MEDIA, 0, 0)))
        subscribe(bob, track, 1000, ((63, 63, 0), (111, 111, 0)), (63, 111))
        subscribe(cyd, track, 2000, ((63, 111, 0), (111, 111, 0)))
        it.port.peer_depth(bob.number, 3, 12)
        it.port.peer_depth(cyd.number, 3, 12)
        for n in range(6):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0"}, payload=b"frame%d" % n))
        packed = bob.receive(6)
        assert [p.payload_type for p in packed] == [63] * 6
        found = kernel.MODULE.red(packed[-1].payload, packed[-1].timestamp)
        assert [data for _, data in found] == [b"frame2", b"frame3", b"frame4", b"frame5"]
        assert [p.payload for p in cyd.receive(6)] == [b"frame%d" % n for n in range(6)]


def test_sound_goes_out_twice_as_the_same_bytes_and_feedback_tells_so() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_audio(ann, ((111, MEDIA, 0, 0),)), 1000, ((111, 111, 0),))
        ann.send(RtpPacket(111, 1, 960, 5, extensions={MID: b"0"}, payload=b"once"))
        once = bob.wire()
        it.port.peer_depth(bob.number, 0, 12, 2)
        ann.send(RtpPacket(111, 2, 1920, 5, extensions={MID: b"0"}, payload=b"twice"))
        twice = [bob.wire(), bob.wire()]
        assert twice[0] == twice[1] != once
        assert bob.opening.unprotect(twice[0]).endswith(b"twice")
        assert bob.opening.unprotect(twice[1]) is None, "a client takes one of them"
        body = transport_cc.serialize(transport_cc.Feedback(0, 0, (64_000, None)))
        assert [one[5] for one in it.port.peer_feedback(bob.number, body)] == [1, 2]


def test_sound_that_was_repaired_does_not_pass_for_what_the_path_delivers() -> None:
    """Depth follows the path's loss; what comes on request comes late."""
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_audio(ann, ((111, MEDIA, 0, 0),)), 1000, ((111, 111, 0),))
        it.port.peer_copies(bob.number, 1, 1, 0, 0, True)
        for n in range(3):
            ann.send(RtpPacket(111, n, 960 * n, 5, extensions={MID: b"0"}, payload=b"frame%d" % n))
        first, second, third = (bob.wire() for _ in range(3))
        bob.report(rtcp.Nack(1, 1000, (int.from_bytes(second[2:4], "big"),)))
        assert bob.wire() == second
        body = transport_cc.serialize(transport_cc.Feedback(0, 0, (64_000, 64_250, 64_500)))
        reported = [Reported(*one) for one in it.port.peer_feedback(bob.number, body)]
        assert [one.passed for one in reported] == [True, False, True]
        assert first != third


def test_a_probe_of_the_publisher_leaves_no_hole() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        ann.send(video(1, 10, vp8(1, True)))
        ann.send(video(2, 10, b""))
        ann.send(video(3, 10, vp8(3, False)))
        assert [p.sequence for p in bob.receive(2)] == [100, 101]


def test_packets_of_one_size_leave_in_one_call() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_video(ann), 1000, ((96, 100, 101),))
        for n in range(1, 120):
            ann.send(video(n, 10, vp8(n, n == 1)))
        got = bob.receive(119)
        assert [p.sequence for p in got] == list(range(100, 219))
        totals = it.port.totals()
        assert totals["segmentation"]
        assert totals["datagrams"] < totals["sent"], "some were gathered"


# --- checks --------------------------------------------------------------------------------------


def check(username: str, password: str, *attributes: tuple[int, bytes]) -> bytes:
    message = StunMessage(MessageClass.REQUEST, BINDING, b"transaction1")
    message.attributes = [(Attribute.USERNAME, username.encode()), (Attribute.PRIORITY, b"\0\0\0\1"), *attributes]
    return message.serialize(password)


def test_a_repeated_check_is_answered_as_python_answers_it() -> None:
    with thread() as it:
        ann = it.join()
        it.port.peer_consent(ann.number, b"ours:theirs", b"password")
        request = check("ours:theirs", "password")
        ann.socket.sendto(request, it.address)
        answer = ann.datagram()
        agent = IceLiteAgent("ours", "password", "theirs", 0.0)
        assert answer == agent.on_message(parse(request), ann.socket.getsockname(), 1.0).data
        assert time.monotonic() - it.port.peer_state(ann.number)[0] < 5


@pytest.mark.parametrize(
    "request_",
    [
        check("ours:theirs", "wrong"),
        check("ours:others", "password"),
        check("ours:theirs", "password", (Attribute.ICE_CONTROLLED, bytes(8))),
        check("ours:theirs", "password", (0x7FFF, b"odd!")),
        check("ours:theirs", "password")[:-1] + b"\0",
        check("ours:theirs", "password")[:-4],
    ],
    ids=["password", "username", "role", "unknown", "fingerprint", "cut"],
)
def test_an_unusual_check_is_left_to_python(request_: bytes) -> None:
    with thread() as it:
        ann = it.join()
        it.port.peer_consent(ann.number, b"ours:theirs", b"password")
        ann.socket.sendto(request_, it.address)
        host, port = ann.socket.getsockname()
        assert it.events() == [(1, ann.number, host, port, request_)]
        assert ann.datagram(0.05) is None


def test_a_nomination_of_another_address_is_left_to_python() -> None:
    with thread() as it:
        ann, other = it.join(), it.join()
        it.port.peer_consent(ann.number, b"ours:theirs", b"password")
        it.port.peer_bind(ann.number, *other.socket.getsockname())
        request = check("ours:theirs", "password", (Attribute.USE_CANDIDATE, b""))
        other.socket.sendto(request, it.address)
        assert it.events()[0][4] == request


# --- the seam to Python --------------------------------------------------------------------------


def test_the_ring_to_python_is_bounded_and_keeps_order() -> None:
    with thread() as it:
        ann = it.join()
        sent = 4000
        for n in range(sent):
            ann.socket.sendto(b"\x14" + n.to_bytes(4, "big") + bytes(1000), it.address)
            if n % 50 == 0:
                time.sleep(0.002)
        seen = -1
        while (totals := it.port.totals())["received"] != seen:
            seen = totals["received"]
            time.sleep(0.2)
        numbers = []
        while batch := it.port.take()[0]:
            numbers += [int.from_bytes(data[1:5], "big") for *_, data in batch]
        assert numbers == sorted(numbers)
        assert 0 < len(numbers) * 1040 <= 2 << 20
        assert len(numbers) + totals["missed"] == totals["received"]
        ann.socket.sendto(b"\x14after", it.address)
        assert it.events()[-1][4] == b"\x14after"


def test_media_over_another_way_goes_through_the_thread_and_back_to_python() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        subscribe(bob, publish_audio(ann), 1000, ((111, 96, 0),))
        it.port.peer_reach(bob.number, None, 0)
        packet = RtpPacket(111, 1, 0, 5, extensions={MID: b"0"}, payload=b"over a stream")
        it.port.peer_receive(ann.number, ann.sealing.protect(packet.serialize()))
        kind, number, _, _, datagram = it.events()[0]
        assert (kind, number) == (3, bob.number)
        assert b"over a stream" in bob.opening.unprotect(datagram)


def test_numbers_of_what_is_gone_do_nothing() -> None:
    with thread() as it:
        ann, bob = it.join(), it.join()
        track = publish_audio(ann)
        down = subscribe(bob, track, 1000, ((111, 96, 0),))
        it.port.track_remove(track)
        it.port.peer_remove(bob.number)
        for call, args in (
            (it.port.down_ask, (down,)), (it.port.down_limit, (down, 1, True)), (it.port.down_remove, (down,)),
            (it.port.track_ask, (track, 0)), (it.port.track_remove, (track,)), (it.port.peer_remove, (bob.number,)),
            (it.port.peer_depth, (bob.number, 1, 1)),
        ):  # fmt: skip
            assert call(*args) is None
        assert it.port.down_state(down) is None
        assert it.port.track_state(track) is None
        assert it.port.peer_state(bob.number) is None
        assert it.port.down_add(track, ann.number, 1, 2, 3, 4) == 0
        again = it.join()
        assert again.number != bob.number


def test_a_stopped_port_refuses_commands() -> None:
    with thread() as it:
        it.port.stop()
        with pytest.raises(ValueError, match="closed"):
            it.port.peer_add()
        with pytest.raises(ValueError, match="closed"):
            it.port.take()


def test_neighbouring_addresses_are_told_apart_quickly() -> None:
    """They once met in one place of the table: ten thousand took minutes to come and go."""
    with thread() as it:
        crowd = []
        for n in range(20_000):
            crowd.append(it.port.peer_add())
            it.port.peer_bind(crowd[-1], f"10.1.{n >> 8}.{n & 255}", 40_000)
        ann, bob = it.join(), it.join()
        track = publish_audio(ann)
        subscribe(bob, track, 1000, ((111, 96, 0),))
        for number in crowd[::2]:
            it.port.peer_remove(number)
        ann.send(RtpPacket(111, 1, 960, 5, extensions={MID: b"0"}, payload=b"sound"))
        assert [p.payload for p in bob.receive(1)] == [b"sound"]
        for number in crowd[1::2]:
            it.port.peer_remove(number)
        ann.send(RtpPacket(111, 2, 1920, 5, extensions={MID: b"0"}, payload=b"more"))
        assert [p.payload for p in bob.receive(1)] == [b"more"]


def test_people_come_and_go_while_packets_flow() -> None:
    """Commands from Python while the thread forwards to many: nothing is freed under it (see also make sanitize)."""
    with thread() as it:
        ann = it.join()
        track = publish_audio(ann)
        steady = it.join()
        subscribe(steady, track, 1, ((111, 96, 0),))
        done = threading.Event()

        def speak() -> None:
            n = 0
            while not done.is_set():
                ann.send(RtpPacket(111, n & 0xFFFF, 960 * n, 5, extensions={MID: b"0"}, payload=bytes(60)))
                n += 1
                time.sleep(0.0005)

        speaker = threading.Thread(target=speak)
        speaker.start()
        try:
            for round_ in range(30):
                crowd = [it.join() for _ in range(8)]
                for n, far in enumerate(crowd):
                    subscribe(far, track, 1000 * round_ + n, ((111, 96, 0),))
                assert crowd[-1].receive(1)
                for far in crowd:
                    it.port.peer_remove(far.number)
                    far.socket.close()
                    it.peers.remove(far)
            assert len(steady.receive(20)) == 20
        finally:
            done.set()
            speaker.join()
        gc.collect()


@pytest.mark.parametrize("bad", ["", "nonsense", "1.2.3.4.5"])
def test_what_is_no_address_is_refused(bad: str) -> None:
    with thread() as it:
        ann = it.join()
        with pytest.raises(ValueError, match="not an address"):
            it.port.peer_bind(ann.number, bad, 5)
        with pytest.raises(ValueError, match="not an address"):
            it.port.peer_reach(ann.number, "127.0.0.1", 70_000)
