"""A meeting of 17, as many as a screen still shows: all publish sound and a picture; those who look get all others'."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.integration.live.crowd import crowd
from tests.integration.rest.running import App

NAMES = [f"p{number:02}" for number in range(17)]
EARLY, LATE, QUIET = NAMES[:1], NAMES[1:2], NAMES[2:]
"""Who subscribes, from the beginning and when all others publish, and who does not: one machine cannot decode 272
pictures."""
pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]


async def test_seventeen_people_publish_and_whoever_looks_hears_and_sees_them_all(app: App) -> None:
    async with AsyncExitStack() as stack:
        groups = [EARLY, LATE, QUIET[::2], QUIET[1::2]]
        early, late, *quiet = await asyncio.gather(*(stack.enter_async_context(crowd(names)) for names in groups))
        await asyncio.gather(
            early.join(app, "m", subscribe=True), *(some.join(app, "m", subscribe=False) for some in quiet)
        )
        await asyncio.gather(*(some.ask("publish") for some in (early, *quiet)))
        await late.join(app, "m", subscribe=True)
        await late.ask("publish")
        everybody = (early, late, *quiet)
        await asyncio.gather(*(some.ask("know", names=NAMES) for some in everybody))
        await asyncio.gather(*(some.ask("get", names=NAMES) for some in (early, late)))

        for some in quiet:
            assert await some.ask("leave") == [[] for _ in some.names], "who does not subscribe gets nothing"
        await asyncio.gather(*(some.ask("miss", names=EARLY + LATE) for some in (early, late)))
        for some in (early, late):
            [told] = await some.ask("leave")
            assert set(told) == set(NAMES) - set(some.names), "all were got, and nobody was thrown out"
