"""``FileBook``: which files exist, as decisions see it: the index, with durable records it lacks on top.

Not here: who may read a file (``access``), and when one goes (``collector``).
"""

from __future__ import annotations

from trunkline.base.errors import TrunklineError
from trunkline.domain.log.records import FileAttached, FilePurged, FileRemoved, FileStored, PartyErased, Record
from trunkline.services.files.ports import FileIndex
from trunkline.services.log.engine import Engine

Key = tuple[str, str]
"""(app, file)."""
CLEARED_S = 30.0
"""How long a sender may use a file after it was checked; a send follows within milliseconds."""
MAX_CLEARED = 20_000


class FileBook:
    """Looks up files and appends their records.

    Args:
        engine: the log.
        index: what is projected.
    """

    def __init__(self, engine: Engine, index: FileIndex) -> None:
        self._engine = engine
        self._index = index
        self._tails: dict[Key, list[Record]] = {}
        self._removing: set[Key] = set()
        self._cleared: dict[Key, dict[str, float]] = {}
        engine.on_record(self._on_record, FileStored, FileAttached, FileRemoved, PartyErased)

    # --- looking ----------------------------------------------------------------------------

    async def find(self, app: str, file: str) -> FileStored | None:
        """A finished file that was not removed."""
        key = (app, file)
        # The tail first: what leaves it while the index is asked is in the index.
        tail = tuple(self._tails.get(key, ()))
        row = await self._index.file(app, file)
        stored = row.stored if row is not None else None
        removed = row is not None and row.removed
        for record in tail:
            if isinstance(record, FileStored):
                stored = record
            elif isinstance(record, FileRemoved):
                removed = True
        return None if removed or key in self._removing else stored

    async def uses(self, app: str, file: str, party: str, limit: int) -> list[tuple[str, int]]:
        """Messages that name a file, newest first, where ``party`` is or was a member (or where that is not known)."""
        tail = [record for record in self._tails.get((app, file), ()) if isinstance(record, FileAttached)]
        found = await self._index.uses(app, file, party, limit)
        return [(record.conversation, record.seq) for record in reversed(tail)] + found

    async def owned(self, app: str, owner: str, after: str, limit: int) -> list[FileStored]:
        """A page of a party's files by id, those of the last moment included."""
        # Few are not projected yet; waiting for them is simpler than merging pages, and right.
        await self._engine.projected(self._engine.committed_lsn)
        return await self._index.owned(app, owner, after, limit)

    async def usage(self, app: str, owner: str) -> int:
        """Bytes that a party keeps, or with "" the whole app."""
        if self._tails:
            await self._engine.projected(self._engine.committed_lsn)
        return await self._index.usage(app, owner)

    def busy(self, app: str, file: str) -> bool:
        """Whether a message that names the file may be on its way, so that it must not be taken for unused."""
        key = (app, file)
        if any(isinstance(record, FileAttached) for record in self._tails.get(key, ())):
            return True
        now_s = self._engine.clock.monotonic_s()
        return any(until_s > now_s for until_s in self._cleared.get(key, {}).values())

    # --- changing ---------------------------------------------------------------------------

    def store(self, record: FileStored) -> None:
        """Queue a finished file; its bytes are durable already."""
        self._engine.append_record(record)

    def attach(self, app: str, file: str, conversation: str, seq: int) -> None:
        """Queue that a message names a file, in the commit group of the message."""
        self._engine.append_record(FileAttached(app, file, conversation, seq))

    def remove(self, app: str, file: str, reason: str) -> None:
        """Queue the end of a file; from now on nobody finds it, unless the commit fails."""
        key = (app, file)
        self._removing.add(key)
        self._cleared.pop(key, None)
        self._engine.append_record(FileRemoved(app, file, self._engine.clock.now_ms(), reason))
        self._engine.commits.release(self._settled, key)

    def purge(self, app: str, file: str) -> None:
        """Queue that the bytes of a removed file are gone."""
        self._engine.append_record(FilePurged(app, file))

    def _settled(self, error: TrunklineError | None, key: Key, _: object) -> None:
        self._removing.discard(key)

    # --- clearance: what a sender was allowed a moment ago ------------------------------------

    def clear(self, app: str, file: str, party: str) -> None:
        """Note that a party may name a file in a message it is about to send."""
        if len(self._cleared) >= MAX_CLEARED:
            self._forget_cleared()
        self._cleared.setdefault((app, file), {})[party] = self._engine.clock.monotonic_s() + CLEARED_S

    def cleared(self, app: str, file: str, party: str) -> bool:
        """Whether that was noted and still holds."""
        until_s = self._cleared.get((app, file), {}).get(party, 0.0)
        return until_s > self._engine.clock.monotonic_s() and (app, file) not in self._removing

    def _forget_cleared(self) -> None:
        now_s = self._engine.clock.monotonic_s()
        for key, parties in list(self._cleared.items()):
            if all(until_s <= now_s for until_s in parties.values()):
                del self._cleared[key]
        while len(self._cleared) >= MAX_CLEARED:
            del self._cleared[next(iter(self._cleared))]

    # --- what became durable ------------------------------------------------------------------

    def _on_record(self, record: Record, owner: object) -> None:
        if isinstance(record, FileStored | FileAttached | FileRemoved):
            self._keep((record.app, record.file), record)
        elif isinstance(record, PartyErased):
            for key, records in list(self._tails.items()):
                if any(isinstance(r, FileStored) and (r.app, r.owner) == (record.app, record.party) for r in records):
                    self._keep(key, FileRemoved(*key, record.at_ms, "erased"))

    def _keep(self, key: Key, record: Record) -> None:
        self._tails.setdefault(key, []).append(record)
        self._engine.when_projected(self._engine.committed_lsn, lambda: self._drop(key, record))

    def _drop(self, key: Key, record: Record) -> None:
        tail = self._tails.get(key)
        if tail is not None:
            tail[:] = [other for other in tail if other is not record]
            if not tail:
                del self._tails[key]
