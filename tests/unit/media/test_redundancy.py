"""The depth of redundant audio follows the loss a subscriber measures: up within a second, down over many."""

from __future__ import annotations

import random

import pytest

from trunkline.media.congestion.delay import Usage
from trunkline.media.congestion.history import CLOCK_US, MAX_PACKETS, SendHistory
from trunkline.media.recovery.depth import MAX_DEPTH, TARGET, DepthController, depth_for
from trunkline.media.sfu.downlink import Downlink
from trunkline.protocol.rtp import rtcp, transport_cc
from trunkline.protocol.rtp.transport_cc import Feedback


@pytest.mark.parametrize(
    ("loss", "depth"), [(0.0, 0), (0.003, 0), (0.01, 0), (0.05, 1), (0.1, 1), (0.3, 3), (0.5, 6), (0.7, 11), (0.9, 12)]
)
def test_the_depth_is_the_least_that_is_enough(loss: float, depth: int) -> None:
    assert depth_for(loss) == depth
    if 0 < depth < MAX_DEPTH:
        assert loss ** (depth + 1) <= TARGET < loss**depth


def _run(controller: DepthController, loss: float, start_s: float, seconds: float, chance: random.Random) -> float:
    now_s = start_s
    while now_s < start_s + seconds:
        now_s += 0.1
        controller.on_feedback(sum(chance.random() < loss for _ in range(5)), 5, now_s)
    return now_s


@pytest.mark.parametrize(("loss", "least"), [(0.3, 3), (0.5, 6), (0.7, 10)])
def test_it_rises_within_two_seconds_and_stays(loss: float, least: int) -> None:
    chance, controller = random.Random(7), DepthController()
    now_s = _run(controller, 0.0, 0.0, 5, chance)
    assert controller.depth == 0
    now_s = _run(controller, loss, now_s, 2, chance)
    assert controller.depth >= least
    for _ in range(50):
        now_s = _run(controller, loss, now_s, 1, chance)
        assert controller.depth >= least - 1


def test_it_falls_slowly_and_to_nothing() -> None:
    chance, controller = random.Random(8), DepthController()
    now_s = _run(controller, 0.7, 0.0, 5, chance)
    before = controller.depth
    now_s = _run(controller, 0.0, now_s, 2, chance)
    assert before - 3 <= controller.depth < before
    _run(controller, 0.0, now_s, 60, chance)
    assert controller.depth == 0


def _run_twice(
    controller: DepthController, loss: float, start_s: float, seconds: float, chance: random.Random
) -> float:
    """Packets go out as often as the controller says, and are lost one by one."""
    now_s = start_s
    while now_s < start_s + seconds:
        now_s += 0.1
        lost = sum(all(chance.random() < loss for _ in range(controller.copies)) for _ in range(5))
        if controller.copies == 2:
            controller.on_feedback(0, 0, now_s, lost_twice=lost, twice=5)
        else:
            controller.on_feedback(lost, 5, now_s)
    return now_s


@pytest.mark.parametrize(("loss", "depth"), [(0.5, 3), (0.7, 7), (0.8, 11)])
def test_where_most_is_lost_packets_go_out_twice_and_reach_back_less(loss: float, depth: int) -> None:
    chance, controller = random.Random(9), DepthController(twice=True)
    now_s = _run_twice(controller, loss, 0.0, 10, chance)
    depths = []
    for _ in range(60):
        now_s = _run_twice(controller, loss, now_s, 1, chance)
        assert controller.copies == 2, "seeing only the loss of both, it knows what the path loses"
        assert (loss**2) ** (controller.depth + 1) < 0.02
        depths.append(controller.depth)
    assert sum(depths) / len(depths) == pytest.approx(depth + 1.5, abs=1.5), "once would need the greatest"


@pytest.mark.parametrize("loss", [0.2, 0.3])
def test_at_less_loss_packets_go_out_once(loss: float) -> None:
    chance, controller = random.Random(10), DepthController(twice=True)
    now_s = _run_twice(controller, loss, 0.0, 10, chance)
    twice = 0
    for _ in range(60):
        now_s = _run_twice(controller, loss, now_s, 1, chance)
        twice += controller.copies == 2
    assert twice < 6
    now_s = _run_twice(controller, 0.8, now_s, 5, chance)
    assert controller.copies == 2
    _run_twice(controller, 0.3, now_s, 30, chance)
    assert controller.copies == 1
    assert 3 <= controller.depth <= 6


def test_the_limit_holds_and_zero_is_off() -> None:
    for limit in range(MAX_DEPTH + 1):
        controller = DepthController(limit)
        _run(controller, 1.0, 0.0, 5, random.Random(1))
        assert controller.depth == limit
    with pytest.raises(ValueError, match="13"):
        DepthController(13)


def test_reports_count_only_without_finer_feedback() -> None:
    controller = DepthController()
    controller.on_feedback(0, 20, 10.0)
    controller.on_report(0.5, 11.0)
    assert controller.depth == 0
    controller.on_report(0.5, 14.0)
    assert controller.depth > 0


def test_feedback_becomes_packets_with_both_times() -> None:
    history = SendHistory()
    numbers = [history.on_sent(100 + n, 1.0 + n / 10) for n in range(4)]
    assert numbers == [0, 1, 2, 3]
    assert history.in_flight_bytes == 406
    reported = history.on_feedback(Feedback(0, 0, (1000, None, 3000)))
    assert [(p.number, p.size_bytes, p.arrived_us) for p in reported] == [
        (0, 100, 1000),
        (1, 101, None),
        (2, 102, 3000),
    ]
    assert history.in_flight_bytes == 103
    assert history.on_feedback(Feedback(0, 1, (1000, None, 3000))) == []
    assert [p.arrived_us for p in history.on_feedback(Feedback(1, 2, (4000,)))] == [4000]


def test_numbers_and_the_clock_wrap_and_memory_is_bounded() -> None:
    history, arrived_us, last = SendHistory(), CLOCK_US - 250_000, -1
    for step in range(140_000):
        number = history.on_sent(50, step / 1000)
        assert number == step & 0xFFFF
        arrived_us = (arrived_us + 250) % CLOCK_US
        (reported,) = history.on_feedback(Feedback(number, step & 0xFF, (arrived_us,)))
        assert reported.arrived_us is not None
        assert reported.arrived_us > last
        last = reported.arrived_us
    assert history.in_flight_bytes == 0
    for _ in range(3 * MAX_PACKETS):
        history.on_sent(10, 1.0)
    assert history.in_flight_bytes == 10 * MAX_PACKETS


def test_the_path_measures_loss_and_round_trip() -> None:
    link = Downlink()
    link.note_report(0x11112222_33334444, 5.0)
    link.on_block(rtcp.ReportBlock(7, 0, 0, 0, 0, 0x22223333, 65_536 // 2), 5.6)
    assert link.round_trip_s == pytest.approx(0.1)
    for step in range(20):
        base, *_ = [link.history.on_sent(100, step / 10) for _ in range(10)]
        arrivals = tuple(None if n % 2 else 64_000 * (step + 1) for n in range(10))
        link.on_feedback(transport_cc.serialize(Feedback(base, step, arrivals)), step / 10 + 0.05)
    assert 0.45 < link.depth.loss < 0.55
    assert link.depth.depth == 6
    link.on_feedback(b"garbage", 9.0)
    assert link.depth.depth == 6


def test_the_path_knows_what_went_out_twice() -> None:
    """Half of the pairs are lost, and half of the single ones: the path loses seven in ten, and half."""
    for copies, loss in ((1, 0.5), (2, 0.7)):
        link = Downlink()
        for step in range(40):
            base, *_ = [link.history.on_sent(100, step / 10, copies=copies) for _ in range(10)]
            arrivals = tuple(None if n % 2 else 64_000 * (step + 1) for n in range(10))
            link.on_feedback(transport_cc.serialize(Feedback(base, step, arrivals)), step / 10 + 0.05)
        assert link.depth.loss == pytest.approx(loss, abs=0.05)


def test_on_a_full_path_nothing_goes_out_twice() -> None:
    """Eight in ten are lost, and those that arrive come later and later."""
    link = Downlink()
    for step in range(60):
        base, *_ = [link.history.on_sent(100, step / 10 + n / 100) for n in range(10)]
        late_us = 250 * (step * step // 2)
        arrivals = tuple(100_000 * step + 10_000 * n + late_us if n in (0, 9) else None for n in range(10))
        link.on_feedback(transport_cc.serialize(Feedback(base, step, arrivals)), step / 10 + 0.1)
    assert link.estimate.usage is Usage.OVER
    assert link.depth.loss > 0.7
    assert link.depth.copies == 1


def test_what_came_on_request_counts_as_lost_once() -> None:
    """Half is lost; all of that is asked for and comes, some before and some after feedback told of it."""
    link = Downlink()
    for step in range(40):
        base, *rest = [link.history.on_sent(100, step / 10) for _ in range(10)]
        lost = rest[::2]
        for number in lost:
            link.history.on_sent_again(number)
        came = 64_000 * (step + 1)
        if step % 2:
            told = tuple(None if number in lost else came for number in (base, *rest))
            link.on_feedback(transport_cc.serialize(Feedback(base, 2 * step & 0xFF, told)), step / 10 + 0.04)
        link.on_feedback(transport_cc.serialize(Feedback(base, 2 * step + 1 & 0xFF, (came,) * 10)), step / 10 + 0.05)
    assert link.depth.loss == pytest.approx(0.5, abs=0.05)
    assert link.estimate.loss == pytest.approx(0.5, abs=0.05)


def test_without_recovery_or_redundancy_nothing_goes_out_twice() -> None:
    for link in (Downlink(recovery=False), Downlink(0)):
        for step in range(40):
            base, *_ = [link.history.on_sent(100, step / 10) for _ in range(10)]
            arrivals = tuple(64_000 * (step + 1) if n == 0 else None for n in range(10))
            link.on_feedback(transport_cc.serialize(Feedback(base, step, arrivals)), step / 10 + 0.05)
        assert link.depth.loss > 0.8
        assert link.depth.copies == 1
