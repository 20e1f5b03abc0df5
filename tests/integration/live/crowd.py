"""People in a process of their own. The parent says what they do, one line at a time.

The official library has one audio thread, one network thread and one queue of events in a process, whatever the
number of its rooms, and asks every waiting call about every event: many people in one process stand in each other's
way. Not here: what a person does (``person``).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from livekit import rtc

from tests.integration.live.person import TIMEOUT_S, Person, live_token, until
from tests.integration.rest.running import App

ROOT = Path(__file__).parents[3]
KINDS = {rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO}
PATIENCE_S = 60.0
"""As long as the machine may take for everything that is asked at once."""


@dataclass(slots=True)
class Crowd:
    """What the parent has of people in another process."""

    names: list[str]
    process: asyncio.subprocess.Process

    async def ask(self, command: str, **arguments: Any) -> Any:
        """Have all do something; the answer when all have done it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        line = await self.process.stdout.readline()
        assert line, f"{self.names} ended during {command}: what was wrong is in their errors"
        return json.loads(line)

    async def join(self, app: App, room: str, *, subscribe: bool) -> None:
        """Have all join."""
        tokens = {name: live_token(app, name, room) for name in self.names}
        await self.ask("join", url=app.server.url.replace("http", "ws", 1), tokens=tokens, subscribe=subscribe)


@asynccontextmanager
async def crowd(names: list[str]) -> AsyncIterator[Crowd]:
    """People of these names, in a process that runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        made = Crowd(names, process)
        await made.ask("begin")
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


class _People:
    """The people of this process, and what they are told: each command is a method."""

    def __init__(self) -> None:
        self._people: list[Person] = []

    async def begin(self) -> None:
        """Nothing yet: the process runs."""

    async def join(self, url: str, tokens: dict[str, str], subscribe: bool) -> None:
        """All join."""
        self._people = [Person(name) for name in tokens]
        for person in self._people:
            await person.connect(url, tokens[person.identity], auto_subscribe=subscribe)

    async def publish(self) -> None:
        """All speak now and then, each in turn, as in a meeting, and show a small picture."""
        for person in self._people:
            await person.speak(speaks_s=0.6, listens_s=1.8)
            await person.show(160, 90, fps=4)

    async def know(self, names: list[str]) -> None:
        """Wait until everybody is announced to all here with a track of each kind."""
        for person in self._people:
            others = set(names) - {person.identity}
            await until(
                partial(self._knows, person, others), f"{others} are announced to {person.identity}", PATIENCE_S
            )

    async def get(self, names: list[str]) -> None:
        """Wait until all here have heard and seen everybody."""
        for person in self._people:
            for name in sorted(set(names) - {person.identity}):
                await until(partial(self._gets, person, name), f"{person.identity} hears and sees {name}", PATIENCE_S)

    async def miss(self, names: list[str]) -> None:
        """Wait until nobody but these is there for all here."""
        for person in self._people:
            await until(partial(self._is_with, person, names), f"{person.identity} knows who left", PATIENCE_S)

    async def leave(self) -> list[list[str]]:
        """All leave: whom each got, and whether it was thrown out."""
        ended = [{"disconnected"} & set(person.events) for person in self._people]
        told = [sorted({*p.heard, *p.seen, *out}) for p, out in zip(self._people, ended, strict=True)]
        await asyncio.gather(*(person.leave() for person in self._people))
        self._people = []
        return told

    @staticmethod
    def _knows(person: Person, others: set[str]) -> bool:
        found = person.room.remote_participants.items()
        return {name for name, other in found if {p.kind for p in other.track_publications.values()} == KINDS} == others

    @staticmethod
    def _gets(person: Person, name: str) -> bool:
        return person.hears(name).loudest > 1000 and person.sees(name).frames > 3

    @staticmethod
    def _is_with(person: Person, names: list[str]) -> bool:
        return person.room.remote_participants.keys() == set(names) - {person.identity}


async def _obey() -> None:
    people = _People()
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            answer = await getattr(people, order.pop("command"))(**order)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        await people.leave()


if __name__ == "__main__":
    asyncio.run(_obey())
