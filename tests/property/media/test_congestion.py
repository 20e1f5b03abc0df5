"""The estimate of a path, its probes and the shares of its tracks, against a simulated bottleneck."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.media.congestion.allocation import Wish, share
from trunkline.media.congestion.estimate import Estimate
from trunkline.media.congestion.history import Reported
from trunkline.media.congestion.probing import PACKET_BYTES, Prober

FEEDBACK_S = 0.05
STEP_S = 0.005


class Path:
    """A bottleneck with a queue, random loss on top, and a sender that sends ``demand_bps`` or what it is allowed."""

    def __init__(self, rate_bps: float, loss: float = 0.0, queue_s: float = 0.3, seed: int = 1) -> None:
        self.rate_bps, self.loss, self.queue_s = rate_bps, loss, queue_s
        self.random = random.Random(seed)
        self.estimate, self.prober = Estimate(), Prober()
        self.now_s, self.free_s, self.number = 10.0, 0.0, 0
        self.waiting: deque[tuple[float, Reported]] = deque()
        self.debt_bits = self.probe_bits = 0.0
        self.delays_s: list[float] = []
        self.stall_every_s = self.stall_s = 0.0

    def run(self, seconds: float, demand_bps: float) -> list[float]:
        """Send for a while, all of ``demand_bps`` that is allowed: the targets."""
        targets: list[float] = []
        told_s = self.now_s
        probe = None
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += STEP_S
            estimate = self.estimate
            self.debt_bits += min(demand_bps, estimate.target_bps) * STEP_S
            while self.debt_bits >= 8 * PACKET_BYTES:
                self.debt_bits -= 8 * PACKET_BYTES
                self.send(0)
            missing_bps = max(demand_bps - estimate.target_bps, 0.0) if estimate.limited else 0.0
            probe = probe or self.prober.next_probe(estimate.target_bps, missing_bps, self.now_s)
            if probe is not None:
                self.probe_bits += probe.bitrate_bps * STEP_S
                while self.probe_bits >= 8 * PACKET_BYTES and probe.size_bytes > 0:
                    self.probe_bits -= 8 * PACKET_BYTES
                    self.send(probe.cluster)
                    probe = type(probe)(probe.cluster, probe.bitrate_bps, probe.size_bytes - PACKET_BYTES)
                if probe.size_bytes <= 0:
                    probe, self.probe_bits = None, 0.0
            if self.now_s - told_s >= FEEDBACK_S:
                told_s = self.now_s
                self.tell()
                targets.append(estimate.target_bps)
        return targets

    def send(self, cluster: int) -> None:
        self.number += 1
        begin_s = max(self.now_s, self.free_s)
        lost = self.random.random() < self.loss or begin_s - self.now_s > self.queue_s
        if begin_s - self.now_s <= self.queue_s:
            self.free_s = begin_s + 8 * PACKET_BYTES / self.rate_bps
        arrived_s = self.free_s + 0.02
        if self.stall_every_s and arrived_s % self.stall_every_s < self.stall_s:
            arrived_s += self.stall_s - arrived_s % self.stall_every_s
        self.delays_s.append(arrived_s - self.now_s)
        reported = Reported(self.number, self.now_s, PACKET_BYTES, None if lost else int(arrived_s * 1e6), cluster)
        self.waiting.append((arrived_s + 0.02, reported))

    def tell(self) -> None:
        found: list[Reported] = []
        while self.waiting and self.waiting[0][0] <= self.now_s:
            found.append(self.waiting.popleft()[1])
        self.estimate.on_reported(found, self.now_s)
        shown_bps = self.prober.on_reported(found, self.estimate.own_loss, self.now_s)
        if shown_bps is not None:
            self.estimate.on_probe(shown_bps)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@settings(max_examples=6, deadline=None)
@given(rate_kbps=st.integers(200, 4000), loss=st.sampled_from([0.0, 0.02, 0.1, 0.3]), seed=st.integers(0, 99))
def test_the_estimate_finds_a_bottleneck_and_neither_starves_nor_floods_it(
    rate_kbps: int, loss: float, seed: int
) -> None:
    path = Path(1000 * rate_kbps, loss, seed=seed)
    path.run(8, 6_000_000)
    targets = path.run(12, 6_000_000)
    assert 0.55 * path.rate_bps < mean(targets) < 1.15 * path.rate_bps
    assert min(targets) > 0.3 * path.rate_bps
    assert mean(path.delays_s[-400:]) < 0.3


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 99), loss=st.sampled_from([0.0, 0.1, 0.3]))
def test_a_path_that_gets_narrow_is_followed_within_two_seconds_and_one_that_widens_is_found(
    seed: int, loss: float
) -> None:
    path = Path(3_000_000, loss, seed=seed)
    path.run(10, 2_500_000)
    path.rate_bps = 500_000
    after = path.run(2, 2_500_000)
    assert after[-1] < 700_000
    path.run(4, 2_500_000)
    path.rate_bps = 3_000_000
    widened = path.run(20, 2_500_000)
    assert mean(widened[-40:]) > 1_700_000


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.5])
def test_loss_without_a_queue_costs_no_bandwidth(loss: float) -> None:
    path = Path(50_000_000, 0.0)
    path.run(5, 2_000_000)
    path.loss = loss
    path.run(4, 2_000_000)
    assert mean(path.run(4, 2_000_000)) > 1_800_000


@pytest.mark.parametrize("loss", [0.1, 0.3])
def test_loss_that_begins_on_a_path_that_was_full_does_not_lower_the_estimate(loss: float) -> None:
    path = Path(1_000_000)
    path.run(10, 3_000_000)
    assert path.estimate.limited
    before = mean(path.run(5, 3_000_000))
    path.loss = loss
    path.run(4, 3_000_000)
    assert mean(path.run(10, 3_000_000)) > 0.85 * before
    assert path.estimate.own_loss == pytest.approx(loss, abs=0.1)


def test_a_policer_drops_without_a_queue_and_is_found_all_the_same() -> None:
    path = Path(500_000, queue_s=0.01)
    path.run(4, 2_000_000)
    targets = path.run(6, 2_000_000)
    assert path.estimate.limited and 200_000 < mean(targets) < 700_000


def test_a_receiver_that_stalls_for_moments_is_not_a_full_path() -> None:
    path = Path(50_000_000)
    path.stall_every_s, path.stall_s = 1.1, 0.25
    path.run(10, 2_000_000)
    assert not path.estimate.limited


def test_what_never_was_full_is_not_limited() -> None:
    path = Path(20_000_000)
    path.run(10, 1_500_000)
    assert not path.estimate.limited


def test_without_feedback_the_subscribers_own_estimate_counts() -> None:
    estimate = Estimate()
    estimate.on_estimate(400_000, 1.0)
    assert estimate.limited and estimate.target_bps == 400_000
    estimate.on_reported([Reported(1, 2.0, 1000, 1), Reported(2, 2.1, 1000, 2)], 2.2)
    estimate.on_estimate(100_000, 2.3)
    assert estimate.target_bps >= 400_000


layers = st.lists(st.floats(20_000, 3_000_000), min_size=1, max_size=3).map(lambda costs: tuple(sorted(costs)))
wishes_of = st.lists(
    st.builds(
        Wish,
        sid=st.uuids().map(str),
        rank=st.integers(0, 2),
        costs_bps=layers,
        most=st.none() | st.integers(0, 2),
        present=st.none() | st.integers(0, 2),
    ),
    max_size=8,
)


@given(budget_bps=st.floats(0, 10_000_000), wishes=wishes_of)
def test_shares_fit_and_the_important_come_first(budget_bps: float, wishes: list[Wish]) -> None:
    shares = share(budget_bps, wishes)
    wanted = {wish.sid: wish for wish in wishes if wish.most is not None}
    assert set(shares.layers) == set(wanted)
    cost_bps = sum(wanted[sid].costs_bps[layer] for sid, layer in shares.layers.items() if layer is not None)
    assert cost_bps <= budget_bps + 1 and abs(cost_bps - shares.used_bps) < 1
    for sid, layer in shares.layers.items():
        wish = wanted[sid]
        assert wish.most is not None
        assert layer is None or layer <= min(wish.most, len(wish.costs_bps) - 1)
        if layer is None:
            # Whoever is left out is missing something, and nobody less important got more than it would have needed.
            assert shares.missing_bps > 0
            spare_bps = budget_bps - cost_bps
            assert spare_bps < 1.1 * wish.costs_bps[0] + 1
            for other, got in shares.layers.items():
                if wanted[other].rank < wish.rank and got is not None:
                    assert wanted[other].costs_bps[0] <= 1.1 * wish.costs_bps[0]
    if all(layer == min(wanted[sid].most or 0, len(wanted[sid].costs_bps) - 1) for sid, layer in shares.layers.items()):
        assert shares.missing_bps == 0


@given(wishes=wishes_of)
def test_with_enough_everybody_gets_what_they_want(wishes: list[Wish]) -> None:
    for sid, layer in share(float("inf"), wishes).layers.items():
        wish = next(wish for wish in wishes if wish.sid == sid)
        assert layer == min(wish.most or 0, len(wish.costs_bps) - 1)


def test_the_present_layer_stays_where_a_rise_would_not_fit() -> None:
    costs = (100_000.0, 400_000.0)
    assert share(410_000, [Wish("a", 0, costs, 1, 0)]).layers == {"a": 0}
    assert share(410_000, [Wish("a", 0, costs, 1, 1)]).layers == {"a": 1}
