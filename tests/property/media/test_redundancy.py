"""Redundant audio as it is packed for one subscriber: every depth, numbers that wrap, pauses, frames of any size."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.recovery.depth import MAX_DEPTH
from trunkline.media.recovery.frames import MAX_PAYLOAD_BYTES, Frame, FrameStore, Repacker, pack, unpack
from trunkline.protocol.rtp import red

MASK = 0xFFFFFFFF
frames = st.lists(
    # Size, and time since the one before: 10 to 60 ms frames, or a pause of any length.
    st.tuples(st.integers(1, 1300), st.sampled_from([480, 960, 960, 960, 1920, 2880, 19_200, 480_000])),
    min_size=1,
    max_size=40,
)


def _stream(start: int, steps: list[tuple[int, int]]) -> list[Frame]:
    made, timestamp = [], start
    for number, (size, step) in enumerate(steps):
        timestamp = (timestamp + step) & MASK
        made.append(Frame(timestamp, bytes((number & 0xFF,)) * size))
    return made


@given(start=st.integers(0, MASK), steps=frames, depth=st.integers(0, MAX_DEPTH))
def test_a_payload_holds_the_frame_and_the_ones_before_it(start: int, steps: list[tuple[int, int]], depth: int) -> None:
    store, repacker, made = FrameStore(), Repacker(), _stream(start, steps)
    for position, frame in enumerate(made):
        store.add(frame.timestamp, frame.data)
        payload = repacker.pack(store, 111, frame, depth)
        got = unpack(payload, frame.timestamp)
        assert got[-1] == frame
        assert len(payload) <= max(MAX_PAYLOAD_BYTES, 1 + len(frame.data))
        reachable = [
            earlier
            for earlier in made[:position]
            if (frame.timestamp - earlier.timestamp) & MASK <= red.MAX_OFFSET and len(earlier.data) <= 1023
        ]
        expected = reachable[-depth:] if depth else []
        assert got[:-1] == expected[len(expected) - len(got) + 1 :]
        if sum(4 + len(f.data) for f in expected) + 1 + len(frame.data) <= MAX_PAYLOAD_BYTES:
            assert got[:-1] == expected


@given(start=st.integers(0, MASK), depth=st.integers(1, MAX_DEPTH), seed=st.integers(0, 10_000))
def test_a_frame_is_missed_only_when_all_its_packets_are_lost(start: int, depth: int, seed: int) -> None:
    chance, store, repacker = random.Random(seed), FrameStore(), Repacker()
    made = _stream(start, [(30, 960)] * 120)
    arrived = [chance.random() >= 0.6 for _ in made]
    heard = set()
    for frame, arrives in zip(made, arrived, strict=True):
        store.add(frame.timestamp, frame.data)
        payload = repacker.pack(store, 111, frame, depth)
        if arrives:
            heard |= {f.timestamp for f in unpack(payload, frame.timestamp)}
    for position, frame in enumerate(made):
        assert (frame.timestamp in heard) == any(arrived[position : position + depth + 1])


@given(start=st.integers(0, MASK), seed=st.integers(0, 10_000))
def test_what_came_only_as_redundancy_goes_on_however_shallow(start: int, seed: int) -> None:
    chance, store, repacker = random.Random(seed), FrameStore(), Repacker()
    made = _stream(start, [(30, 960)] * 100)
    known, sent, first = set(), set(), None
    for position, frame in enumerate(made):
        if chance.random() < 0.4:
            continue
        for earlier in made[max(position - 2, 0) : position + 1]:
            store.add(earlier.timestamp, earlier.data)
            known.add(earlier.timestamp)
        first = position if first is None else first
        sent |= {f.timestamp for f in unpack(repacker.pack(store, 111, frame, 0), frame.timestamp)}
    assert first is None or {f.timestamp for f in made[first:]} & known == sent


@given(st.binary(max_size=80), st.integers(0, MASK))
def test_any_payload_is_read_or_refused(payload: bytes, timestamp: int) -> None:
    try:
        found = unpack(payload, timestamp)
    except red.RedError:
        return
    assert found
    again = pack(111, found[-1], found[-2::-1])
    assert unpack(again, timestamp)[-1].data == found[-1].data


def test_frames_are_kept_once_in_any_order_and_few() -> None:
    store = FrameStore()
    assert store.add(10_000, b"b")
    assert store.add(9_040, b"a")
    assert not store.add(10_000, b"c")
    assert not store.add(11_000, b"")
    assert [frame.data for frame in store.before(10_960)] == [b"b", b"a"]
    for number in range(1000):
        store.add(20_000 + number, b"x")
    assert len(store.before(21_000)) <= 40


def test_frames_recovered_on_the_way_here_go_out_as_often_as_the_others() -> None:
    """Half of the packets are lost on the way here, and half on the way on; the depth is made for the latter alone."""
    chance, store, repacker, depth = random.Random(5), FrameStore(), Repacker(), 5
    made = _stream(0, [(30, 960)] * 3000)
    known: set[int] = set()
    heard: set[int] = set()
    for position, frame in enumerate(made):
        if chance.random() < 0.5:
            continue
        for earlier in made[max(position - 2, 0) : position + 1]:
            store.add(earlier.timestamp, earlier.data)
            known.add(earlier.timestamp)
        payload = repacker.pack(store, 111, frame, depth)
        if chance.random() >= 0.5:
            heard |= {f.timestamp for f in unpack(payload, frame.timestamp)}
    assert len(known) > 2400
    assert 1 - len(heard & known) / len(known) < 0.03, "0.5 to the power of 6 is 0.016; by place alone it were 0.1"
