"""Streams as they are forwarded: numbers without holes, reports that count right, feedback that misses nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.protocol.rtp import transport_cc
from trunkline.protocol.rtp.arrivals import Arrivals
from trunkline.protocol.rtp.reception import GIVE_UP_S, MAX_HOPELESS, MOST_AGAIN_S, Reception
from trunkline.protocol.rtp.rewriting import Rewriter

u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)


@given(
    start=u16,
    timestamp=u32,
    sources=st.lists(
        st.tuples(u16, u32, st.lists(st.sampled_from(["send", "send", "send", "leave out"]), min_size=1, max_size=60)),
        min_size=1,
        max_size=5,
    ),
)
def test_a_forwarded_stream_has_no_holes_over_switches_and_left_out_packets(
    start: int, timestamp: int, sources: list[tuple[int, int, list[str]]]
) -> None:
    rewriter = Rewriter(start, timestamp, 90_000)
    now_s, sent = 10.0, []
    for ssrc, (first, first_timestamp, actions) in enumerate(sources):
        rewriter.switch(ssrc, first, first_timestamp, now_s)
        for number, action in enumerate(["send", *actions]):
            sequence, stamp = (first + number) & 0xFFFF, (first_timestamp + 3000 * number) & 0xFFFFFFFF
            if action == "leave out":
                rewriter.leave_out(sequence)
                assert rewriter.rewrite(sequence, stamp, now_s) is None
            else:
                numbers = rewriter.rewrite(sequence, stamp, now_s)
                assert numbers is not None
                sent.append(numbers)
            now_s += 1 / 30
    assert [n.sequence for n in sent] == [(start + i) & 0xFFFF for i in range(len(sent))]
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(sent)]
    assert all(0 < step < 90_000 * 5 for step in steps)


@given(start=u16, actions=st.lists(st.booleans(), min_size=2, max_size=60), data=st.data())
def test_an_overtaken_packet_gets_the_number_it_would_have_had(
    start: int, actions: list[bool], data: st.DataObject
) -> None:
    def run(order: list[int]) -> dict[int, int]:
        rewriter = Rewriter(start, 0, 90_000)
        rewriter.switch(1, start, 0, 0.0)
        sent = {}
        for number in order:
            sequence = (start + number) & 0xFFFF
            if number and not actions[number]:
                rewriter.leave_out(sequence)
            elif (numbers := rewriter.rewrite(sequence, number, 0.0)) is not None:
                sent[number] = numbers.sequence
        return sent

    in_order = list(range(len(actions)))
    late = data.draw(st.sampled_from([n for n in in_order if n and actions[n]] or [0]))
    position = data.draw(st.integers(late, len(actions) - 1))
    order = [n for n in in_order if n != late]
    order.insert(position, late)
    if late:
        assert run(order) == run(in_order)


def test_packets_from_before_the_switch_are_not_sent() -> None:
    rewriter = Rewriter(0, 0, 90_000)
    rewriter.switch(1, 100, 5000, 0.0)
    assert rewriter.rewrite(99, 4000, 0.0) is None
    assert rewriter.rewrite(100, 5000, 0.0) is not None


@given(start=u16, lost=st.sets(st.integers(1, 200), max_size=60), late=st.booleans())
def test_a_report_counts_losses_exactly(start: int, lost: set[int], late: bool) -> None:
    reception = Reception(7, 90_000)
    for number in range(202):
        if number not in lost:
            reception.on_packet((start + number) & 0xFFFF, number * 3000, 100, 1.0 + number / 30)
    if late:
        for number in lost:
            assert reception.on_packet((start + number) & 0xFFFF, number * 3000, 100, 9.0) is not None
    block = reception.report(9.0)
    assert block is not None
    missing = 0 if late else len(lost)
    assert block.packets_lost == missing and block.fraction_lost == missing * 256 // 202
    assert block.highest_sequence == start + 201
    again = reception.report(9.0)
    assert again is not None and again.fraction_lost == 0 and again.packets_lost == missing


@given(start=u16, lost=st.sets(st.integers(1, 200), min_size=1, max_size=60))
def test_what_is_missing_is_asked_for_until_it_comes_or_for_a_while(start: int, lost: set[int]) -> None:
    reception = Reception(7, 90_000)
    for number in range(202):
        if number not in lost:
            reception.on_packet((start + number) & 0xFFFF, 0, 100, 1.0)
    wanted = {(start + number) & 0xFFFF for number in lost}
    assert reception.to_ask(1.0) == []
    assert set(reception.to_ask(1.01)) == wanted
    assert reception.to_ask(1.02) == []
    come = sorted(lost)[0]
    reception.on_packet((start + come) & 0xFFFF, 0, 100, 1.03)
    still = wanted - {(start + come) & 0xFFFF}
    asks, now_s = 0, 1.06
    while asked := set(reception.to_ask(now_s)):
        assert asked == still and now_s < 1.0 + GIVE_UP_S
        asks, now_s = asks + 1, now_s + 0.101
    assert (asks > 5) == bool(still) and reception.gave_up == len(still)
    hopeless = {number & 0xFFFF for number in reception.take_hopeless()}
    assert hopeless <= still and len(hopeless) == min(len(still), MAX_HOPELESS)
    assert reception.take_hopeless() == [] and reception.oldest_missing_s is None


def test_requests_follow_each_other_quickly_and_then_with_more_and_more_time_between() -> None:
    reception = Reception(7, 90_000)
    reception.on_packet(1, 0, 100, 1.0)
    reception.on_packet(3, 0, 100, 1.0)
    asked_s = [1.0 + tick / 1000 for tick in range(1200) if reception.to_ask(1.0 + tick / 1000, 0.02)]
    pauses_s = [after - before for before, after in itertools.pairwise(asked_s)]
    assert asked_s[0] < 1.01 and pauses_s[:4] == pytest.approx([0.02] * 4, abs=0.002)
    assert all(after > before - 0.002 for before, after in itertools.pairwise(pauses_s))
    assert pauses_s[-1] == pytest.approx(MOST_AGAIN_S, abs=0.002)
    assert 1.9 < asked_s[-1] < 1.0 + GIVE_UP_S


def test_a_missing_packet_that_is_not_needed_is_not_asked_for() -> None:
    reception = Reception(7, 90_000)
    reception.on_packet(0xFFFE, 0, 100, 1.0)
    reception.on_packet(2, 0, 100, 1.0)
    reception.forget(0xFFFF)
    assert reception.to_ask(1.1) == [0, 1]


def test_duplicates_count_for_nothing() -> None:
    reception = Reception(7, 48_000)
    assert reception.on_packet(10, 0, 50, 1.0) == 10
    assert reception.on_packet(10, 0, 50, 1.0) is None
    assert (reception.packets, reception.octets) == (1, 50)


@given(start=u16, steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100_000)), min_size=1, max_size=300))
def test_feedback_names_every_arrival_and_every_hole(start: int, steps: list[tuple[int, int]]) -> None:
    arrivals = Arrivals(0.0)
    number, now_us, true = start, 0, {}
    seen: dict[int, int | None] = {}
    for count, (skip, pause_us) in enumerate(steps):
        number += 1 + skip
        now_us += pause_us
        true[number & 0xFFFF] = now_us
        arrivals.on_packet(number & 0xFFFF, now_us / 1_000_000)
        if count % 20 == 19 or count == len(steps) - 1:
            feedback = arrivals.feedback()
            assert feedback is not None
            read = transport_cc.parse(transport_cc.serialize(feedback))
            for offset, arrival in enumerate(read.arrivals_us):
                seen[(read.base + offset) & 0xFFFF] = arrival
    assert {key for key, arrival in seen.items() if arrival is not None} == set(true)
    for key, arrival in seen.items():
        if arrival is not None:
            assert abs(arrival - true[key]) <= 251
    assert arrivals.feedback() is None
