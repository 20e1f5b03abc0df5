"""Running and playing quizzes.

A move is an entry of the room's log, which tells everybody, together with a record of what is not to be told yet. An
answer is a record of its own and no entry: it is on disk before it is acknowledged, and nobody else hears of it. It is
decided and appended without waiting in between, so no answer comes after the end of its question, and none twice.

Not here: the rules (``domain.quizzes``), deadlines (``deadlines``), what is shown (``views``).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, to_builtins

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.log.records import QuizAnswered, QuizMoved, QuizRevived
from trunkline.domain.quizzes.moves import Asked, Created, Ended, Granted, Move, encode_move
from trunkline.domain.quizzes.quiz import MAX_PLAYERS, MAX_QUESTIONS
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.roles import Role
from trunkline.domain.rooms.settings import KIND
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.quizzes import views
from trunkline.services.quizzes.ports import QuizKey
from trunkline.services.quizzes.states import KeptQuiz, QuizStates
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.live import LiveRoom
from trunkline.wire import entries as types
from trunkline.wire.calls import quizzes as calls
from trunkline.wire.content import encode_content

CURRENT = "current"


class Quizzes:
    """The operations on quizzes.

    Args:
        directory: the rooms.
        joining: who is in them.
        states: quizzes in memory.
        watch: called with a quiz that has an open question now.
    """

    def __init__(self, directory: RoomDirectory, joining: Joining, states: QuizStates) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._joining = joining
        self._states = states
        self.watch: Callable[[KeptQuiz], None] = lambda _kept: None

    # --- running ----------------------------------------------------------------------------

    async def create(self, caller: Caller, request: calls.QuizCreate) -> calls.QuizChanged:
        """Begin a quiz.

        Raises:
            TrunklineError: ``ALREADY_EXISTS``: the room's quiz goes on, or this id was another quiz.
        """
        if request.quiz == CURRENT:
            raise TrunklineError(Code.INVALID_PARAMS, f"{CURRENT} stands for the newest quiz", field="quiz")
        given = request.rules
        key = QuizKey(caller.app, request.conversation, request.quiz)
        live, state = await self._run(caller, request.conversation)
        newest = await self._states.current(caller.app, request.conversation)
        before = await self._states.load(QuizKey(key.app, key.conversation, newest)) if newest else None
        existing = await self._existing(key)
        now_ms = self._now_ms(state)
        created = Created(
            caller.party,
            request.title,
            now_ms,
            given.elimination,
            given.begin_until,
            given.revivals,
            given.cards,
            given.automatic,
            given.revive_until,
        )
        if existing is not None:
            if (views.rules_of(existing.quiz), existing.quiz.created.title) != (given, request.title):
                raise TrunklineError(Code.ALREADY_EXISTS, f"{request.quiz} is another quiz", field="quiz")
            return calls.QuizChanged(request.conversation, request.quiz, repeated=True)
        if before is not None and before.quiz.ended is None:
            raise TrunklineError(Code.ALREADY_EXISTS, f"the quiz {newest} goes on; end it first", field="quiz")
        live, state = self._again(live)
        if self._states.current_now(caller.app, request.conversation) != newest:
            raise TrunklineError(Code.BUSY, "somebody else begins a quiz", retry_ms=50)
        self._engine.check_room(2)
        content = {"quiz": request.quiz, "title": request.title, "rules": to_builtins(given)}
        encoded = encode_content(content)
        entry = self._engine.append_entry(live.resident, state, types.QUIZ_CREATED, caller.party, encoded)
        self._append(self._states.add(key, created), created)
        return calls.QuizChanged(request.conversation, request.quiz, entry.seq)

    async def ask(self, caller: Caller, request: calls.QuizAsk) -> calls.QuizChanged:
        """Ask the next question.

        Raises:
            TrunklineError: ``OUT_OF_ORDER``: the one before has not ended, or this is not the next number.
        """
        correct = tuple(sorted(set(request.correct)))
        if correct[-1] >= len(request.options):
            raise TrunklineError(Code.INVALID_PARAMS, "correct names places of options, from 0", field="correct")
        live, kept = await self._running(caller, request.conversation, request.quiz)
        live, state = self._again(live)
        quiz, now_ms = kept.quiz, self._now_ms(state)
        if request.question <= len(quiz.questions):
            asked = quiz.questions[request.question - 1]
            same = (asked.text, list(asked.options), asked.correct) == (request.text, request.options, correct)
            if not same:
                raise TrunklineError(Code.ID_CONFLICT, f"question {asked.question} was another one", field="question")
            return calls.QuizChanged(request.conversation, kept.key.quiz, asked.seq, repeated=True)
        self._check_goes_on(kept)
        if quiz.open is not None and now_ms >= quiz.open.closes_at_ms:
            self._end_question(live.resident, state, kept, SYSTEM_PARTY, void=False)
        if quiz.open is not None or request.question != len(quiz.questions) + 1:
            raise TrunklineError(
                Code.OUT_OF_ORDER, f"{len(quiz.questions)} were asked, {len(quiz.closed)} have ended", field="question"
            )
        if request.question > MAX_QUESTIONS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"a quiz has at most {MAX_QUESTIONS} questions")
        self._engine.check_room(4)
        asked = Asked(
            request.question,
            caller.party,
            request.text,
            tuple(request.options),
            correct,
            now_ms,
            now_ms + request.answer_ms,
            state.head + 1,
        )
        shown = views.question(kept.key.quiz, asked, None)
        seq = self._move(live.resident, state, kept, asked, types.QUIZ_ASKED, caller.party, shown)
        kept.shown = 0
        self.watch(kept)
        return calls.QuizChanged(request.conversation, kept.key.quiz, seq)

    async def close(self, caller: Caller, request: calls.QuizClose) -> calls.QuizOutcome:
        """End the open question now; what came of it.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``TOO_LATE``: it has ended otherwise than asked for.
        """
        live, kept = await self._running(caller, request.conversation, request.quiz)
        live, state = self._again(live)
        quiz = kept.quiz
        if request.question > len(quiz.questions):
            raise TrunklineError(Code.NOT_FOUND, f"question {request.question} was not asked", field="question")
        if request.question > len(quiz.closed):
            self._check_goes_on(kept)
            self._end_question(live.resident, state, kept, caller.party, void=request.void)
        closed = quiz.closed[request.question - 1]
        if closed.void != request.void:
            raise TrunklineError(Code.TOO_LATE, "the question has ended otherwise", field="void")
        return views.outcome(kept.key.quiz, quiz.questions[request.question - 1], closed)

    async def grant(self, caller: Caller, request: calls.QuizGrant) -> calls.QuizChanged:
        """Set how many cards parties have."""
        parties = tuple(dict.fromkeys(check_party(party, "parties") for party in request.parties))
        live, kept = await self._running(caller, request.conversation, request.quiz)
        self._check_goes_on(kept)
        if len(kept.quiz.cards) + len(parties) > MAX_PLAYERS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {MAX_PLAYERS} parties are given cards", field="parties")
        self._again(live)
        self._engine.check_room()
        self._append(kept, Granted(parties, request.cards))
        return calls.QuizChanged(request.conversation, kept.key.quiz)

    async def end(self, caller: Caller, request: calls.QuizRef) -> calls.QuizChanged:
        """End the quiz. The same again is harmless.

        Raises:
            TrunklineError: ``OUT_OF_ORDER``: a question is open.
        """
        live, kept = await self._running(caller, request.conversation, request.quiz)
        live, state = self._again(live)
        quiz, now_ms = kept.quiz, self._now_ms(state)
        if quiz.ended is not None:
            return calls.QuizChanged(request.conversation, kept.key.quiz, quiz.ended.seq, repeated=True)
        if quiz.open is not None and now_ms >= quiz.open.closes_at_ms:
            self._end_question(live.resident, state, kept, SYSTEM_PARTY, void=False)
        if quiz.open is not None:
            raise TrunklineError(Code.OUT_OF_ORDER, f"question {quiz.open.question} has not ended", field="quiz")
        self._engine.check_room(4)
        ended = Ended(now_ms, len(quiz.players), quiz.left, state.head + 1)
        content = {
            "quiz": kept.key.quiz,
            "questions": len(quiz.questions),
            "players": ended.players,
            "left": ended.left,
        }
        seq = self._move(live.resident, state, kept, ended, types.QUIZ_ENDED, caller.party, content)
        return calls.QuizChanged(request.conversation, kept.key.quiz, seq)

    # --- playing ----------------------------------------------------------------------------

    async def answer(self, caller: Caller, request: calls.QuizAnswer) -> calls.QuizAnswered:
        """Answer the open question.

        Raises:
            TrunklineError: ``TOO_LATE``, ``ELIMINATED``, ``ALREADY_ANSWERED``...; the answer does not count.
        """
        while True:
            done = self.answer_now(caller, request)
            if done is not None:
                return done
            await self._directory.get(caller.app, request.conversation)
            await self._load(caller.app, request.conversation, request.quiz)

    def answer_now(self, caller: Caller, request: calls.QuizAnswer) -> calls.QuizAnswered | None:
        """The same, without waiting; None when something must be loaded first."""
        live = self._directory.now(caller.app, request.conversation)
        if live is None or live.state is None:
            return None
        self._check_plays(live, caller)
        quiz = request.quiz if request.quiz != CURRENT else self._states.current_now(caller.app, request.conversation)
        kept = self._states.get(QuizKey(caller.app, request.conversation, quiz)) if quiz else None
        if kept is None:
            return None
        given, new = kept.quiz.decide_answer(caller.party, request.question, request.choice, self._now_ms(live.state))
        if new:
            self._engine.check_room()
            kept.quiz.apply_answer(caller.party, request.question, given)
            self._engine.append_record(
                QuizAnswered(*kept.key, request.question, caller.party, given.choice, given.after_ms)
            )
            self._states.on_its_way(kept)
        return calls.QuizAnswered(kept.key.quiz, request.question, given.choice, given.after_ms, not new)

    async def revive(self, caller: Caller, request: calls.QuizRevive) -> calls.QuizChanged:
        """Come back.

        Raises:
            TrunklineError: ``NO_REVIVAL`` or ``TOO_LATE``.
        """
        live, _ = await self._directory.get(caller.app, request.conversation)
        self._check_plays(live, caller)
        kept = await self._load(caller.app, request.conversation, request.quiz)
        _, state = self._again(live)
        question, new = kept.quiz.decide_revival(caller.party, self._now_ms(state))
        if new:
            self._engine.check_room()
            kept.quiz.apply_revival(caller.party, question)
            self._engine.append_record(QuizRevived(*kept.key, question, caller.party))
            self._states.on_its_way(kept)
        return calls.QuizChanged(request.conversation, kept.key.quiz, repeated=not new)

    async def get(self, caller: Caller, request: calls.QuizRef) -> calls.QuizView:
        """A quiz, as the caller sees it; app servers read those of closed rooms too."""
        await self._check_may_look(caller, request.conversation)
        kept = await self._load(caller.app, request.conversation, request.quiz)
        return views.view(kept.key, kept.quiz, caller.party)

    async def results(self, caller: Caller, request: calls.QuizResultsGet) -> calls.QuizResults:
        """A page of the results; app servers read those of closed rooms too."""
        await self._check_may_look(caller, request.conversation)
        kept = await self._load(caller.app, request.conversation, request.quiz)
        return views.results(kept.key, kept.quiz, request.after, request.limit)

    # --- the end of a question --------------------------------------------------------------

    async def deadline(self, key: QuizKey) -> KeptQuiz | None:
        """End the open question if its time is up; the quiz while it has an open one, else None.

        Raises:
            TrunklineError: it could not be ended now.
        """
        resident, state = await self._engine.existing(key.app, key.conversation)
        kept = await self._states.load(key)
        asked = kept.quiz.open
        if asked is None or state.dismissed or kept.quiz.ended is not None:
            return None
        if self._now_ms(state) >= asked.closes_at_ms:
            self._end_question(resident, state, kept, SYSTEM_PARTY, void=False)
            return None
        return kept

    def _end_question(
        self, resident: ResidentConversation, state: Conversation, kept: KeptQuiz, by: str, *, void: bool
    ) -> None:
        self._engine.check_room(2)
        asked = kept.quiz.questions[-1]
        closed = kept.quiz.decide_end_of_question(self._now_ms(state), void=void)
        closed.seq = state.head + 1
        shown = views.outcome(kept.key.quiz, asked, closed)
        self._move(resident, state, kept, closed, types.QUIZ_CLOSED, by, shown)

    # --- pieces -----------------------------------------------------------------------------

    def _move(
        self,
        resident: ResidentConversation,
        state: Conversation,
        kept: KeptQuiz,
        move: Move,
        type: str,
        by: str,
        content: Struct | dict[str, object],
    ) -> int:
        """A move that everybody is told of: its entry and its record are in one group."""
        shown = to_builtins(content) if isinstance(content, Struct) else content
        entry = self._engine.append_entry(resident, state, type, by, encode_content(shown))
        self._append(kept, move)
        return entry.seq

    def _append(self, kept: KeptQuiz, move: Move) -> None:
        kept.moves += 1
        if not isinstance(move, Created):
            kept.quiz.apply(move)
        self._engine.append_record(QuizMoved(*kept.key, kept.moves, encode_move(move)))
        self._states.on_its_way(kept)

    def _now_ms(self, state: Conversation) -> int:
        return max(self._engine.clock.now_ms(), state.at_ms)

    async def _run(self, caller: Caller, conversation: str) -> tuple[LiveRoom, Conversation]:
        """The room, for those who run its quizzes.

        Raises:
            TrunklineError: ``FORBIDDEN``.
        """
        live, state = await self._directory.get(caller.app, conversation)
        rules.check_role(state, caller, Role.CO_HOST)
        return live, state

    async def _running(self, caller: Caller, conversation: str, quiz: str) -> tuple[LiveRoom, KeptQuiz]:
        live, _ = await self._run(caller, conversation)
        return live, await self._load(caller.app, conversation, quiz)

    def _again(self, live: LiveRoom) -> tuple[LiveRoom, Conversation]:
        """The room after something was waited for: from here on nothing waits.

        Raises:
            TrunklineError: ``DISMISSED`` or ``BUSY``.
        """
        found = self._directory.now(live.app, live.id)
        if found is None or found.state is None:
            raise TrunklineError(Code.BUSY, "the room is being reloaded", retry_ms=50)
        return found, found.state

    async def _load(self, app: str, conversation: str, quiz: str) -> KeptQuiz:
        """A quiz by its name, or the newest.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        if quiz == CURRENT:
            quiz = await self._states.current(app, conversation)
            if not quiz:
                raise TrunklineError(Code.NOT_FOUND, "the room has had no quiz", field="quiz")
        return await self._states.load(QuizKey(app, conversation, quiz))

    async def _existing(self, key: QuizKey) -> KeptQuiz | None:
        try:
            return await self._states.load(key)
        except TrunklineError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            return None

    @staticmethod
    def _check_goes_on(kept: KeptQuiz) -> None:
        if kept.quiz.ended is not None:
            raise TrunklineError(Code.TOO_LATE, "the quiz has ended", field="quiz")

    def _check_plays(self, live: LiveRoom, caller: Caller) -> None:
        self._joining.check_in(live, caller)
        if caller.party == SYSTEM_PARTY:
            raise TrunklineError(Code.FORBIDDEN, "name the party that plays", field="party")

    async def _check_may_look(self, caller: Caller, conversation: str) -> None:
        if caller.server:
            _, state = await self._engine.existing(caller.app, conversation)
            if state.kind != KIND:
                rules.check_room(state)
            return
        live, _ = await self._directory.get(caller.app, conversation)
        if live.role(caller.party) < Role.MODERATOR:
            self._joining.check_in(live, caller)
