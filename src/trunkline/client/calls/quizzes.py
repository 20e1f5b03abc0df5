"""Live quizzes in rooms: for those who run them, and for those who play.

Everything here is safe to repeat, so it is repeated through lost connections until there is a definite answer. What
happens comes as messages of the room: ``quiz.asked``, ``quiz.progress``, ``quiz.closed`` and so on (spec/quizzes.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from trunkline.client.requests import Requests
from trunkline.wire.calls.quizzes import (
    QuizAnswer,
    QuizAnswered,
    QuizAsk,
    QuizChanged,
    QuizClose,
    QuizCreate,
    QuizGrant,
    QuizOutcome,
    QuizPlace,
    QuizRef,
    QuizResults,
    QuizResultsGet,
    QuizRevive,
    QuizRules,
    QuizView,
)


class QuizCalls:
    """``client.quizzes``."""

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call

    async def create(
        self, conversation: str, quiz: str, *, title: str = "", rules: QuizRules | None = None
    ) -> QuizChanged:
        """Begin a quiz in a room.

        Raises:
            RequestFailed: ``already_exists``: the room's quiz goes on.
        """
        request = QuizCreate(conversation=conversation, quiz=quiz, title=title, rules=rules or QuizRules())
        return await self._call("quiz.create", request, QuizChanged, again=True)

    async def ask(
        self,
        conversation: str,
        quiz: str,
        question: int,
        text: str,
        options: list[str],
        *,
        correct: list[int],
        answer_ms: int = 10_000,
    ) -> QuizChanged:
        """Ask the next question; ``correct`` are the places of the right options, from 0."""
        request = QuizAsk(
            conversation=conversation,
            quiz=quiz,
            question=question,
            text=text,
            options=options,
            correct=correct,
            answer_ms=answer_ms,
        )
        return await self._call("quiz.ask", request, QuizChanged, again=True)

    async def close(self, conversation: str, quiz: str, question: int, *, void: bool = False) -> QuizOutcome:
        """End the open question now; ``void``: it counts for nobody."""
        request = QuizClose(conversation=conversation, quiz=quiz, question=question, void=void)
        return await self._call("quiz.close", request, QuizOutcome, again=True)

    async def grant(self, conversation: str, quiz: str, *parties: str, cards: int) -> QuizChanged:
        """Parties have so many revival cards in all."""
        request = QuizGrant(conversation=conversation, quiz=quiz, parties=list(parties), cards=cards)
        return await self._call("quiz.grant", request, QuizChanged, again=True)

    async def end(self, conversation: str, quiz: str) -> QuizChanged:
        """End a quiz."""
        request = QuizRef(conversation=conversation, quiz=quiz)
        return await self._call("quiz.end", request, QuizChanged, again=True)

    async def answer(self, conversation: str, quiz: str, question: int, choice: int) -> QuizAnswered:
        """Answer the open question: the place of an option. It is on the server's disk and counts when this returns.

        Raises:
            RequestFailed: ``too_late``, ``eliminated``, ``already_answered``...; it does not count.
        """
        request = QuizAnswer(conversation=conversation, quiz=quiz, question=question, choice=choice)
        return await self._call("quiz.answer", request, QuizAnswered, again=True)

    async def revive(self, conversation: str, quiz: str) -> QuizChanged:
        """Come back after the last question put this party out.

        Raises:
            RequestFailed: ``no_revival`` or ``too_late``.
        """
        request = QuizRevive(conversation=conversation, quiz=quiz)
        return await self._call("quiz.revive", request, QuizChanged, again=True)

    async def get(self, conversation: str, quiz: str = "current") -> QuizView:
        """A quiz: its last question, how many are in, and this party."""
        return await self._call("quiz.get", QuizRef(conversation=conversation, quiz=quiz), QuizView, again=True)

    async def results(
        self, conversation: str, quiz: str = "current", *, after: int = 0, limit: int = 100
    ) -> QuizResults:
        """A page of the results, best first."""
        request = QuizResultsGet(conversation=conversation, quiz=quiz, after=after, limit=limit)
        return await self._call("quiz.results", request, QuizResults, again=True)

    async def winners(self, conversation: str, quiz: str = "current") -> AsyncIterator[QuizPlace]:
        """Everybody still in, best first."""
        after = 0
        while True:
            page = await self.results(conversation, quiz, after=after, limit=1000)
            for place in page.places:
                if not place.left:
                    return
                yield place
            after = page.next
            if not after:
                return
