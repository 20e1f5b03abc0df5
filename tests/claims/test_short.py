"""The short version of every claim, as part of the tests: each scenario once, with all its pass criteria."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claims.context import Context
from tests.claims.registry import REQUIRED, found


def test_every_required_scenario_is_there() -> None:
    assert tuple(found()) == REQUIRED


@pytest.mark.asyncio
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", REQUIRED)
async def test_claim(name: str, tmp_path: Path) -> None:
    report = await found()[name](Context(seed=20_261, full=False, minutes=None, directory=tmp_path))
    assert report.failures() == []
    assert report.passed
