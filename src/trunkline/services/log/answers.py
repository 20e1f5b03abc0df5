"""Answers to requests with an Idempotency-Key, committed together with their effects."""

from __future__ import annotations

from typing import Any

from trunkline.base.errors import TrunklineError
from trunkline.domain.log.records import RequestRemembered
from trunkline.services.log.engine import Engine
from trunkline.services.log.index_port import Remembered


class Answers:
    """Remembers answers; those the index does not have yet are kept in memory."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recent: dict[tuple[str, str], Remembered] = {}

    async def recall_answer(self, app: str, key: str) -> Remembered | None:
        """The answer given before, whether on disk already or still pending."""
        return self._recent.get((app, key)) or await self._engine.index.remembered(app, key)

    def remember(self, app: str, key: str, request_hash: bytes, status: int, body: bytes) -> None:
        """Put the answer into the commit group of the effect that was decided just now."""
        engine = self._engine
        self._recent[(app, key)] = Remembered(request_hash, status, body)
        record = RequestRemembered(app, key, request_hash, status, body, engine.clock.now_ms())
        engine.append_record(record)
        engine.commits.release(self._durable, (app, key))

    def _durable(self, error: TrunklineError | None, key: tuple[str, str], _: Any) -> None:
        if error is not None:
            self._recent.pop(key, None)
            return
        self._engine.when_projected(self._engine.committed_lsn, lambda: self._recent.pop(key, None))
