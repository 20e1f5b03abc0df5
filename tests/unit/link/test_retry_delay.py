"""How long a refused request waits before it is repeated."""

from __future__ import annotations

import pytest

from trunkline.protocol.link.backoff import RETRY_CEILING_S, retry_delay_s


@pytest.mark.parametrize("roll", [0.0, 0.5, 0.999])
def test_a_time_the_server_named_is_kept_and_at_most_doubled(roll: float):
    assert 0.2 <= retry_delay_s(200, 1, roll) < 0.4
    assert retry_delay_s(200, 50, roll) == retry_delay_s(200, 1, roll)


def test_without_one_the_wait_grows_and_is_bounded():
    waits = [retry_delay_s(0, attempt, 0.999) for attempt in range(1, 20)]
    assert waits == sorted(waits)
    assert waits[0] < 0.2
    assert waits[-1] <= RETRY_CEILING_S
    assert retry_delay_s(0, 5, 0.0) == 0.0
