"""A webhook's deliverer ends when it is told to, also while it is being woken (regression: a server did not stop).

``asyncio.wait_for`` of Python 3.11 gives the result instead of the cancellation where both come in the same turn.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from trunkline.domain.log.records import WebhookChanged
from trunkline.domain.webhooks.schedule import Bounds
from trunkline.services.webhooks.deliverer import Deliverer

RETRY_S = 600.0


class Later:
    """A schedule whose next attempt is far away."""

    has_room = False
    read_position = saved_position = 0

    def next_work(self, now_s: float) -> None:
        return None

    def wake_at_s(self) -> float:
        return RETRY_S


@pytest.mark.parametrize("turns", range(6))
async def test_a_stop_is_not_lost_to_a_wake_just_before_it(turns: int) -> None:
    parts = SimpleNamespace(engine=SimpleNamespace(committed_lsn=0), now_s=lambda: 0.0, in_flight=4, bounds=Bounds())
    webhook = WebhookChanged("a", "w", "after", "https://example.org", 0)
    deliverer = Deliverer(webhook, cast(Any, parts), None, {})
    deliverer.schedule = cast(Any, Later())
    deliverer.start()
    for _ in range(5):
        await asyncio.sleep(0)
    deliverer.wake()
    for _ in range(turns):
        await asyncio.sleep(0)

    stopping = asyncio.ensure_future(deliverer.stop())
    done, _ = await asyncio.wait([stopping], timeout=5)

    assert done
