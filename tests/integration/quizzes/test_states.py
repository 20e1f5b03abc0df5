"""Quizzes in memory: right again after a failed disk, bounded, and read from the index as they were."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.identity.world import Disk, World
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.services.quizzes import states as states_module
from trunkline.services.quizzes.ports import Kept, QuizKey
from trunkline.services.quizzes.quizzes import Quizzes
from trunkline.services.quizzes.states import QuizStates
from trunkline.services.quizzes.system import QuizSystem, build_quizzes
from trunkline.services.rooms.limits import RoomLimits
from trunkline.services.rooms.system import RoomSystem, build_rooms
from trunkline.services.sessions.delivery import Delivery
from trunkline.store.sqlite.quizzes import SqliteQuizzes
from trunkline.wire.calls import quizzes as calls
from trunkline.wire.calls.rooms import RoomCreate


@dataclass
class Show:
    """A room whose app server plays for everybody."""

    world: World
    rooms: RoomSystem
    system: QuizSystem
    app: str

    def caller(self, party: str = SYSTEM_PARTY) -> Caller:
        return Caller(self.app, party, server=True, key="k")

    @property
    def quizzes(self) -> Quizzes:
        return self.system.quizzes

    async def create(self, quiz: str, room: str = "show") -> None:
        request = calls.QuizCreate(conversation=room, quiz=quiz, rules=calls.QuizRules(elimination=False))
        await self.world.durable(self.quizzes.create(self.caller(), request))

    async def ask(self, quiz: str, question: int, room: str = "show") -> None:
        request = calls.QuizAsk(
            conversation=room, quiz=quiz, question=question, text="?", options=["a", "b"], correct=[1], answer_ms=5000
        )
        await self.world.durable(self.quizzes.ask(self.caller(), request))

    async def answer(self, party: str, quiz: str, question: int, choice: int = 1, room: str = "show") -> Any:
        request = calls.QuizAnswer(conversation=room, quiz=quiz, question=question, choice=choice)
        return await self.quizzes.answer(self.caller(party), request)

    async def view(self, quiz: str = "current", room: str = "show", party: str = SYSTEM_PARTY) -> calls.QuizView:
        return await self.quizzes.get(self.caller(party), calls.QuizRef(conversation=room, quiz=quiz))

    async def close(self, quiz: str, question: int, room: str = "show") -> calls.QuizOutcome:
        request = calls.QuizClose(conversation=room, quiz=quiz, question=question)
        return await self.world.durable(self.quizzes.close(self.caller(), request))


@pytest.fixture
async def show(tmp_path: Path) -> AsyncIterator[Show]:
    async with Disk(tmp_path).open() as world:
        delivery = Delivery(world.hub, lambda entry, resident: None)
        world.engine.on_record(delivery.on_record)
        loop = asyncio.get_running_loop()
        rooms = build_rooms(
            world.engine, world.hub, delivery, loop, world.keys._randomness, RoomLimits(tick_ms=5), lambda: 0.5
        )
        system = build_quizzes(rooms, SqliteQuizzes(world.index.reader))
        app = (await world.create_app()).app.app
        made = Show(world, rooms, system, app)
        await world.durable(rooms.rooms.create(made.caller(), RoomCreate(id="show")))
        yield made


async def refused(code: Code, doing: Awaitable[Any]) -> None:
    with pytest.raises(TrunklineError) as caught:
        await doing
    assert caught.value.code is code


async def failing(show: Show, do: Callable[[], Awaitable[Any]]) -> None:
    """Do something that the disk does not take."""
    show.world.io.fail_write(errno.ENOSPC)
    await do()
    await refused(Code.DISK_FULL, show.world.engine.commits.settled())


async def test_answers_that_a_full_disk_did_not_take_never_happened(show: Show) -> None:
    await show.create("q1")
    await show.ask("q1", 1)
    await show.world.durable(show.answer("user/ann", "q1", 1))

    async def many() -> None:
        for party in ("user/bob", "user/eve"):
            await show.answer(party, "q1", 1, 0)

    await failing(show, many)
    assert (await show.view()).players == 1
    assert (await show.answer("user/ann", "q1", 1)).repeated
    again = await show.world.durable(show.answer("user/bob", "q1", 1, 1))
    assert not again.repeated, "with another choice, as the first one never happened"
    assert (await show.close("q1", 1)).tallies == [0, 2]


async def test_an_end_that_was_not_written_comes_later_and_late_answers_stay_out(show: Show) -> None:
    await show.create("q1")
    await show.ask("q1", 1)
    await show.world.durable(show.answer("user/ann", "q1", 1))
    show.world.clock.move(6)
    key = QuizKey(show.app, "show", "q1")
    await failing(show, lambda: show.quizzes.deadline(key))
    assert (await show.view()).last is not None
    await refused(Code.TOO_LATE, show.answer("user/bob", "q1", 1))
    assert await show.world.durable(show.quizzes.deadline(key)) is None
    last = (await show.view()).last
    assert last is not None and last.outcome is not None
    assert last.outcome.tallies == [0, 1]
    await show.ask("q1", 2)
    assert (await show.view()).questions == 2


async def test_a_quiz_that_was_not_written_was_never_begun(show: Show) -> None:
    await failing(show, lambda: show.quizzes.create(show.caller(), calls.QuizCreate(conversation="show", quiz="q1")))
    await refused(Code.NOT_FOUND, show.view())
    await show.create("q2")
    assert (await show.view()).quiz == "q2"


async def test_those_that_go_on_stay_in_memory_and_the_others_come_back(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states_module, "MAX_KEPT", 3)
    rooms = [f"room{number}" for number in range(6)]
    for number, room in enumerate(rooms):
        await show.world.durable(show.rooms.rooms.create(show.caller(), RoomCreate(id=room)))
        await show.create("q", room)
        await show.ask("q", 1, room)
        await show.world.durable(show.answer(f"user/u{number}", "q", 1, room=room))
    for room in rooms:
        await show.close("q", 1, room)
        end = calls.QuizRef(conversation=room, quiz="q")
        await show.world.durable(show.quizzes.end(show.caller(), end))
    for _ in range(2):
        for number, room in enumerate(rooms):
            view = await show.view("q", room, f"user/u{number}")
            assert (view.players, view.ended, view.me.right) == (1, True, 1)
    assert len(show.quizzes._states._kept) <= 3


class Held(SqliteQuizzes):
    """An index that answers when the test says so."""

    def __init__(self, show: Show) -> None:
        super().__init__(show.world.index.reader)
        self.reading = asyncio.Event()
        self.may_read = asyncio.Event()

    async def quiz(self, key: QuizKey) -> Kept | None:
        self.reading.set()
        await self.may_read.wait()
        return await super().quiz(key)


async def test_who_goes_away_while_a_quiz_is_loaded_takes_nobody_along(show: Show) -> None:
    await show.create("q1")
    await show.ask("q1", 1)
    await show.world.durable(show.answer("user/ann", "q1", 1))
    index = Held(show)
    states = QuizStates(show.world.engine, index)
    loads = [asyncio.create_task(states.load(QuizKey(show.app, "show", "q1"))) for _ in range(4)]
    await index.reading.wait()
    loads[0].cancel()
    await asyncio.wait([loads[0]])
    index.may_read.set()
    async with asyncio.timeout(30):
        kept = await asyncio.gather(*loads[1:])
    assert [list(found.quiz.players) for found in kept] == [["user/ann"]] * 3


async def test_many_answers_at_once_are_each_counted_once(show: Show) -> None:
    await show.create("q1")
    await show.ask("q1", 1)
    wanted = {f"user/u{number}": number % 2 for number in range(500)}
    both = [(party, choice) for party, choice in wanted.items() for _ in (1, 2)]
    told = await asyncio.gather(*(show.answer(party, "q1", 1, choice) for party, choice in both))
    await show.world.engine.commits.settled()
    assert sum(answer.repeated for answer in told) == 500
    outcome = await show.close("q1", 1)
    assert (outcome.tallies, outcome.answered) == ([250, 250], 500)
