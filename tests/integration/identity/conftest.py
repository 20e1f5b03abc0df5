from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.identity.world import Disk, World


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
async def world(disk: Disk) -> AsyncIterator[World]:
    async with disk.open() as opened:
        yield opened
