"""``MemoryIndex``: the index port over plain dictionaries, by replaying records through the domain.

A second adapter for the contract suite: where it and the SQLite index agree, the suite speaks about the port and
not about one of them. It is slow on purpose (every query is a scan) and keeps its state as one pickle, written when
it is closed. Not for measuring anything.
"""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.dedupe import send_digest
from trunkline.domain.log.records import (
    AppChanged,
    BlockChanged,
    CursorMoved,
    DeviceChanged,
    EntriesHidden,
    Entry,
    EntryAppended,
    KeyChanged,
    OutboxFloorRaised,
    PartyErased,
    ProfileChanged,
    Record,
    RequestRemembered,
    SettingsChanged,
    TokensRevoked,
)
from trunkline.domain.parties.state import Party
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE, fold
from trunkline.protocol.link.threads import fold_reply
from trunkline.services.log.index_port import (
    ConversationListItem,
    InboxChange,
    OutboxState,
    Remembered,
    SentBefore,
)
from trunkline.wire import entries as types
from trunkline.wire.calls.session import MemberSettings
from trunkline.wire.entries import Overlay

DAY_MS = 24 * 3600 * 1000
Where = tuple[str, str]
"""(app, conversation) or (app, party)."""

_CHANGE_TYPES = frozenset(
    value for name, value in vars(types).items() if name.isupper() and isinstance(value, str) and "." in value
)
_EDITED_TO_NOTHING = msgspec.msgpack.encode({"content": None})


class Tables:
    """Everything that is projected."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.lsn = 0
        self.conversations: dict[Where, Conversation] = {}
        self.logs: defaultdict[Where, list[Entry]] = defaultdict(list)
        self.overlays: defaultdict[Where, dict[int, Overlay]] = defaultdict(dict)
        self.parties: dict[Where, Party] = {}
        self.inboxes: defaultdict[Where, dict[str, int]] = defaultdict(dict)
        self.inbox_floors: dict[Where, int] = {}
        self.left_at_ms: dict[tuple[str, str, str], int] = {}
        self.sent: defaultdict[tuple[str, str, str], dict[int, SentBefore]] = defaultdict(dict)
        self.sent_at: defaultdict[tuple[str, str, str], dict[int, int]] = defaultdict(dict)
        """Outbox -> n -> lsn: what was sent in one group is forgotten together."""
        self.floors: dict[tuple[str, str, str], int] = {}
        self.expiry: dict[tuple[str, str, int], int] = {}
        self.cards: defaultdict[Where, dict[int, bool]] = defaultdict(dict)
        self.answers: dict[Where, RequestRemembered] = {}
        self.apps: dict[str, AppChanged] = {}
        self.keys: dict[Where, KeyChanged] = {}

    # --- projecting -------------------------------------------------------------------------

    def project(self, lsn: int, records: Sequence[Record]) -> None:
        """Apply one group."""
        self.lsn = lsn
        for record in records:
            self._project(record)

    def _project(self, record: Record) -> None:
        if isinstance(record, EntryAppended):
            self._append(record.app, record.conversation, record.entry)
        elif isinstance(record, CursorMoved | SettingsChanged | EntriesHidden):
            self._change_member(record)
        elif isinstance(record, PartyErased):
            self._erase(record)
        elif isinstance(record, ProfileChanged | BlockChanged | DeviceChanged | TokensRevoked):
            self._party(record.app, record.party).apply(record)
            if isinstance(record, ProfileChanged | BlockChanged):
                subject = "!profile" if isinstance(record, ProfileChanged) else "!blocked"
                self.inboxes[record.app, record.party][subject] = self.lsn
        elif isinstance(record, OutboxFloorRaised):
            self.raise_floor((record.app, record.party, record.outbox), record.n)
        elif isinstance(record, RequestRemembered):
            self.answers[record.app, record.key] = record
        elif isinstance(record, AppChanged):
            self.apps[record.app] = record
        elif isinstance(record, KeyChanged):
            self.keys[record.app, record.key] = record

    def raise_floor(self, outbox: tuple[str, str, str], n: int) -> None:
        """Forget sends up to ``n``."""
        self.floors[outbox] = max(self.floors.get(outbox, 0), n)

    def _party(self, app: str, party: str) -> Party:
        return self.parties.setdefault((app, party), Party(app, party))

    def _append(self, app: str, name: str, entry: Entry) -> None:
        where = (app, name)
        state = self.conversations.setdefault(where, Conversation(app, name, self.epoch))
        before, was_large = _present(state), state.large
        state.apply(entry)
        after = _present(state)
        self.logs[where].append(entry)
        for party in before ^ after if was_large else before | after:
            self.inboxes[app, party][name] = self.lsn
        for party in before - after:
            self.left_at_ms[app, party, name] = entry.at_ms
        for party in after - before:
            self.left_at_ms.pop((app, party, name), None)
        if entry.outbox:
            sent = SentBefore(name, entry.seq, entry.at_ms, send_digest(name, entry))
            self.sent[app, entry.sender, entry.outbox][entry.n] = sent
            self.sent_at[app, entry.sender, entry.outbox][entry.n] = self.lsn
        if entry.expires_at_ms:
            self.expiry[app, name, entry.seq] = entry.expires_at_ms
        if entry.type in CHANGES_A_MESSAGE:
            fold(
                self.overlays[where].setdefault(entry.target, Overlay()),
                seq=entry.seq,
                at_ms=entry.at_ms,
                sender=entry.sender,
                type=entry.type,
                content=msgspec.msgpack.decode(entry.content),
            )
        if entry.thread:
            overlay = self.overlays[where].setdefault(entry.thread, Overlay())
            fold_reply(overlay, seq=entry.seq, at_ms=entry.at_ms, type=entry.type)
        closes = entry.type == types.CARD_CHANGED and "closes" in msgspec.msgpack.decode(entry.content)
        if closes or entry.type in (types.RECALLED, types.EXPIRED):
            self.expiry.pop((app, name, entry.target), None)
        if entry.type == types.CARD_CREATED:
            self.cards[where][entry.seq] = True
        if closes:
            self.cards[where][entry.target] = False

    def _change_member(self, record: CursorMoved | SettingsChanged | EntriesHidden) -> None:
        app, name, party = record.app, record.conversation, record.party
        state = self.conversations.get((app, name))
        if state is None or party not in state.members:
            return
        touched = {party}
        if isinstance(record, CursorMoved):
            state.move_cursor(record)
            if state.kind == "direct" and not state.large:
                touched |= _present(state)
        elif isinstance(record, SettingsChanged):
            state.configure(record)
        else:
            state.hide(record)
        for member in touched:
            self.inboxes[app, member][name] = self.lsn

    def _erase(self, record: PartyErased) -> None:
        app, party = record.app, record.party
        self._party(app, party).apply(record)
        self.inboxes[app, party] |= {"!blocked": self.lsn, "!profile": self.lsn}
        for where, state in self.conversations.items():
            if where[0] == app and party in state.members:
                state.erase(party)
            if where[0] == app and (party in state.members or state.kind == "room"):
                self._erase_content(where, party)

    def _erase_content(self, where: Where, party: str) -> None:
        for position, entry in enumerate(self.logs[where]):
            edit = entry.type == types.EDITED
            blank = _EDITED_TO_NOTHING if edit else b""
            if entry.sender != party or entry.content == blank or (entry.type in _CHANGE_TYPES and not edit):
                continue
            # A new entry: the old one may be in a reader's hands.
            self.logs[where][position] = msgspec.structs.replace(entry, content=blank)
            overlay = self.overlays[where].get(entry.target if edit else entry.seq)
            if overlay is not None:
                overlay.content = None
                overlay.erased = True

    # --- forgetting -------------------------------------------------------------------------

    def prune(self, now_ms: int) -> None:
        """Forget answers after a day, sends after a week, tombstones after ninety days."""
        self.answers = {k: a for k, a in self.answers.items() if a.at_ms >= now_ms - DAY_MS}
        for outbox, sent in self.sent.items():
            floor = 0
            group_of = self.sent_at[outbox]
            young = {group_of[n] for n in sent if sent[n].at_ms >= now_ms - 7 * DAY_MS}
            for n in sorted(sent):
                if group_of[n] in young:
                    break
                floor = n
            if floor:
                self.raise_floor(outbox, floor)
        for (app, party, name), at_ms in list(self.left_at_ms.items()):
            if at_ms < now_ms - 90 * DAY_MS:
                del self.left_at_ms[app, party, name]
                pts = self.inboxes[app, party].pop(name, 0)
                self.inbox_floors[app, party] = max(self.inbox_floors.get((app, party), 0), pts)


def _present(state: Conversation) -> set[str]:
    return {party for party, member in state.members.items() if member.present}


class MemoryReader:
    """``IndexReader`` over tables. Answers are copies, as they are where they come from a file."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def conversation(self, app: str, conversation: str) -> Conversation | None:
        return copy.deepcopy(self._tables.conversations.get((app, conversation)))

    async def party(self, app: str, party: str) -> Party:
        return copy.deepcopy(self._tables.parties.get((app, party))) or Party(app, party)

    async def entries(
        self, app: str, conversation: str, first: int, last: int, limit: int, newest_first: bool
    ) -> list[Entry]:
        found = [entry for entry in self._log(app, conversation) if first <= entry.seq <= last]
        return found[-limit:] if newest_first else found[:limit]

    async def seq_at(self, app: str, conversation: str, at_ms: int) -> int:
        return next((entry.seq for entry in self._log(app, conversation) if entry.at_ms >= at_ms), 0)

    async def overlays(self, app: str, conversation: str, first: int, last: int) -> dict[int, Overlay]:
        overlays = self._tables.overlays.get((app, conversation), {})
        return {seq: copy.deepcopy(overlay) for seq, overlay in overlays.items() if first <= seq <= last}

    async def outbox(self, app: str, party: str, outbox: str) -> OutboxState:
        key = (app, party, outbox)
        floor = self._tables.floors.get(key, 0)
        return OutboxState(max(floor, *self._tables.sent.get(key, {0: None})), floor)

    async def sent(self, app: str, party: str, outbox: str, n: int) -> SentBefore | None:
        key = (app, party, outbox)
        if n <= self._tables.floors.get(key, 0):
            return SentBefore("", 0, 0, b"")
        return self._tables.sent.get(key, {}).get(n)

    async def inbox(self, app: str, party: str, after_pts: int, limit: int) -> list[InboxChange]:
        inbox = self._tables.inboxes.get((app, party), {})
        changes = [InboxChange(subject, pts) for subject, pts in inbox.items() if pts > after_pts]
        changes.sort(key=lambda change: (change.pts, change.subject))
        last_pts = changes[limit - 1].pts if len(changes) >= limit else 1 << 60
        return [change for change in changes if change.pts <= last_pts]

    async def inbox_floor(self, app: str, party: str) -> int:
        return self._tables.inbox_floors.get((app, party), 0)

    async def large_conversations(self, app: str, party: str) -> list[str]:
        return [state.id for state in self._of(app, party) if state.large and state.members[party].present]

    async def conversation_list(
        self, app: str, party: str, after: ConversationListItem | None, limit: int
    ) -> list[ConversationListItem]:
        items = []
        for state in self._of(app, party):
            own = state.members[party].settings or MemberSettings()
            if state.members[party].present and not own.hidden:
                order = own.order if own.pinned else 0
                items.append(ConversationListItem(state.id, own.pinned, order, state.active_at_ms))
        items.sort(key=_list_order)
        if after is not None:
            items = [item for item in items if _list_order(item) > _list_order(after)]
        return items[:limit]

    async def memberships(self, app: str, party: str) -> list[str]:
        return [state.id for state in self._of(app, party)]

    async def rooms_of(self, app: str, party: str) -> list[str]:
        return sorted(
            state.id
            for (of_app, name), state in self._tables.conversations.items()
            if of_app == app and state.kind == "room"
            if any(e.sender == party for e in self._tables.logs[app, name]) or party in state.settings.get("named", {})
        )

    async def profiles(self, app: str, parties: Sequence[str]) -> list[ProfileChanged]:
        known = (self._tables.parties.get((app, party)) for party in parties)
        return [party.profile for party in known if party is not None and party.profile is not None]

    async def search_profiles(
        self, app: str, text: str, field: str, value: str, after: str, limit: int
    ) -> list[tuple[str, ProfileChanged]]:
        found = [
            (party, state.profile)
            for (of_app, party), state in sorted(self._tables.parties.items())
            if of_app == app
            and party > after
            and state.profile is not None
            and text.casefold() in state.profile.name.casefold()
            and (not field or state.profile.custom.get(field) == value)
        ]
        return found[:limit]

    async def remembered(self, app: str, key: str) -> Remembered | None:
        found = self._tables.answers.get((app, key))
        return Remembered(found.request_hash, found.status, found.body) if found is not None else None

    async def expiring(self, up_to_ms: int, limit: int) -> list[tuple[str, str, int, int]]:
        due = [(*where, at_ms) for where, at_ms in self._tables.expiry.items() if at_ms <= up_to_ms]
        return sorted(due, key=lambda row: (row[3], *row[:3]))[:limit]

    async def cards(
        self, app: str, conversation: str, before_seq: int, limit: int, open_only: bool
    ) -> list[tuple[int, bool]]:
        cards = self._tables.cards.get((app, conversation), {})
        found = [(seq, is_open) for seq, is_open in cards.items() if seq < before_seq and (is_open or not open_only)]
        return sorted(found, reverse=True)[:limit]

    async def apps(self) -> list[AppChanged]:
        return list(self._tables.apps.values())

    async def keys(self) -> list[KeyChanged]:
        return list(self._tables.keys.values())

    async def devices(self, app: str, party: str) -> list[DeviceChanged]:
        state = self._tables.parties.get((app, party))
        known = state.devices.values() if state is not None else ()
        return [DeviceChanged(app, party, d.device, d.platform, d.last_seen_ms, d.revoked_before_s) for d in known]

    def _log(self, app: str, conversation: str) -> list[Entry]:
        return self._tables.logs.get((app, conversation), [])

    def _of(self, app: str, party: str) -> list[Conversation]:
        return [s for (of_app, _), s in self._tables.conversations.items() if of_app == app and party in s.members]


def _list_order(item: ConversationListItem) -> tuple[Any, ...]:
    return not item.pinned, item.order, -item.active_at_ms, item.conversation


class MemoryProjector:
    """``Projector`` over tables; projects on the event loop, when hurried or stopped."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._queue: deque[tuple[int, Sequence[Record]]] = deque()
        self._submitted = tables.lsn
        self._durable = tables.lsn
        self._listeners: list[Callable[[int], None]] = []

    @property
    def projected_lsn(self) -> int:
        return self._tables.lsn

    @property
    def durable_lsn(self) -> int:
        return self._durable

    records_per_s = 0.0

    @property
    def queued_records(self) -> int:
        return sum(len(records) for _, records in self._queue)

    def submit(self, lsn: int, records: Sequence[Record]) -> None:
        if lsn <= self._submitted:
            return
        if lsn != self._submitted + 1:
            raise ValueError(f"group {lsn} does not follow {self._submitted}")
        self._submitted = lsn
        self._queue.append((lsn, records))

    def hurry(self) -> None:
        asyncio.get_running_loop().call_soon(self._project)

    def on_progress(self, callback: Callable[[int], None]) -> None:
        self._listeners.append(callback)

    def on_failure(self, callback: Callable[[BaseException], None]) -> None:
        """Memory does not fail."""

    def on_delay(self, callback: Callable[[BaseException], None]) -> None:
        """Memory does not fill up."""

    async def stop(self) -> None:
        self._project()
        self._durable = self._tables.lsn

    def _project(self) -> None:
        if not self._queue:
            return
        while self._queue:
            self._tables.project(*self._queue.popleft())
        for listener in self._listeners:
            listener(self._tables.lsn)


class MemoryIndex:
    """An open index; its file is read when it is opened and written when it is closed."""

    def __init__(self, path: Path, tables: Tables) -> None:
        self._path = path
        self._tables = tables
        self.reader = MemoryReader(tables)
        self.projector = MemoryProjector(tables)

    @classmethod
    def open(cls, path: Path, epoch: int) -> MemoryIndex:
        """Open or create."""
        return cls(path, pickle.loads(path.read_bytes()) if path.exists() else Tables(epoch))

    async def prune(self, now_ms: int) -> None:
        self._tables.prune(now_ms)

    async def backup(self, target: Path) -> int:
        target.write_bytes(pickle.dumps(self._tables))
        return self._tables.lsn

    async def close(self) -> None:
        await self.projector.stop()
        await self.backup(self._path)
