"""Video through random loss on both paths keeps moving: the whole forwarder, in simulated time."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.media.lossy import FPS, Simulation, frozen

WARM_UP_S, SECONDS = 3.0, 15.0


def watch(up: float, down: float, *, recovery: bool, seed: int, stall_s: float = 0.0) -> tuple[Simulation, float]:
    """Loss begins when the picture is there."""
    simulation = Simulation(0.0, 0.0, recovery=recovery, seed=seed, stall_s=stall_s)
    simulation.run(1.0)
    assert len(simulation.subscriber.shown_s) > FPS // 2
    simulation.loss = {"up": up, "down": down}
    simulation.run(WARM_UP_S)
    begun_s = simulation.now_s
    simulation.run(SECONDS)
    return simulation, frozen(simulation.subscriber.shown_s, begun_s, simulation.now_s)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("up", "down"), [(0.3, 0.0), (0.0, 0.3), (0.3, 0.3)])
def test_video_at_30_percent_loss_each_way_is_frozen_less_than_5_percent(up: float, down: float, seed: int) -> None:
    simulation, share = watch(up, down, recovery=True, seed=seed)
    assert share < 0.05
    assert simulation.publisher.reported_lost < 0.1 * simulation.publisher.reported, "it would slow down"


def test_what_feedback_reports_lost_is_repaired_in_time() -> None:
    """Over a minute: a subscriber's own requests, a tenth of a second apart, left three times as much."""
    shares = [watch(0.0, 0.3, recovery=True, seed=seed)[1] for seed in range(4)]
    assert sum(shares) / len(shares) < 0.01


@pytest.mark.parametrize("seed", [1, 4])
def test_requests_outlast_a_publisher_that_does_nothing_for_moments(seed: int) -> None:
    """Ten requests within 100 ms were all in vain while a busy machine slept; the picture then stood for seconds."""
    simulation, _ = watch(0.3, 0.3, recovery=True, seed=seed, stall_s=0.2)
    shown_s = simulation.subscriber.shown_s
    assert max(after - before for before, after in itertools.pairwise(shown_s)) < 1.0
    assert simulation.now_s - shown_s[-1] < 1.0
    assert simulation.publisher.reported_lost < 0.1 * simulation.publisher.reported


def test_the_picture_comes_back_though_the_request_for_a_key_frame_is_lost() -> None:
    """A packet is not to be had again, and nothing answers the first request; its subscriber waits three seconds."""
    simulation = Simulation(0.0, 0.0, recovery=True, seed=0)
    simulation.run(1.0)
    for lost, seconds in ((1.0, 0.1), (0.0, 0.35), (1.0, 0.2), (0.0, 3.0)):
        simulation.loss["up"] = lost
        simulation.run(seconds)
        if seconds == 0.1:
            assert len(simulation.publisher.history) > 1
            simulation.publisher.history.clear()
    shown_s = simulation.subscriber.shown_s
    stopped_s = max(after - before for before, after in itertools.pairwise(shown_s))
    assert simulation.publisher.key_frames == 2
    assert simulation.subscriber.plis == 0
    assert 0.5 < stopped_s < 1.5
    assert simulation.now_s - shown_s[-1] < 0.2


def test_without_recovery_the_same_losses_stop_the_picture() -> None:
    assert watch(0.3, 0.3, recovery=False, seed=0)[1] > 0.2
