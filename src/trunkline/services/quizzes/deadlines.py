"""Ending questions when their time is up, and telling the room meanwhile how many have answered.

Deadlines are in the index, so they are kept across restarts: a question whose time passed while the server was down
ends when it is back. Answers do not wait for this: they are refused from the deadline on.
"""

from __future__ import annotations

import asyncio
import logging

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import SYSTEM_PARTY
from trunkline.services.log.engine import Engine
from trunkline.services.quizzes.ports import QuizIndex, QuizKey
from trunkline.services.quizzes.quizzes import Quizzes
from trunkline.services.quizzes.states import KeptQuiz
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.wire.content import encode_content

log = logging.getLogger("trunkline.quizzes")
PROGRESS = "quiz.progress"
"""An item that is not stored: ``{quiz, question, answered}``, at most once a second."""
PROGRESS_MS = 1000
RETRY_MS = 1000


class QuizDeadlines:
    """Watches quizzes with an open question."""

    def __init__(self, engine: Engine, index: QuizIndex, quizzes: Quizzes, directory: RoomDirectory) -> None:
        self._engine = engine
        self._index = index
        self._quizzes = quizzes
        self._directory = directory
        self._due: dict[QuizKey, int] = {}
        self._sooner = asyncio.Event()
        quizzes.watch = self.watch

    def watch(self, kept: KeptQuiz) -> None:
        """Look after a quiz from now on."""
        self._plan(kept)
        self._sooner.set()

    async def run(self) -> None:
        """End questions, for as long as the server runs."""
        await self._engine.projected(self._engine.committed_lsn)
        self._due |= dict.fromkeys(await self._index.open(), 0)
        while True:
            self._sooner.clear()
            now_ms = self._engine.clock.now_ms()
            due = [key for key, at_ms in self._due.items() if at_ms <= now_ms]
            for key in due:
                await self._look(key)
            if due:
                continue
            wait_s = (min(self._due.values()) - now_ms) / 1000 if self._due else None
            try:
                async with asyncio.timeout(wait_s):
                    await self._sooner.wait()
            except TimeoutError:
                pass

    async def _look(self, key: QuizKey) -> None:
        del self._due[key]
        try:
            kept = await self._quizzes.deadline(key)
            await self._engine.commits.settled()
        except TrunklineError as error:
            if error.code is not Code.NOT_FOUND:
                log.info("a question could not be ended yet", extra={"error": error.code.slug})
                self._due[key] = self._engine.clock.now_ms() + RETRY_MS
        except Exception:
            log.exception("a quiz could not be looked after")
            self._due[key] = self._engine.clock.now_ms() + RETRY_MS
        else:
            if kept is not None:
                self._show(kept)
                self._plan(kept)

    def _plan(self, kept: KeptQuiz) -> None:
        asked = kept.quiz.open
        if asked is not None:
            self._due[kept.key] = min(asked.closes_at_ms, self._engine.clock.now_ms() + PROGRESS_MS)

    def _show(self, kept: KeptQuiz) -> None:
        live = self._directory.rooms.get((kept.key.app, kept.key.conversation))
        asked = kept.quiz.open
        if live is None or asked is None or not live.members.connections:
            return
        answered = len(kept.quiz.answers[-1])
        if answered != kept.shown:
            kept.shown = answered
            content = {"quiz": kept.key.quiz, "question": asked.question, "answered": answered}
            live.notice(PROGRESS, SYSTEM_PARTY, encode_content(content), self._engine.clock.now_ms())
            self._directory.fanout.touch(live)
