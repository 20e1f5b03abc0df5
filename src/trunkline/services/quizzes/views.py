"""A quiz as people see it: what is right is shown only when a question has ended."""

from __future__ import annotations

from trunkline.domain.quizzes.moves import Asked, Closed
from trunkline.domain.quizzes.quiz import Quiz
from trunkline.services.quizzes.ports import QuizKey
from trunkline.wire.calls import quizzes as calls


def rules_of(quiz: Quiz) -> calls.QuizRules:
    """Its rules."""
    created = quiz.created
    return calls.QuizRules(
        elimination=created.elimination,
        begin_until=created.begin_until,
        revivals=created.revivals,
        cards=created.cards,
        automatic=created.automatic,
        revive_until=created.revive_until,
    )


def question(name: str, asked: Asked, closed: Closed | None) -> calls.QuizQuestion:
    """A question."""
    return calls.QuizQuestion(
        quiz=name,
        question=asked.question,
        text=asked.text,
        options=list(asked.options),
        at_ms=asked.at_ms,
        closes_at_ms=asked.closes_at_ms,
        outcome=outcome(name, asked, closed) if closed is not None else None,
    )


def outcome(name: str, asked: Asked, closed: Closed) -> calls.QuizOutcome:
    """What came of a question."""
    return calls.QuizOutcome(
        quiz=name,
        question=asked.question,
        correct=list(asked.correct),
        tallies=list(closed.tallies),
        answered=sum(closed.tallies),
        right=closed.right,
        revived=closed.revived,
        out=closed.out,
        left=closed.left,
        void=closed.void,
    )


def view(key: QuizKey, quiz: Quiz, party: str) -> calls.QuizView:
    """A quiz, as a party sees it."""
    last = None
    if quiz.questions:
        asked = quiz.questions[-1]
        last = question(key.quiz, asked, quiz.closed[-1] if quiz.open is None else None)
    return calls.QuizView(
        conversation=key.conversation,
        quiz=key.quiz,
        title=quiz.created.title,
        rules=rules_of(quiz),
        questions=len(quiz.questions),
        players=len(quiz.players),
        left=quiz.left,
        ended=quiz.ended is not None,
        last=last,
        me=_player(quiz, party),
    )


def _player(quiz: Quiz, party: str) -> calls.QuizPlayer:
    player = quiz.players.get(party)
    answer = quiz.answers[-1].get(party) if quiz.answers else None
    return calls.QuizPlayer(
        plays=player is not None,
        out=player.out if player is not None else 0,
        revivals=max(0, quiz.allowance(party) - (player.spent if player is not None else 0)),
        right=player.right if player is not None else 0,
        right_ms=player.right_ms if player is not None else 0,
        choice=answer.choice if answer is not None else -1,
    )


def results(key: QuizKey, quiz: Quiz, after: int, limit: int) -> calls.QuizResults:
    """A page of the results."""
    ranking = quiz.ranking()
    places: list[calls.QuizPlace] = []
    place = min(after, len(ranking) - 1)
    while place > 0 and ranking[place - 1][1:] == ranking[place][1:]:
        place -= 1
    for at in range(after, min(after + limit, len(ranking))):
        row = ranking[at]
        if row[1:] != ranking[place][1:]:
            place = at
        places.append(calls.QuizPlace(place + 1, row.party, row.left, row.right, row.right_ms))
    return calls.QuizResults(
        conversation=key.conversation,
        quiz=key.quiz,
        players=len(ranking),
        left=quiz.left,
        ended=quiz.ended is not None,
        places=places,
        next=after + limit if after + limit < len(ranking) else 0,
    )
