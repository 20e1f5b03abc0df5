"""What the packet thread keeps and decides against its Python twins: both do the same, whatever comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media import kernel
from trunkline.media.congestion.history import SendHistory
from trunkline.media.recovery.frames import Frame, FrameStore, Repacker, unpack
from trunkline.media.recovery.holes import Holes
from trunkline.protocol.rtp import red, transport_cc
from trunkline.protocol.rtp.arrivals import Arrivals
from trunkline.protocol.rtp.reception import Reception
from trunkline.protocol.rtp.rtcp import SenderReport

if kernel.MODULE is None:
    pytest.skip(f"no media kernel: {kernel.WHY_NOT}", allow_module_level=True)
native: Any = kernel.MODULE
u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
steps = st.one_of(st.just(1), st.integers(-30, 40), st.integers(-3, 3), st.sampled_from([600, -600, 30_000]))
packet = st.tuples(st.just("packet"), steps, st.integers(0, 1200))
ask = st.tuples(st.just("ask"), st.sampled_from([-1, 0, 20, 200]), st.just(0))
report = st.tuples(st.just("report"), st.just(0), st.just(0))
forget = st.tuples(st.just("forget"), st.integers(0, 9), st.just(0))
clock = st.tuples(st.just("clock"), u16, st.just(0))


@given(
    u16,
    st.lists(st.tuples(packet | packet | ask | ask | report | clock | forget, st.floats(0, 0.2)), max_size=120),
)
def test_reception_counts_and_asks_alike(start: int, actions: list[tuple[tuple[str, int, int], float]]) -> None:
    ours, other = native.Reception(7, 90_000), Reception(7, 90_000)
    sequence, now_s = start, 1000.0
    for (action, first, size), passed_s in actions:
        now_s += passed_s
        if action == "packet":
            sequence = (sequence + first) & 0xFFFF
            timestamp = sequence * 3000 & 0xFFFFFFFF
            assert ours.on_packet(sequence, timestamp, size, now_s) == other.on_packet(sequence, timestamp, size, now_s)
        elif action == "ask":
            known = None if first < 0 else first / 1000
            assert ours.to_ask(now_s, -1.0 if known is None else known) == other.to_ask(now_s, known)
        elif action == "forget":
            ours.forget((sequence - first) & 0xFFFF)
            other.forget((sequence - first) & 0xFFFF)
        elif action == "clock":
            ours.on_sender_report(first << 20, now_s)
            other.on_sender_report(SenderReport(7, first << 20, 0, 0, 0), now_s)
        else:
            block = other.report(now_s)
            assert ours.report(now_s) == (None if block is None else block.serialize())
        assert ours.gave_up() == other.gave_up
        assert ours.oldest_missing_s() == other.oldest_missing_s
        if action == "ask":
            holes, hopeless, transit_s = ours.take()
            assert holes == other.take_holes()[: len(holes)] and (len(holes) == 64 or not other.take_holes())
            assert hopeless == other.take_hopeless()
            assert transit_s == other.take_transit_s()


@given(
    u16,
    st.lists(
        st.tuples(
            st.sampled_from(["packet", "packet", "packet", "feedback"]),
            st.one_of(st.just(1), st.integers(-20, 30), st.sampled_from([700, 2500])),
            st.floats(0, 0.05) | st.sampled_from([1.0, 5.0]),
            st.booleans(),
            st.none() | st.floats(0, 1),
        ),
        max_size=150,
    ),
)
def test_arrivals_are_told_alike(start: int, actions: list[tuple[str, int, float, bool, float | None]]) -> None:
    ours, other = native.Arrivals(999.0), Arrivals(999.0)
    number, now_s = start, 1000.0
    for action, step, passed_s, masked, since_s in actions:
        now_s += passed_s
        if action == "packet":
            number = (number + step) & 0xFFFF
            ours.on_packet(number, now_s)
            other.on_packet(number, now_s)
            continue
        other.masked = masked
        other.missing_s = None if since_s is None else now_s - since_s
        told = other.feedback(now_s)
        assert ours.feedback(now_s, masked, -1.0 if other.missing_s is None else other.missing_s) == (
            None if told is None else transport_cc.serialize(told)
        )


ticks = st.none() | st.integers(0, 20_000)
feedbacks = st.tuples(st.integers(-10, 40), st.lists(ticks, min_size=1, max_size=30), st.integers(0, 1 << 22))


@given(st.lists(st.integers(40, 1300) | st.integers(-20, -1) | feedbacks, max_size=80))
def test_feedback_becomes_the_same_packets(actions: list[Any]) -> None:
    ours, other = native.History(), SendHistory()
    now_s = 1000.0
    sent = 0
    for action in actions:
        now_s += 0.01
        if isinstance(action, int) and action < 0:
            ours.on_sent_again((sent + action) & 0xFFFF)
            other.on_sent_again((sent + action) & 0xFFFF)
            continue
        if isinstance(action, int):
            for _ in range(action % 7 + 1):
                assert ours.on_sent(action, now_s, action % 3) == other.on_sent(action, now_s, action % 3)
                sent += 1
            continue
        back, arrivals, begun = action
        base_us = begun * 64_000
        times = tuple(None if tick is None else base_us + 250 * tick for tick in arrivals)
        body = transport_cc.serialize(transport_cc.Feedback((sent - back) & 0xFFFF, 1, times))
        expected = [
            (one.number, one.sent_s, one.size_bytes, one.arrived_us, one.cluster, one.copies, one.again, one.known)
            for one in other.on_feedback(transport_cc.parse(body))
        ]
        assert ours.on_feedback(body) == expected
        assert ours.in_flight() == other.in_flight_bytes


@given(st.binary(max_size=80))
def test_malformed_feedback_is_refused_alike(body: bytes) -> None:
    ours, other = native.History(), SendHistory()
    for _ in range(20):
        ours.on_sent(100, 1.0)
        other.on_sent(100, 1.0)
    try:
        read = transport_cc.parse(body)
    except transport_cc.FeedbackError:
        assert ours.on_feedback(body) is None
        return
    if any(arrival is not None and arrival < 0 for arrival in read.arrivals_us):
        return  # before the beginning of its clock: the kernel takes the beginning instead
    found = ours.on_feedback(body)
    assert [one[0] for one in found] == [one.number for one in other.on_feedback(read)]


@given(
    st.lists(
        st.tuples(st.integers(-3, 6), st.integers(0, 3), st.booleans(), st.booleans(), st.booleans()), max_size=80
    ),
    u16,
)
def test_padding_is_known_alike(packets: list[tuple[int, int, bool, bool, bool]], start: int) -> None:
    ours, other = native.Holes(), Holes()
    sequence, timestamp = start, 5000
    for step, frames, begins, ends, numbered in packets:
        sequence, timestamp = (sequence + step) & 0xFFFF, (timestamp + 3000 * frames) & 0xFFFFFFFF
        picture = timestamp // 3000 & 0x7FFF if numbered else None
        ours.on_packet(sequence, timestamp, begins, ends, -1 if picture is None else picture)
        other.on_packet(sequence, timestamp, begins=begins, ends=ends, picture=picture)
        for near in range(sequence - 5, sequence + 2):
            assert ours.was_padding(near & 0xFFFF) == other.was_padding(near & 0xFFFF)


frames = st.binary(min_size=1, max_size=40) | st.binary(min_size=1000, max_size=1100)
bodies = st.lists(
    st.builds(red.Block, st.integers(0, 127), st.integers(0, red.MAX_OFFSET), st.binary(max_size=30)), max_size=8
)


@given(bodies, st.binary(max_size=60), u32, st.integers(-5, 5), st.binary(max_size=3))
def test_redundant_audio_is_read_alike(
    blocks: list[red.Block], primary: bytes, timestamp: int, cut: int, more: bytes
) -> None:
    payload = red.serialize([*blocks, red.Block(111, 0, primary)])
    payload = payload[: len(payload) + min(cut, 0)] + more
    try:
        expected = [(frame.timestamp, frame.data) for frame in unpack(payload, timestamp)]
    except red.RedError:
        assert native.red(payload, timestamp) is None
        return
    assert native.red(payload, timestamp) == expected


packing = st.tuples(
    st.sampled_from(["add", "pack", "pack", "note"]),
    st.integers(-12, 6) | st.just(1),
    frames,
    st.integers(0, 12),
)


@given(u32, st.lists(packing, max_size=80))
def test_redundant_audio_is_packed_alike(start: int, actions: list[tuple[str, int, bytes, int]]) -> None:
    ours, store, repacker = native.Frames(), FrameStore(), Repacker()
    timestamp = start
    for action, step, data, depth in actions:
        timestamp = (timestamp + 960 * step) & 0xFFFFFFFF
        if action == "note":
            assert ours.is_new(timestamp) == repacker.is_new(timestamp)
            ours.note(timestamp)
            repacker.note(timestamp)
            continue
        ours.add(timestamp, data)
        store.add(timestamp, data)
        if action == "pack":
            packed = repacker.pack(store, 111, Frame(timestamp, data), depth)
            assert ours.pack(111, timestamp, data, depth) == packed
