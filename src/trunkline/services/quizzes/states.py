"""Quizzes in memory: loaded on first use, dropped when a commit failed, never evicted while something is on its way.

Decisions are made against the state here, records on their way to the disk included. When the disk did not take one,
the whole state is dropped and read again, so that nothing remains of what was not written.

Not here: decisions (``quizzes``), the rules (``domain.quizzes``).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.log.records import PartyErased, Record
from trunkline.domain.quizzes.moves import Created
from trunkline.domain.quizzes.quiz import Quiz, folded
from trunkline.services.log.engine import Engine
from trunkline.services.log.loading import Loading
from trunkline.services.quizzes.ports import QuizIndex, QuizKey

MAX_PLAYERS_KEPT = 400_000
MAX_KEPT = 1_000


class KeptQuiz:
    """A quiz in memory.

    Attributes:
        moves: how many it had; the next one has the next number.
        in_flight: appends that are not durable yet.
        shown: answers to the open question that the room was told of.
    """

    __slots__ = ("in_flight", "key", "moves", "quiz", "shown")

    def __init__(self, key: QuizKey, quiz: Quiz, moves: int) -> None:
        self.key = key
        self.quiz = quiz
        self.moves = moves
        self.in_flight = 0
        self.shown = 0

    @property
    def idle(self) -> bool:
        """Whether it may be evicted."""
        return not self.in_flight and self.quiz.open is None


class QuizStates:
    """The quizzes of this process."""

    def __init__(self, engine: Engine, index: QuizIndex) -> None:
        self._engine = engine
        self._index = index
        self._kept: OrderedDict[QuizKey, KeptQuiz] = OrderedDict()
        self._current: dict[tuple[str, str], str] = {}
        self._loading: Loading[tuple[str, ...]] = Loading()
        engine.on_record(self._on_record, PartyErased)

    def get(self, key: QuizKey) -> KeptQuiz | None:
        """A quiz that is in memory."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    async def load(self, key: QuizKey) -> KeptQuiz:
        """A quiz.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        while (found := self.get(key)) is None:
            await self._loading.once(key, lambda: self._fetch(key))
        return found

    async def current(self, app: str, conversation: str) -> str:
        """The room's newest quiz; "" for none."""
        while (found := self._current.get((app, conversation))) is None:
            await self._loading.once((app, conversation), lambda: self._fetch_current(app, conversation))
        return found

    def current_now(self, app: str, conversation: str) -> str:
        """The same without waiting; "" also when it must be loaded first."""
        return self._current.get((app, conversation), "")

    def add(self, key: QuizKey, created: Created) -> KeptQuiz:
        """A new quiz, which is the room's newest from now on."""
        kept = self._kept[key] = KeptQuiz(key, Quiz(created), 0)
        self._current[key.app, key.conversation] = key.quiz
        self._trim()
        return kept

    def on_its_way(self, kept: KeptQuiz) -> None:
        """Something was appended: drop the state if the disk does not take it."""
        kept.in_flight += 1
        self._engine.commits.release(self._settled, kept)

    # --- pieces -----------------------------------------------------------------------------

    def _settled(self, error: TrunklineError | None, kept: KeptQuiz, _: Any) -> None:
        kept.in_flight -= 1
        if error is not None and self._kept.get(kept.key) is kept:
            del self._kept[kept.key]
            self._current.pop((kept.key.app, kept.key.conversation), None)
        if kept.idle:
            self._trim()

    def _on_record(self, record: Record, _owner: object) -> None:
        if isinstance(record, PartyErased):
            for kept in self._kept.values():
                if kept.key.app == record.app:
                    kept.quiz.erase(record.party)

    async def _fetch(self, key: QuizKey) -> None:
        await self._index_is_up_to_date()
        found = await self._index.quiz(key)
        if found is None:
            raise TrunklineError(Code.NOT_FOUND, "no such quiz in this room", field="quiz")
        created, *moves = found.moves
        assert isinstance(created, Created)
        if key not in self._kept:
            quiz = folded(created, moves, found.answers, found.revivals)
            self._kept[key] = KeptQuiz(key, quiz, len(found.moves))
            self._trim()

    async def _fetch_current(self, app: str, conversation: str) -> None:
        await self._index_is_up_to_date()
        newest = await self._index.newest(app, conversation)
        if len(self._current) >= 100 * MAX_KEPT:
            self._current.clear()
        self._current.setdefault((app, conversation), newest)

    async def _index_is_up_to_date(self) -> None:
        await self._engine.commits.settled()
        await self._engine.projected(self._engine.committed_lsn)

    def _trim(self) -> None:
        players = sum(len(kept.quiz.players) for kept in self._kept.values())
        for key, kept in list(self._kept.items())[:-1]:
            if players <= MAX_PLAYERS_KEPT and len(self._kept) <= MAX_KEPT:
                return
            if kept.idle:
                players -= len(kept.quiz.players)
                del self._kept[key]
