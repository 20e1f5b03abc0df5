"""Live quizzes in rooms: what those who run them and those who play ask, and what they are told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from trunkline.wire.calls.session import ConversationName, PartyName

QuizName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._\-]+$")]
Title = Annotated[str, Meta(max_length=200)]
QuestionNumber = Annotated[int, Meta(ge=1, le=100)]
QuestionText = Annotated[str, Meta(min_length=1, max_length=1000)]
Option = Annotated[str, Meta(min_length=1, max_length=200)]
Choice = Annotated[int, Meta(ge=0, le=9)]
Few = Annotated[int, Meta(ge=0, le=100)]
Players = Annotated[list[PartyName], Meta(min_length=1, max_length=1000)]


class QuizRules(Struct, kw_only=True):
    """How a quiz is played.

    Attributes:
        elimination: whoever is in and does not answer right is out.
        begin_until: with elimination, how many questions that count somebody may have missed before: 1 means that
            everybody begins with the first one.
        revivals: how often one may be revived in all, and ``cards``: how many cards one begins with. A revival takes
            both.
        automatic: cards are used by themselves; otherwise by ``quiz.revive``, before the next question is over.
        revive_until: nobody is revived from a question after this one; 0 = from any.
    """

    elimination: bool = True
    begin_until: Annotated[int, Meta(ge=1, le=100)] = 1
    revivals: Few = 0
    cards: Few = 0
    automatic: bool = False
    revive_until: Few = 0


class QuizCreate(Struct, kw_only=True):
    """Begin a quiz in a room; its co-hosts may. The same again is harmless."""

    conversation: ConversationName
    quiz: QuizName
    title: Title = ""
    rules: QuizRules = field(default_factory=QuizRules)


class QuizAsk(Struct, kw_only=True):
    """Ask the next question: ``question`` is its number. The same again is harmless.

    ``correct`` are the places of the right options, from 0; nobody is told before the question has ended. An app
    server and those who run the quiz may end it before ``answer_ms`` is over.
    """

    conversation: ConversationName
    quiz: QuizName
    question: QuestionNumber
    text: QuestionText
    options: Annotated[list[Option], Meta(min_length=2, max_length=10)]
    correct: Annotated[list[Choice], Meta(min_length=1, max_length=10)]
    answer_ms: Annotated[int, Meta(ge=1000, le=600_000)] = 10_000


class QuizAnswer(Struct, kw_only=True):
    """Answer the open question: the place of an option, once. The same again gets the first answer."""

    conversation: ConversationName
    quiz: QuizName
    question: QuestionNumber
    choice: Choice


class QuizRevive(Struct, kw_only=True):
    """Come back after the last question put the caller out. The same again is harmless."""

    conversation: ConversationName
    quiz: QuizName


class QuizClose(Struct, kw_only=True):
    """End the open question now; ``void``: it counts for nobody. The same again tells what came of it."""

    conversation: ConversationName
    quiz: QuizName
    question: QuestionNumber
    void: bool = False


class QuizGrant(Struct, kw_only=True):
    """Parties have ``cards`` revival cards in all, for this quiz."""

    conversation: ConversationName
    quiz: QuizName
    parties: Players
    cards: Few


class QuizRef(Struct, kw_only=True):
    """Names a quiz; ``current`` is the newest one of the room."""

    conversation: ConversationName
    quiz: QuizName = "current"


class QuizResultsGet(Struct, kw_only=True):
    """A page of the results: ``after`` so many places."""

    conversation: ConversationName
    quiz: QuizName = "current"
    after: Annotated[int, Meta(ge=0, le=100_000)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class QuizOutcome(Struct, omit_defaults=True, kw_only=True):
    """What came of a question; also the content of the entry ``quiz.closed``.

    Attributes:
        correct: places of the right options.
        tallies: answers by option, all that came in time; ``answered`` is their sum, ``right`` those that were right.
        revived: players kept in by a card; ``out``: players it put out; ``left``: players still in.
    """

    quiz: str
    question: int
    correct: list[int]
    tallies: list[int]
    answered: int
    right: int
    revived: int
    out: int
    left: int
    void: bool = False


class QuizQuestion(Struct, omit_defaults=True, kw_only=True):
    """A question as everybody sees it; also the content of the entry ``quiz.asked``."""

    quiz: str
    question: int
    text: str
    options: list[str]
    at_ms: int
    closes_at_ms: int
    outcome: QuizOutcome | None = None


class QuizPlayer(Struct, kw_only=True):
    """The caller in a quiz.

    Attributes:
        plays: it answered at least once; ``out``: the question that put it out, 0 while it is in.
        revivals: how many it has left.
        right: questions answered right, in ``right_ms`` altogether.
        choice: what it answered to the last question; -1 for nothing.
    """

    plays: bool = False
    out: int = 0
    revivals: int = 0
    right: int = 0
    right_ms: int = 0
    choice: int = -1


class QuizView(Struct, omit_defaults=True, kw_only=True):
    """A quiz: its rules, its last question, how many play and are in, and the caller."""

    conversation: str
    quiz: str
    title: str
    rules: QuizRules
    questions: int
    players: int
    left: int
    ended: bool = False
    last: QuizQuestion | None = None
    me: QuizPlayer = field(default_factory=QuizPlayer)


class QuizAnswered(Struct, omit_defaults=True):
    """The answer is on disk and counts. ``repeated``: it was given before."""

    quiz: str
    question: int
    choice: int
    after_ms: int
    repeated: bool = False


class QuizChanged(Struct, omit_defaults=True):
    """The change is durable; ``seq`` is where the room's log says so, 0 where it does not."""

    conversation: str
    quiz: str
    seq: int = 0
    repeated: bool = False


class QuizPlace(Struct):
    """A place in the results: equals in everything share it."""

    place: int
    party: str
    left: bool
    right: int
    right_ms: int


class QuizResults(Struct, omit_defaults=True, kw_only=True):
    """A page of the results, best first: who is still in, then by right answers, then by time.

    ``next`` is the ``after`` of the next page; 0 at the end.
    """

    conversation: str
    quiz: str
    players: int
    left: int
    ended: bool = False
    places: list[QuizPlace] = field(default_factory=list)
    next: int = 0
