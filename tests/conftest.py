"""What every test shares: how hard Hypothesis tries. Fixtures live beside the tests that use them."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline: two shared cores make single examples slow for no fault of the code.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Continuous integration must not fail by luck: the same examples every time.
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("fuzz", parent=settings.get_profile("default"), max_examples=5_000)
settings.load_profile("ci" if os.environ.get("CI") else "default")

ALONE = ("tests/web/", "tests/browser/")
"""Chromium plays sound and pictures in real time, which takes both cores; tests without it say that they need one."""
PAIRED = "tests/integration/live/"
"""So does LiveKit's library, which takes one, unless a test says that it needs both."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs both cores does not run beside others, what needs one runs beside one other (``make test``)."""
    for item in items:
        if item.nodeid.startswith(ALONE) and not item.get_closest_marker("paired"):
            item.add_marker(pytest.mark.alone)
        elif item.nodeid.startswith(PAIRED) and not item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.paired)
