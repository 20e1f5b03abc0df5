"""Projecting a run of committed groups in one transaction.

Not here: when that happens and on which thread (``projector``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from trunkline.domain.log.records import (
    BroadcastMarked,
    CursorMoved,
    EntriesHidden,
    EntryAppended,
    OutboxFloorRaised,
    PartyErased,
    Record,
    SettingsChanged,
    TagsChanged,
    ThreadMarked,
)
from trunkline.store.sqlite import broadcasts, files, parties, quizzes, webhooks
from trunkline.store.sqlite.batch import Batch, outbox_key
from trunkline.store.sqlite.connection import Database
from trunkline.store.sqlite.erase import erase_party
from trunkline.store.sqlite.fold import ConversationFold
from trunkline.store.sqlite.schema import write_meta
from trunkline.store.sqlite.sent import raise_floor
from trunkline.store.sqlite.tracked import Tracked, TrackedConversations

Group = tuple[int, Sequence[Record]]
"""An lsn and the records that became durable with it."""

_OF_CONVERSATION = frozenset({CursorMoved, SettingsChanged, EntriesHidden, ThreadMarked})
_SLICE_ENTRIES = 256
_PREFETCH = 256
_cid = attrgetter("cid")

Grouped = dict[tuple[str, str], list[Any]]
"""Records by conversation, each after its lsn; flat, because 100,000 pairs would keep the garbage collector busy."""


class Projection:
    """The writer's view of the tables.

    Args:
        db: the writing connection.
        epoch: of the store.
        pause: called every few hundred records, so that the event loop gets the GIL.
    """

    def __init__(self, db: Database, epoch: int, pause: Callable[[], None]) -> None:
        self._db = db
        self._pause = pause
        self._tracked = TrackedConversations(db, epoch)
        self._batch = Batch(db)

    def project(self, groups: Sequence[Group]) -> None:
        """Project whole groups, all or none; the last one's lsn becomes the projected one."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            self._project(groups)
            write_meta(db, "projected_lsn", groups[-1][0])
            db.execute("COMMIT")
        except BaseException:
            self._batch.forget()
            try:
                db.execute("ROLLBACK")
            except Exception:  # noqa: S110 - SQLite has rolled back by itself on a full disk
                pass
            raise
        self._tracked.trim()

    def forget(self) -> None:
        """Hold nothing in memory any more."""
        self._tracked.forget()

    def _project(self, groups: Sequence[Group]) -> None:
        grouped: Grouped = {}
        since_pause = 0
        for lsn, records in groups:
            since_pause += len(records)
            if since_pause > _SLICE_ENTRIES:
                since_pause = 0
                self._pause()
            for record in records:
                kind = type(record)
                if kind is EntryAppended or kind in _OF_CONVERSATION:
                    key = (record.app, record.conversation)  # type: ignore[union-attr]
                    found = grouped.get(key)
                    if found is None:
                        grouped[key] = [lsn, record]
                    else:
                        found += (lsn, record)
                elif kind is PartyErased:
                    self._fold(grouped)
                    erase_party(self._db, lsn, record)  # type: ignore[arg-type]
                    self._tracked.forget()
                else:
                    self._party_record(lsn, record)
        self._fold(grouped)

    def _party_record(self, lsn: int, record: Record) -> None:
        if isinstance(record, OutboxFloorRaised):
            self._batch.write_sent()
            raise_floor(self._db, outbox_key(record.app, record.party, record.outbox), record.n)
        elif isinstance(record, TagsChanged | BroadcastMarked):
            broadcasts.apply(self._db, record)
        elif isinstance(record, files.FileRecord):
            files.apply(self._db, record)
        elif isinstance(record, webhooks.WebhookRecord):
            webhooks.apply(self._db, record)
        elif isinstance(record, quizzes.QuizRecord):
            quizzes.apply(self._db, record)
        else:
            parties.apply(self._db, lsn, record)

    def _fold(self, grouped: Grouped) -> None:
        """Fold and write what was grouped; leaves the dict empty."""
        keys = list(grouped)
        tracked: list[Tracked] = []
        for start in range(0, len(keys), _PREFETCH):
            tracked += self._tracked.want(keys[start : start + _PREFETCH]).values()
            self._pause()
        # In the order of the tables' keys, neighbours share pages.
        tracked.sort(key=_cid)
        since_pause = 0
        for conversation in tracked:
            records = grouped[conversation.state.app, conversation.state.id]
            since_pause += len(records)
            if since_pause > 2 * _SLICE_ENTRIES:
                since_pause = 0
                self._pause()
            ConversationFold(conversation, self._batch).run(records)
        grouped.clear()
        self._batch.write()
