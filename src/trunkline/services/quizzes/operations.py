"""Operations on live quizzes."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.quizzes.quizzes import Quizzes
from trunkline.wire.calls import quizzes as calls

RUNNING = "groups"
PLAYING = "messages"
EVERY = Audience.EVERYONE


def operations(quizzes: Quizzes) -> list[Operation]:
    """What one can do with quizzes."""
    done = calls.QuizChanged
    return [
        Operation("quiz.create", calls.QuizCreate, done, quizzes.create, RUNNING, "Begin a quiz in a room"),
        Operation("quiz.ask", calls.QuizAsk, done, quizzes.ask, RUNNING, "Ask the next question"),
        Operation("quiz.close", calls.QuizClose, calls.QuizOutcome, quizzes.close, RUNNING, "End the open question"),
        Operation("quiz.grant", calls.QuizGrant, done, quizzes.grant, RUNNING, "Give parties revival cards"),
        Operation("quiz.end", calls.QuizRef, done, quizzes.end, RUNNING, "End a quiz"),
        Operation(
            "quiz.answer",
            calls.QuizAnswer,
            calls.QuizAnswered,
            quizzes.answer,
            PLAYING,
            "Answer the open question",
            EVERY,
            run_now=quizzes.answer_now,
        ),
        Operation("quiz.revive", calls.QuizRevive, done, quizzes.revive, PLAYING, "Come back into a quiz", EVERY),
        Operation(
            "quiz.get", calls.QuizRef, calls.QuizView, quizzes.get, PLAYING, "Look at a quiz", EVERY, writes=False
        ),
        Operation(
            "quiz.results",
            calls.QuizResultsGet,
            calls.QuizResults,
            quizzes.results,
            PLAYING,
            "Read the results of a quiz",
            EVERY,
            writes=False,
        ),
    ]
