"""A meeting of 17, as many as a screen still shows: all publish sound and a picture; those who look get all others'."""

from __future__ import annotations

import asyncio
import os
from functools import partial

import pytest
from livekit import rtc

from tests.integration.live.person import Person, until
from tests.integration.rest.running import App

SIZE = 17
LOOKING = 2
"""Who subscribes: one machine cannot decode 272 pictures for the other 15 as well."""
KINDS = (rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.timeout(180),
    # 17 encoders in one process do not get through on two slow cores: publishing times out. Known and open.
    pytest.mark.skipif(
        "TRUNKLINE_MEETING" not in os.environ, reason="set TRUNKLINE_MEETING=1: needs more than two slow cores"
    ),
]


async def test_seventeen_people_publish_and_whoever_looks_hears_and_sees_them_all(app: App) -> None:
    people = [Person(f"p{number:02}") for number in range(SIZE)]
    names = {person.identity for person in people}
    looking, quiet = people[:LOOKING], people[LOOKING:]
    try:
        await asyncio.gather(
            *(person.join(app, "meeting", auto_subscribe=False) for person in quiet),
            *(person.join(app, "meeting") for person in looking),
        )
        await asyncio.gather(*(person.speak() for person in people))
        await asyncio.gather(*(person.show(160, 90, fps=4) for person in people))
        for person in people:
            await until(partial(_knows_all, person, names), f"all are announced to {person.identity}")
        for looker in looking:
            for name in names - {looker.identity}:
                await until(partial(_gets, looker, name), f"{looker.identity} hears and sees {name}", 60)
        assert all(not person.heard and not person.seen for person in quiet)
        await asyncio.gather(*(person.leave() for person in quiet))
        for looker in looking:
            others = {other.identity for other in looking}
            await until(partial(_is_with, looker, others), "it is known who left")
    finally:
        await asyncio.gather(*(person.leave() for person in people))


def _knows_all(person: Person, names: set[str]) -> bool:
    """Whether everybody else is known here with a track of each kind."""
    found = person.room.remote_participants.items()
    complete = {name for name, other in found if {p.kind for p in other.track_publications.values()} == set(KINDS)}
    return complete == names - {person.identity}


def _gets(person: Person, name: str) -> bool:
    heard, seen = person.hears(name), person.sees(name)
    return heard.frames > 20 and heard.loudness > 1000 and seen.frames > 3


def _is_with(person: Person, names: set[str]) -> bool:
    return person.room.remote_participants.keys() == names - {person.identity}
