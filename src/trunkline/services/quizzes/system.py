"""The parts of quizzes, connected."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.services.quizzes.deadlines import QuizDeadlines
from trunkline.services.quizzes.ports import QuizIndex
from trunkline.services.quizzes.quizzes import Quizzes
from trunkline.services.quizzes.states import QuizStates
from trunkline.services.rooms.system import RoomSystem


@dataclass(frozen=True, slots=True)
class QuizSystem:
    """Everything about quizzes."""

    quizzes: Quizzes
    deadlines: QuizDeadlines


def build_quizzes(rooms: RoomSystem, index: QuizIndex) -> QuizSystem:
    """Connect quizzes to the rooms and the log."""
    engine = rooms.directory.engine
    quizzes = Quizzes(rooms.directory, rooms.joining, QuizStates(engine, index))
    return QuizSystem(quizzes, QuizDeadlines(engine, index, quizzes, rooms.directory))
