"""R29: everybody answers a quiz around its deadlines while the server is killed with SIGKILL, now and then.

Tallies are exactly the answers that were acknowledged, none that came late is counted, every question ends once, and
the results are what the answers add up to. The judge keeps its own list of what it was told.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.claims.context import Context
from tests.claims.raw_link import RawLink
from tests.claims.report import ScenarioReport
from tests.claims.scenarios.r27_red_packets import Caller
from tests.claims.world import World
from trunkline.client import RequestFailed
from trunkline.wire.calls.quizzes import QuizAnswered, QuizChanged, QuizOutcome, QuizResults, QuizView
from trunkline.wire.calls.rooms import RoomBatch, RoomChanged, RoomJoined

_ROOM, _QUIZ = "r29", "quiz"
_OPTIONS = ["a", "b", "c", "d"]
_ANSWER_MS = 3_000
_EARLY_S, _LATE_S = 0.7, 0.25
"""Answers are sent from so long before the deadline until so long after it."""


class Seat(Caller):
    """A caller who is in the room."""

    async def opened(self, link: RawLink) -> None:
        """Come in."""
        assert link.socket is not None
        await link.socket.call("room.join", {"conversation": _ROOM}, RoomJoined, timeout_s=10)


@dataclass
class Question:
    """What was asked, and what everybody was told about its answer."""

    number: int
    correct: int
    closes_at_ms: int = 0
    counted: dict[str, QuizAnswered] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    sent_after: set[str] = field(default_factory=set)
    """Who sent its answer for the first time when the deadline had passed."""


async def run(ctx: Context) -> ScenarioReport:
    """Questions that all parties answer around the deadline, with kills in some of them."""
    people, rounds, kills = ctx.size(short=(20, 3, 1), full=(250, 20, 10))
    answers = people * rounds
    report = ScenarioReport(
        "R29", f"{answers:,} quiz answers around the deadline, {kills} kills", fault_kinds="SIGKILL"
    )
    async with World(ctx, report, config={"limits": {"link_rate": 0}}) as world:
        first = Caller(world, "user/host", "desk")
        await first.repeat("room.create", RoomChanged, id=_ROOM)
        host = Seat(world, "user/host", "desk")
        seats = {f"user/u{number}": Seat(world, f"user/u{number}", "phone") for number in range(people)}
        rules = {"elimination": False}
        await host.repeat("quiz.create", QuizChanged, conversation=_ROOM, quiz=_QUIZ, rules=rules)
        killed = set(ctx.rng("kills").sample(range(1, rounds + 1), kills))
        questions = []
        for number in range(1, rounds + 1):
            question = Question(number, ctx.rng("correct", number).randrange(len(_OPTIONS)))
            questions.append(question)
            await _ask(host, question)
            async with asyncio.TaskGroup() as group:
                for party, seat in seats.items():
                    group.create_task(_answer(ctx, report, seat, party, question))
                if number in killed:
                    group.create_task(_kill(ctx, world, report, question))
            await _ended(host, question)
        await host.repeat("quiz.end", QuizChanged, conversation=_ROOM, quiz=_QUIZ)
        before = await _results(host)
        await world.server.restart()
        report.check("the results after a restart equal those before", await _results(host) == before)
        entries: RoomBatch = await host.read("room.entries", RoomBatch, conversation=_ROOM, limit=500)
        outcomes = [msgspec.convert(i.content, QuizOutcome) for i in entries.items if i.type == "quiz.closed"]
        _judge(report, questions, outcomes, before)
        report.n = sum(len(question.counted) + len(question.late) for question in questions)
        report.check("every answer has a definite reply", report.n == answers, f"{report.n} of {answers}")
        for open_seat in [first, host, *seats.values()]:
            await open_seat.close()
    return report


async def _ask(host: Seat, question: Question) -> None:
    await host.repeat(
        "quiz.ask",
        QuizChanged,
        conversation=_ROOM,
        quiz=_QUIZ,
        question=question.number,
        text=f"Question {question.number}?",
        options=_OPTIONS,
        correct=[question.correct],
        answer_ms=_ANSWER_MS,
    )
    view = await _view(host)
    assert view.last is not None and view.last.question == question.number
    question.closes_at_ms = view.last.closes_at_ms


async def _answer(ctx: Context, report: ScenarioReport, seat: Seat, party: str, question: Question) -> None:
    """Answer at a moment around the deadline, and ask until there is a definite reply."""
    rng = ctx.rng("answer", party, question.number)
    await seat.repeat("quiz.get", QuizView, conversation=_ROOM)  # connected and in the room
    at_s = question.closes_at_ms / 1000 + rng.uniform(-_EARLY_S, _LATE_S)
    await asyncio.sleep(max(0.0, at_s - time.time()))
    if time.time() * 1000 >= question.closes_at_ms:
        question.sent_after.add(party)
    began_s = time.monotonic()
    params = {"conversation": _ROOM, "quiz": _QUIZ, "question": question.number, "choice": rng.randrange(len(_OPTIONS))}
    try:
        question.counted[party] = await seat.repeat("quiz.answer", QuizAnswered, **params)
    except RequestFailed as refused:
        if refused.name != "too_late":
            raise
        question.late.add(party)
    report.latency_ms.append((time.monotonic() - began_s) * 1000)


async def _kill(ctx: Context, world: World, report: ScenarioReport, question: Question) -> None:
    """Kill the server around the deadline, and start it again at once."""
    at_s = question.closes_at_ms / 1000 - ctx.rng("kill", question.number).uniform(-0.2, 1.2)
    await asyncio.sleep(max(0.0, at_s - time.time()))
    await world.server.kill()
    report.faults += 1
    await world.server.start()
    report.recovery_s.append(time.monotonic() - world.server.started_at_s)


async def _view(seat: Seat) -> QuizView:
    """The quiz, whatever it takes to ask for it."""
    found: QuizView = await seat.repeat("quiz.get", QuizView, conversation=_ROOM)
    return found


async def _ended(host: Seat, question: Question) -> None:
    async with asyncio.timeout(30):
        while True:
            last = (await _view(host)).last
            if last is not None and last.question == question.number and last.outcome is not None:
                return
            await asyncio.sleep(0.02)


async def _results(host: Seat) -> list[dict[str, Any]]:
    found: QuizResults = await host.repeat("quiz.results", QuizResults, conversation=_ROOM, limit=1000)
    return [msgspec.to_builtins(place) for place in found.places]


def _judge(
    report: ScenarioReport, questions: list[Question], outcomes: list[QuizOutcome], results: list[dict[str, Any]]
) -> None:
    ended = Counter(outcome.question for outcome in outcomes)
    report.check("every question ends once", ended == Counter(question.number for question in questions), str(ended))
    by_number = {outcome.question: outcome for outcome in outcomes}
    wrong: dict[str, list[int]] = {
        name: []
        for name in (
            "tallies are exactly the answers that were acknowledged",
            "what was sent after the deadline is not counted",
            "what counts took less than the time there was",
            "nobody is both counted and refused",
            "what was right is counted as right",
        )
    }
    right: Counter[str] = Counter()
    right_ms: Counter[str] = Counter()
    for question in questions:
        outcome = by_number.get(question.number)
        if outcome is None:
            continue
        chosen = Counter(answer.choice for answer in question.counted.values())
        for party, answer in question.counted.items():
            if answer.choice == question.correct:
                right[party] += 1
                right_ms[party] += answer.after_ms
        judged = {
            "tallies are exactly the answers that were acknowledged": outcome.tallies
            == [chosen[place] for place in range(len(_OPTIONS))],
            "what was sent after the deadline is not counted": not question.sent_after & question.counted.keys(),
            "what counts took less than the time there was": all(
                0 <= answer.after_ms < _ANSWER_MS for answer in question.counted.values()
            ),
            "nobody is both counted and refused": not question.late & question.counted.keys(),
            "what was right is counted as right": (outcome.right, outcome.correct)
            == (chosen[question.correct], [question.correct]),
        }
        for name, holds in judged.items():
            if not holds:
                wrong[name].append(question.number)
    for name, numbers in wrong.items():
        report.check(name, not numbers, f"not so for questions {numbers}")
    told = {party for question in questions for party in question.counted}
    expected = {party: (right[party], right_ms[party]) for party in told}
    shown = {row["party"]: (row["right"], row["right_ms"]) for row in results}
    report.check("the results are what the answers add up to", shown == expected)
    counted = sum(len(question.counted) for question in questions)
    late = sum(len(question.late) for question in questions)
    report.check("the answers exercise both sides of the deadline", counted > 0 < late, f"{counted} and {late}")
    report.notes.append(f"{counted:,} answers came in time and {late:,} late.")
