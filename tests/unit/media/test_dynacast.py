"""Telling publishers which layers are wanted."""

from __future__ import annotations

from trunkline.media.sfu.dynacast import LESS_AFTER_S, Demand


def test_more_is_told_at_once_and_less_after_a_while() -> None:
    demand = Demand(2)
    assert not demand.update(0, 100.0)
    assert not demand.update(0, 100.0 + LESS_AFTER_S - 0.1)
    assert demand.update(0, 100.0 + LESS_AFTER_S) and demand.told == 0
    assert demand.update(1, 106.0) and demand.told == 1


def test_a_short_look_away_is_not_told() -> None:
    demand = Demand(2)
    assert not demand.update(None, 100.0)
    assert not demand.update(2, 103.0)
    assert not demand.update(None, 104.0)
    assert not demand.update(None, 108.0)
    assert demand.update(None, 109.0) and demand.told is None
    assert demand.update(0, 110.0) and demand.told == 0


def test_wavering_below_what_was_told_is_told_in_the_end() -> None:
    demand = Demand(2)
    for half_second in range(9):
        assert not demand.update(half_second % 2, 100.0 + half_second / 2)
    assert demand.update(1, 105.0) and demand.told == 1
