"""The loss lab's emulated network does what its description says, and the same for the same seed."""

from __future__ import annotations

import itertools

import pytest

from bench.losslab.impairment import Impairer, Impairment

PACKETS = 20_000


def fates(impairment: Impairment, seed: int = 1, size_bytes: int = 1000, gap_s: float = 0.01) -> list[float | None]:
    impairer = Impairer(impairment, seed)
    return [impairer.deliver_at(size_bytes, n * gap_s) for n in range(PACKETS)]


@pytest.mark.parametrize("burst", [0.0, 2.0, 5.0])
def test_as_much_is_lost_as_asked_for_in_bursts_of_the_asked_length(burst: float) -> None:
    lost = [fate is None for fate in fates(Impairment(0.3, burst=burst))]
    assert abs(sum(lost) / PACKETS - 0.3) < 0.03
    runs = [len(list(group)) for gone, group in itertools.groupby(lost) if gone]
    wanted = burst or 1 / 0.7
    assert abs(sum(runs) / len(runs) - wanted) < 0.15 * wanted


def test_the_same_seed_has_the_same_fate() -> None:
    what = Impairment(0.2, delay_ms=20, jitter_ms=5, reorder=0.1)
    assert fates(what) == fates(what)
    assert fates(what) != fates(what, seed=2)


def test_a_narrow_path_delays_then_drops() -> None:
    impairer = Impairer(Impairment(rate_bps=80_000, queue_ms=200), 1)
    times = [impairer.deliver_at(1000, 0.0) for _ in range(10)]
    assert times[:3] == [pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.3)]
    assert times[3:] == [None] * 7 and impairer.overflowed == 7


def test_jitter_keeps_the_order_and_reordering_does_not() -> None:
    steady = [fate for fate in fates(Impairment(delay_ms=10, jitter_ms=20)) if fate is not None]
    assert steady == sorted(steady)
    mixed = [fate for fate in fates(Impairment(delay_ms=10, reorder=0.1, reorder_ms=50)) if fate is not None]
    assert mixed != sorted(mixed)
