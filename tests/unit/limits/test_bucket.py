"""Token buckets: never more than the burst at once, never more than the rate over time, never starving."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.limits import Bucket, Buckets, Rate

steps = st.lists(st.tuples(st.floats(-1, 5), st.integers(1, 8)), max_size=60)


@given(st.floats(0.1, 50), st.integers(1, 20), steps)
def test_what_passes_is_bounded_and_the_promised_wait_suffices(
    per_s: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    rate = Rate(per_s, burst)
    now_s = latest_s = 10.0
    bucket = Bucket(rate, now_s)
    passed = 0
    largest = 0
    for wait_s, cost in steps:
        now_s += wait_s
        latest_s = max(latest_s, now_s)
        verdict = bucket.take(rate, now_s, cost)
        largest = max(largest, cost)
        assert 0 <= verdict.remaining <= burst
        if verdict.allowed:
            passed += cost
            assert verdict.retry_after_s == 0
        else:
            assert verdict.retry_after_s > 0
            now_s = latest_s = max(latest_s, now_s) + verdict.retry_after_s + 1e-6
            assert bucket.take(rate, now_s, cost).allowed
            passed += cost
    assert passed <= burst + (latest_s - 10.0) * per_s + largest + 1e-3


def test_a_refused_request_takes_nothing() -> None:
    rate = Rate(1, 2)
    bucket = Bucket(rate, 0)
    assert bucket.take(rate, 0, 2).allowed
    assert [bucket.take(rate, 0.5).allowed for _ in range(10)] == [False] * 10
    assert bucket.take(rate, 1).allowed


def test_a_rate_that_changes_holds_at_once() -> None:
    bucket = Bucket(Rate(1, 100), 0)
    assert bucket.take(Rate(1, 2), 0).remaining == 1
    assert bucket.take(Rate(0, 1), 0, 1000).allowed


@pytest.mark.parametrize(("per_s", "burst"), [(-1, 1), (float("nan"), 1), (float("inf"), 1), (1, 0)])
def test_impossible_rates(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Rate(per_s, burst)


def test_buckets_are_apart_and_bounded() -> None:
    buckets: Buckets[str] = Buckets(Rate(1, 1), capacity=2)
    assert buckets.take("a", 0).allowed
    assert not buckets.take("a", 0).allowed
    assert buckets.take("b", 0).allowed
    assert not buckets.take("a", 0).allowed
    assert buckets.take("c", 0).allowed
    assert len(buckets) == 2
    assert not buckets.take("a", 0).allowed, "the one unused for longest was b"
