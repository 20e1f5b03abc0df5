"""A live quiz: a fold over its moves, answers and revivals; and what may happen next.

A question takes answers from when it was asked until before its deadline, by the server's clock: one per party, the
first one. When it ends, it is decided once what became of everybody; with elimination, whoever was in and did not
answer right is out, unless a revival keeps it in. Deciding changes nothing; what was decided is applied afterwards, the
same way when it happens and when it is read from the store again.

Not here: who runs the quiz and who is in the room (services), how it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.quizzes.moves import Asked, Closed, Created, Ended, Granted, Move, without

MAX_QUESTIONS = 100
MAX_PLAYERS = 100_000


class Answer(NamedTuple):
    """One party's answer to one question: the option, and how long it took."""

    choice: int
    after_ms: int


class Player:
    """Somebody who takes part.

    Attributes:
        out: the question that put it out; 0 while it is in.
        spent: revivals used.
        right: questions answered right, in ``right_ms`` altogether.
    """

    __slots__ = ("out", "right", "right_ms", "spent")

    def __init__(self) -> None:
        self.out = 0
        self.spent = 0
        self.right = 0
        self.right_ms = 0


class Ranked(NamedTuple):
    """A place in the results."""

    party: str
    left: bool
    right: int
    right_ms: int


class Quiz:
    """One quiz.

    Attributes:
        left: players still in.
        changed: goes up whenever the results may have changed.
    """

    __slots__ = (
        "_ranking",
        "_ranking_at",
        "answers",
        "cards",
        "changed",
        "closed",
        "created",
        "ended",
        "left",
        "players",
        "questions",
        "revived",
    )

    def __init__(self, created: Created) -> None:
        self.created = created
        self.questions: list[Asked] = []
        self.closed: list[Closed] = []
        self.ended: Ended | None = None
        self.players: dict[str, Player] = {}
        self.cards: dict[str, int] = {}
        """Cards of parties that were given some; the others have those of the rules."""
        self.answers: list[dict[str, Answer]] = []
        self.revived: list[set[str]] = []
        """By question that had put them out, those who came back by asking."""
        self.left = 0
        self.changed = 0
        self._ranking: list[Ranked] = []
        self._ranking_at = -1

    # --- looking ----------------------------------------------------------------------------

    @property
    def open(self) -> Asked | None:
        """The question that was asked and has not ended."""
        return self.questions[-1] if len(self.questions) > len(self.closed) else None

    def allowance(self, party: str) -> int:
        """How often the party may be revived in all."""
        return min(self.created.revivals, self.cards.get(party, self.created.cards))

    def may_begin(self) -> bool:
        """Whether somebody new may still begin with the open question."""
        counted = sum(not closed.void for closed in self.closed)
        return not self.created.elimination or counted < self.created.begin_until

    def ranking(self) -> list[Ranked]:
        """Everybody: who is in before who is out, more right answers first, then the quicker, equals by name."""
        if self._ranking_at != self.changed:
            self._ranking = [Ranked(name, not p.out, p.right, p.right_ms) for name, p in self.players.items()]
            self._ranking.sort(key=lambda row: (not row.left, -row.right, row.right_ms, row.party))
            self._ranking_at = self.changed
        return self._ranking

    # --- deciding ---------------------------------------------------------------------------

    def decide_answer(self, party: str, question: int, choice: int, now_ms: int) -> tuple[Answer, bool]:
        """The party's answer, and whether it is new; a repeat gets the first one, also when it is late.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``ALREADY_ANSWERED``, ``TOO_LATE``, ``ELIMINATED``, ``INVALID_PARAMS`` or
                ``LIMIT_EXCEEDED``.
        """
        asked = self._asked(question)
        before = self.answers[question - 1].get(party)
        if before is not None:
            if before.choice != choice:
                raise TrunklineError(Code.ALREADY_ANSWERED, f"question {question} was answered with {before.choice}")
            return before, False
        if not choice < len(asked.options):
            raise TrunklineError(
                Code.INVALID_PARAMS, f"question {question} has {len(asked.options)} options", field="choice"
            )
        if self.open is not asked or now_ms >= asked.closes_at_ms or self.ended is not None:
            raise TrunklineError(Code.TOO_LATE, f"question {question} took answers until {asked.closes_at_ms}")
        player = self.players.get(party)
        if player is None:
            if not self.may_begin():
                raise TrunklineError(Code.ELIMINATED, "it is too late to begin with this quiz")
            if len(self.players) >= MAX_PLAYERS:
                raise TrunklineError(Code.LIMIT_EXCEEDED, f"a quiz has at most {MAX_PLAYERS} players")
        elif player.out:
            raise TrunklineError(Code.ELIMINATED, f"question {player.out} put {party} out")
        return Answer(choice, max(0, now_ms - asked.at_ms)), True

    def decide_revival(self, party: str, now_ms: int) -> tuple[int, bool]:
        """The question that the party comes back from, and whether that is new.

        Raises:
            TrunklineError: ``NO_REVIVAL``, or ``TOO_LATE`` when the next question is over.
        """
        player = self.players.get(party)
        last = len(self.closed)
        if player is None or (not player.out and not (last and party in self.revived[last - 1])):
            raise TrunklineError(Code.NO_REVIVAL, f"{party} was not put out")
        if not player.out:
            return last, False
        rules = self.created
        if rules.automatic or (rules.revive_until and player.out > rules.revive_until):
            raise TrunklineError(Code.NO_REVIVAL, f"nobody comes back from question {player.out} by asking")
        if player.spent >= self.allowance(party):
            raise TrunklineError(Code.NO_REVIVAL, f"{party} has no revival left")
        asked = self.open
        if player.out != last or self.ended is not None or (asked is not None and now_ms >= asked.closes_at_ms):
            raise TrunklineError(Code.TOO_LATE, "the next question is over")
        return player.out, True

    def decide_end_of_question(self, at_ms: int, *, void: bool) -> Closed:
        """What the open question makes of everybody."""
        asked = self.questions[-1]
        answers = self.answers[asked.question - 1]
        tallies = [0] * len(asked.options)
        for answer in answers.values():
            tallies[answer.choice] += 1
        right = sum(tallies[place] for place in set(asked.correct))
        revived = out = left = 0
        for party, player in self.players.items():
            if player.out:
                continue
            if void or not self._fails(asked, party):
                left += 1
            elif self._revives_itself(asked.question, party, player):
                revived += 1
                left += 1
            else:
                out += 1
        return Closed(asked.question, at_ms, tuple(tallies), right, revived, out, left, void)

    # --- applying ---------------------------------------------------------------------------

    def apply(self, move: Move) -> None:
        """Apply a move; answers to a question come before its end, revivals before the end of the next one."""
        if isinstance(move, Asked):
            self.questions.append(move)
            self.answers.append({})
            self.revived.append(set())
        elif isinstance(move, Granted):
            self.cards |= dict.fromkeys(move.parties, move.cards)
        elif isinstance(move, Closed):
            self._end_question(move)
        elif isinstance(move, Ended):
            self.ended = move
        self.changed += 1

    def apply_answer(self, party: str, question: int, answer: Answer) -> None:
        """A party answered, and takes part from now on."""
        self.answers[question - 1][party] = answer
        if party not in self.players:
            self.players[party] = Player()
            self.left += 1
            self.changed += 1

    def apply_revival(self, party: str, question: int) -> None:
        """A party that a question had put out is in again."""
        self.revived[question - 1].add(party)
        player = self.players[party]
        player.out = 0
        player.spent += 1
        self.left += 1
        self.changed += 1

    def erase(self, party: str) -> None:
        """Forget a party. Tallies of questions that have ended keep its answers: they are numbers by now."""
        player = self.players.pop(party, None)
        if player is not None and not player.out:
            self.left -= 1
        self.created = cast(Created, without(self.created, party))
        self.questions = [cast(Asked, without(asked, party)) for asked in self.questions]
        self.cards.pop(party, None)
        for answers in self.answers:
            answers.pop(party, None)
        for revived in self.revived:
            revived.discard(party)
        self.changed += 1

    # --- pieces -----------------------------------------------------------------------------

    def _asked(self, question: int) -> Asked:
        if not 1 <= question <= len(self.questions):
            raise TrunklineError(Code.NOT_FOUND, f"question {question} was not asked", field="question")
        return self.questions[question - 1]

    def _fails(self, asked: Asked, party: str) -> bool:
        if not self.created.elimination:
            return False
        answer = self.answers[asked.question - 1].get(party)
        return answer is None or answer.choice not in asked.correct

    def _revives_itself(self, question: int, party: str, player: Player) -> bool:
        rules = self.created
        in_time = not rules.revive_until or question <= rules.revive_until
        return rules.automatic and in_time and player.spent < self.allowance(party)

    def _end_question(self, closed: Closed) -> None:
        asked = self.questions[closed.question - 1]
        answers = self.answers[closed.question - 1]
        for party, player in self.players.items():
            if closed.void or player.out:
                continue
            answer = answers.get(party)
            if answer is not None and answer.choice in asked.correct:
                player.right += 1
                player.right_ms += answer.after_ms
            elif self.created.elimination:
                if self._revives_itself(closed.question, party, player):
                    player.spent += 1
                else:
                    player.out = closed.question
                    self.left -= 1
        self.closed.append(closed)


def folded(
    created: Created,
    moves: Iterable[Move],
    answers: Iterable[tuple[int, str, Answer]],
    back: Iterable[tuple[int, str]],
) -> Quiz:
    """A quiz as it was left: its other moves in order, answers with their question, and who came back by asking."""
    quiz = Quiz(created)
    by_question: dict[int, list[tuple[str, Answer]]] = {}
    for question, party, answer in answers:
        by_question.setdefault(question, []).append((party, answer))
    back_from: dict[int, list[str]] = {}
    for question, party in back:
        back_from.setdefault(question, []).append(party)
    for move in moves:
        quiz.apply(move)
        if isinstance(move, Asked):
            for party, answer in by_question.get(move.question, ()):
                quiz.apply_answer(party, move.question, answer)
        elif isinstance(move, Closed):
            for party in back_from.get(move.question, ()):
                quiz.apply_revival(party, move.question)
    return quiz
