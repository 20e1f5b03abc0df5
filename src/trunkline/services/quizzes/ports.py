"""What quizzes ask of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trunkline.domain.quizzes.moves import Move
from trunkline.domain.quizzes.quiz import Answer


class Kept(NamedTuple):
    """A quiz as it is stored: all its moves in order, answers with their question, and who came back from which."""

    moves: Sequence[Move]
    answers: Sequence[tuple[int, str, Answer]]
    revivals: Sequence[tuple[int, str]]


class QuizKey(NamedTuple):
    """Which quiz."""

    app: str
    conversation: str
    quiz: str


class QuizIndex(Protocol):
    """Quizzes, as far as they are projected."""

    async def quiz(self, key: QuizKey) -> Kept | None:
        """A quiz, whole."""
        ...

    async def newest(self, app: str, conversation: str) -> str:
        """The room's newest quiz; "" for none."""
        ...

    async def open(self) -> list[QuizKey]:
        """Quizzes with a question that has not ended."""
        ...
