"""R26: every planted fault is caught, under the right name; every clean history passes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.generate import generate
from tests.unit.history.naive import naive_violations
from tests.unit.history.planting import FAULTS
from trunkline.domain.history import INVARIANTS

SHAPES: list[dict[str, Any]] = [
    {"steps": 300, "devices": 3, "convs": 2},
    {"steps": 500, "devices": 6, "convs": 4, "retention": True},
    {"steps": 500, "devices": 4, "convs": 3, "restore": True},
    {"steps": 800, "devices": 2, "convs": 2, "retention": True, "restore": True},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(25))
def test_a_clean_history_passes(seed: int, shape: dict[str, Any]) -> None:
    run = generate(seed, **shape)
    verdict = run.check()
    assert verdict.sentences() == []
    assert verdict.clean
    assert (verdict.lost, verdict.duplicated, verdict.reordered) == (0, 0, 0)
    assert verdict.accepted > 10
    assert verdict.bound_95 == 3 / verdict.accepted


def test_the_clean_histories_are_worth_checking() -> None:
    """The generator reaches every kind of event and every excuse the checker accepts."""
    verdicts = [generate(seed, **SHAPES[3]).check() for seed in range(25)]
    assert sum(v.restored_away for v in verdicts) > 0
    assert sum(v.expired for v in verdicts) > 0
    assert sum(v.skipped_by_resync for v in verdicts) > 0
    assert sum(v.unresolved for v in verdicts) > 0
    kinds = {type(event).__name__ for event in generate(1, **SHAPES[3]).all_events()}
    assert kinds == {
        "Invoke", "Ok", "Fail", "Unknown", "Recv", "Resync", "ViewJoin", "ViewLeave", "Cursor", "Asked", "Head",
        "StateHash",
    }  # fmt: skip


def test_every_invariant_has_a_planted_fault() -> None:
    assert {invariant for invariant, _, _ in FAULTS.values()} == set(INVARIANTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught_under_its_name(name: str) -> None:
    invariant, counter, plant = FAULTS[name]
    planted = 0
    for seed in range(40):
        run = generate(seed, **SHAPES[seed % len(SHAPES)])
        if not plant(run, random.Random(seed)):
            continue
        planted += 1
        verdict = run.check()
        assert invariant in verdict.violations, (seed, verdict.sentences())
        assert verdict.violations[invariant].examples
        if counter:
            assert getattr(verdict, counter) >= 1, (seed, verdict.sentences())
    assert planted >= 10


@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(0, 120),
    devices=st.integers(1, 4),
    convs=st.integers(1, 3),
    retention=st.booleans(),
    restore=st.booleans(),
    faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=3),
)
def test_the_checker_agrees_with_the_naive_one(
    seed: int, steps: int, devices: int, convs: int, retention: bool, restore: bool, faults: list[str]
) -> None:
    run = generate(seed, steps=steps, devices=devices, convs=convs, retention=retention, restore=restore)
    rng = random.Random(seed)
    for name in faults:
        FAULTS[name][2](run, rng)
    verdict = run.check()
    found = {"I2/I8" if name in ("I2", "I8") else name for name in verdict.violations}
    assert found == naive_violations(run), verdict.sentences()


def test_a_phantom_is_not_looked_for_among_what_was_sent() -> None:
    """Planting both into one delivery ended in StopIteration: a phantom has no send to come before."""
    for seed in range(200):
        run = generate(seed, steps=4, devices=1, convs=1, retention=False, restore=False)
        rng = random.Random(seed)
        for name in ("phantom delivered", "delivered before it was sent"):
            FAULTS[name][2](run, rng)
        assert {"I2/I8" if name in ("I2", "I8") else name for name in run.check().violations} == naive_violations(run)


@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(0, 400),
    devices=st.integers(1, 8),
    convs=st.integers(1, 5),
    retention=st.booleans(),
    restore=st.booleans(),
)
def test_clean_histories_of_any_shape_pass(
    seed: int, steps: int, devices: int, convs: int, retention: bool, restore: bool
) -> None:
    run = generate(seed, steps=steps, devices=devices, convs=convs, retention=retention, restore=restore)
    assert run.check().sentences() == []
