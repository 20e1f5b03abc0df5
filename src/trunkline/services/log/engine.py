"""The engine: what use cases append to and read from.

It joins the residents, the commit queue and the index: append applies a record to memory and
queues it; a durable group goes to the tails, to the listeners (pushes) and to the projector; a
failed group makes its aggregates load anew.

Not here: any rule about who may do what (``services/<feature>`` and ``domain``).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from trunkline.base.clock import Clock
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import SYSTEM_PARTY
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.log.records import (
    BlockChanged,
    CursorMoved,
    DeviceChanged,
    EntriesHidden,
    Entry,
    EntryAppended,
    PartyErased,
    ProfileChanged,
    Record,
    SettingsChanged,
    TokensRevoked,
)
from trunkline.domain.parties.state import Party
from trunkline.services.log.commit import CommitQueue, Group, Owner
from trunkline.services.log.index_port import IndexReader, Projector
from trunkline.services.log.ports import JournalWriter, Timer
from trunkline.services.log.residents import ResidentConversation, ResidentParty, Residents, apply_change
from trunkline.services.membership import Virtual

STRAINED_S = 0.4
MAX_BEHIND_S = 1.0
"""Work, in seconds of the processor, that the index may be behind: from the first on, the event loop makes more and
more room for it; from the second on, new appends are refused. A start after a crash has to do that much first."""
LEAST_BEHIND, MOST_BEHIND = 50_000, 600_000
"""Bounds of the second, in records: what is behind stays in memory."""

log = logging.getLogger("trunkline.engine")
RETIRE_RECORDS = 200
RETIRE_PAUSE_S = 0.0005
"""How the tails are trimmed after a projection: this many records, then a pause; faster than they can grow."""

PartyRecord = BlockChanged | ProfileChanged | DeviceChanged | TokensRevoked | PartyErased
ConversationChange = CursorMoved | EntriesHidden | SettingsChanged
Listener = Callable[[Record, ResidentConversation | ResidentParty | None], None]


class Engine:
    """The log of one store.

    Args:
        index: projected state.
        projector: feeds the index.
        writer: the journal.
        clock: wall time for entries.
        timer: the event loop.
        epoch: of the store.
        capacity: idle aggregates to keep in memory.
    """

    def __init__(
        self,
        index: IndexReader,
        projector: Projector,
        writer: JournalWriter,
        clock: Clock,
        timer: Timer,
        epoch: int,
        capacity: int = 100_000,
    ) -> None:
        self.epoch = epoch
        self.index = index
        self.clock = clock
        self.virtual = Virtual()
        self.residents = Residents(index, epoch, capacity)
        self.commits = CommitQueue(writer, timer, self._durable, self._failed)
        self._projector = projector
        self._writer = writer
        self._timer = timer
        self._unretired: deque[Group] = deque()
        self._lags: deque[tuple[int, int]] = deque()
        self._unprojected_records = 0
        self._projected_lsn = 0
        self._most_behind = MOST_BEHIND // 2
        self._retiring = False
        self._listeners: list[tuple[Listener, tuple[type[Record], ...]]] = []
        self._listeners_of: dict[type[Record], list[Listener]] = {}
        self._waiting: list[tuple[int, Callable[[], object]]] = []
        self._projections_awaited: set[asyncio.Future[None]] = set()
        self._index_stuck = ""
        self.appended = 0
        self.pass_on: Callable[[int, list[Record], list[Owner]], object] = self._pass_on_all
        self.retire: Callable[[Group], object] = retire
        """What follows a commit and a projection; both may be replaced by something that does the same, faster."""
        projector.on_progress(self._projected)
        projector.on_failure(self._projection_failed)
        projector.on_delay(self._projection_delayed)

    # --- reading state ----------------------------------------------------------------------

    @property
    def committed_lsn(self) -> int:
        """Lsn of the last durable group."""
        return self._writer.last_lsn

    @property
    def lag(self) -> int:
        """Durable records that the index does not have yet."""
        return self._unprojected_records

    @property
    def index_behind(self) -> bool:
        """Whether the index is so far behind that nothing new is accepted."""
        return self._unprojected_records > self._most_behind

    @property
    def index_strain_pct(self) -> int:
        """How far the index is from being well to being behind: the further, the more of the core it should get."""
        well = self._most_behind * STRAINED_S / MAX_BEHIND_S
        over = self._unprojected_records - well
        return min(100, int(100 * over / (self._most_behind - well))) if over > 0 else 0

    async def conversation(self, app: str, conversation: str) -> ResidentConversation:
        """A loaded conversation; ``state.head`` is 0 when the log does not exist."""
        return self.residents.conversation(app, conversation) or await self.residents.load_conversation(
            app, conversation
        )

    async def existing(self, app: str, conversation: str) -> tuple[ResidentConversation, Conversation]:
        """A loaded conversation that exists.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        resident = await self.conversation(app, conversation)
        state = resident.state
        if state is None or state.head == 0:
            raise TrunklineError(Code.NOT_FOUND, "no such conversation", field="conversation")
        return resident, state

    async def party(self, app: str, party: str) -> Party:
        """A loaded party."""
        return self.residents.party(app, party) or await self.residents.load_party(app, party)

    # --- appending --------------------------------------------------------------------------

    def check_room(self, records: int = 1) -> None:
        """Refuse new work while the journal or the projections are too far behind to take so many records.

        Raises:
            TrunklineError: ``BUSY`` or ``STORE_FAILED``; nothing was applied.
        """
        self.commits.check_room(records)
        if self.index_behind:
            raise TrunklineError(Code.BUSY, "the index is behind", retry_ms=500)

    def append_entry(
        self,
        resident: ResidentConversation,
        state: Conversation,
        type: str,
        sender: str,
        content: bytes,
        *,
        counts: bool = False,
        outbox: Outbox | None = None,
        n: int = 0,
        target: int = 0,
        reply_to: int = 0,
        mentions: tuple[str, ...] = (),
        expires_in_ms: int = 0,
        thread: int = 0,
    ) -> Entry:
        """Number an entry, apply it and queue it for the journal.

        Raises:
            TrunklineError: ``BUSY`` when a failed commit made ``state`` obsolete meanwhile.
        """
        if resident.state is not state:
            raise TrunklineError(Code.BUSY, "the conversation is being reloaded", retry_ms=50)
        now = self.clock.now_ms()
        at_ms = now if now > state.at_ms else state.at_ms
        own = 0
        if counts:
            member = state.members.get(sender)
            own = member.own + 1 if member is not None else int(state.virtual and sender != SYSTEM_PARTY)
        entry = Entry(
            state.head + 1,
            at_ms,
            sender,
            type,
            content,
            state.count + 1 if counts else state.count,
            own,
            outbox.id if outbox is not None else "",
            n,
            target,
            reply_to,
            mentions,
            at_ms + expires_in_ms if expires_in_ms else 0,
            thread,
        )
        state.apply(entry)
        record = EntryAppended(resident.app, resident.id, entry)
        if outbox is not None:
            outbox.accept(n, record)
        self.commits.append(record, resident, outbox)
        return entry

    def append_change(self, resident: ResidentConversation, state: Conversation, change: ConversationChange) -> None:
        """Apply and queue a cursor, settings or hidden record.

        Raises:
            TrunklineError: ``BUSY`` when a failed commit made ``state`` obsolete meanwhile.
        """
        if resident.state is not state:
            raise TrunklineError(Code.BUSY, "the conversation is being reloaded", retry_ms=50)
        apply_change(state, change)
        self.commits.append(change, resident)

    def append_party(self, record: PartyRecord) -> None:
        """Apply and queue a party's record."""
        key = (record.app, record.party)
        resident = self.residents.parties.get(key)
        if resident is None:
            resident = self.residents.parties[key] = ResidentParty(*key)
        if resident.state is not None:
            resident.state.apply(record)
        self.commits.append(record, resident)

    def append_record(self, record: Record) -> None:
        """Queue a record that has no aggregate in memory."""
        self.commits.append(record, None)

    # --- what follows a commit --------------------------------------------------------------

    def on_record(self, listener: Listener, *kinds: type[Record]) -> None:
        """Call ``listener`` for every durable record of these kinds, in order; of all, when none is named.

        Name them: what listens to entries is called for every message there is.
        """
        self._listeners.append((listener, kinds))
        self._listeners_of.clear()

    def encode_with(self, encode: Callable[[list[Record]], bytes]) -> None:
        """Have the journal encode groups by something that does the same as ``encode_group``, faster."""
        self._writer.encode = encode

    def listeners_of(self, kind: type[Record]) -> list[Listener]:
        """Who listens to records of a kind."""
        found = self._listeners_of.get(kind)
        if found is None:
            found = [listener for listener, kinds in self._listeners if not kinds or kind in kinds]
            self._listeners_of[kind] = found
        return found

    def _durable(self, group: Group) -> None:
        lsn = group.lsn
        self.appended += len(group.records)
        self.pass_on(lsn, group.records, group.owners)
        self._unretired.append(group)
        self._lags.append((lsn, len(group.records)))
        self._unprojected_records += len(group.records)
        self._projector.submit(lsn, group.records)

    def _pass_on_all(self, lsn: int, records: list[Record], owners: list[Owner]) -> None:
        for record, owner in zip(records, owners, strict=True):
            self.pass_on_one(lsn, record, owner)

    def pass_on_one(self, lsn: int, record: Record, owner: Owner) -> None:
        """A durable record joins its owner's tail, and the listeners hear of it."""
        if type(record) is EntryAppended:
            entry = record.entry
            owner.entries.append((lsn, entry))  # type: ignore[union-attr]
            owner.committed = entry.seq  # type: ignore[union-attr]
        elif isinstance(owner, ResidentConversation):
            owner.changes.append((lsn, record))  # type: ignore[arg-type]
        elif owner is not None:
            owner.tail.append((lsn, record))
        self.announce(record, owner, self.listeners_of(type(record)))

    @staticmethod
    def announce(record: Record, owner: Owner, listeners: Sequence[Listener]) -> None:
        """Tell listeners of a durable record."""
        for listener in listeners:
            try:
                listener(record, owner)
            except Exception:
                # What is durable is durable; a push that fails is found again by a pull.
                log.exception("a durable record could not be passed on")

    def _failed(self, group: Group) -> None:
        for record, owner, outbox in zip(group.records, group.owners, group.outboxes, strict=True):
            if owner is not None:
                owner.state = None
            if outbox is not None and type(record) is EntryAppended:
                outbox.recent.pop(record.entry.n, None)

    # --- projection -------------------------------------------------------------------------

    def when_projected(self, lsn: int, callback: Callable[[], object]) -> None:
        """Call ``callback`` once the index holds every group up to ``lsn``."""
        if self._projector.projected_lsn >= lsn:
            callback()
        else:
            self._waiting.append((lsn, callback))

    async def projected(self, lsn: int) -> None:
        """Wait until the index holds every group up to ``lsn``.

        Raises:
            TrunklineError: ``DISK_FULL`` or ``STORE_FAILED``; the index cannot be written now, or ever.
        """
        while self._projector.projected_lsn < lsn:
            self._check_index()
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def done(future: asyncio.Future[None] = future) -> None:
                if not future.done():
                    future.set_result(None)

            self._waiting.append((lsn, done))
            self._projections_awaited.add(future)
            self._projector.hurry()
            try:
                await future
            finally:
                self._projections_awaited.discard(future)

    def _check_index(self) -> None:
        if self.commits.failure is not None:
            raise self.commits.failure
        if self._index_stuck:
            raise TrunklineError(Code.DISK_FULL, f"the index cannot be written: {self._index_stuck}", retry_ms=1000)

    def _projection_failed(self, error: BaseException) -> None:
        """The index stopped for good: what is durable stays durable, and nothing more is accepted."""
        self.commits.failure = TrunklineError(Code.STORE_FAILED, f"the index failed: {error}")
        self._wake_waiting()

    def _projection_delayed(self, error: BaseException) -> None:
        """The index cannot be written for now: whoever waits for it is told instead of kept."""
        self._index_stuck = str(error)
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        for future in self._projections_awaited:
            if not future.done():
                future.set_result(None)

    def _projected(self, lsn: int) -> None:
        self._index_stuck = ""
        if pace := self._projector.records_per_s:
            self._most_behind = min(max(int(pace * MAX_BEHIND_S), LEAST_BEHIND), MOST_BEHIND)
        self._projected_lsn = max(self._projected_lsn, lsn)
        while self._lags and self._lags[0][0] <= lsn:
            self._unprojected_records -= self._lags.popleft()[1]
        if self._waiting:
            ready = [done for wanted, done in self._waiting if wanted <= lsn]
            self._waiting = [(wanted, done) for wanted, done in self._waiting if wanted > lsn]
            for done in ready:
                done()
        if not self._retiring:
            self._retiring = True
            self._timer.call_soon(self._retire)

    def _retire(self) -> None:
        """Drop from the tails what the index holds, a slice per tick: all at once it would be a pause.

        A tail may overlap the index: reads take what it has and ask the index only for what is below.
        """
        lsn = self._projected_lsn
        budget = RETIRE_RECORDS
        while budget > 0 and self._unretired and self._unretired[0].lsn <= lsn:
            group = self._unretired.popleft()
            budget -= len(group.records)
            self.retire(group)
        self._retiring = bool(self._unretired) and self._unretired[0].lsn <= lsn
        if self._retiring:
            self._timer.call_later(RETIRE_PAUSE_S, self._retire)


def retire(group: Group) -> None:
    """Drop a group from the tails and outboxes of its owners: the index holds it."""
    for owner in dict.fromkeys(group.owners):
        if owner is not None:
            owner.projected(group.lsn)
    for record, outbox in zip(group.records, group.outboxes, strict=True):
        if outbox is not None:
            outbox.recent.pop(record.entry.n, None)  # type: ignore[union-attr]
