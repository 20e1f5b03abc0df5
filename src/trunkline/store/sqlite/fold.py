"""Folding one conversation's records of a batch: its state, and the rows that change.

Plain messages, nearly all of the traffic, only move a few numbers and are folded here by a short
loop. Every other record goes through the domain (``tracked``).

Not here: records that concern no conversation (``parties``), erasure (``erase``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trunkline.domain.conversation.state import Conversation
from trunkline.domain.log.records import (
    CursorMoved,
    EntriesHidden,
    Entry,
    EntryAppended,
    SettingsChanged,
    ThreadMarked,
)
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE, fold
from trunkline.protocol.link.threads import fold_reply
from trunkline.store.sqlite import chunks, files, gifts, rows, threads
from trunkline.store.sqlite.batch import Batch
from trunkline.store.sqlite.chunks import append_rows
from trunkline.store.sqlite.tracked import Tracked
from trunkline.wire import entries as types

ConversationRecord = EntryAppended | CursorMoved | SettingsChanged | EntriesHidden | ThreadMarked
"""Records that change a conversation."""

_decode_content = msgspec.msgpack.Decoder(dict[str, Any]).decode
_JOIN_OR_LEAVE = frozenset({types.CREATED, types.MEMBERS_ADDED, types.MEMBERS_REMOVED, types.DISMISSED})


class ConversationFold:
    """Applies one conversation's records, in order, and hands its rows to the batch."""

    __slots__ = (
        "_app",
        "_batch",
        "_configured",
        "_entries",
        "_entry_lsn",
        "_left_at_ms",
        "_state",
        "_touched",
        "_tracked",
    )

    def __init__(self, tracked: Tracked, batch: Batch) -> None:
        self._tracked = tracked
        self._state: Conversation = tracked.state
        self._app = tracked.state.app
        self._batch = batch
        self._entries: list[Entry] = []
        self._entry_lsn = 0
        self._touched: dict[str, int] = {}
        """Inboxes to touch, besides those of all present members of a small conversation: party -> lsn."""
        self._left_at_ms: dict[str, int] = {}
        """Who joined (0) or left (when)."""
        self._configured: set[str] = set()

    def run(self, records: Sequence[Any]) -> None:
        """Fold lsn, record, lsn, record, ..."""
        state = self._state
        was_new = state.head == 0
        entries = self._entries
        sends = self._batch.sends
        app = self._app
        cid = self._tracked.cid
        owns: dict[str, int] = {}
        plain = not state.virtual
        head, count, active = state.head, state.count, None
        pairs = iter(records)
        for lsn, record in zip(pairs, pairs, strict=True):
            if type(record) is EntryAppended:
                entry = record.entry
                entries.append(entry)
                if entry.outbox:
                    sends[app, entry.sender, entry.outbox] += (entry.n, cid, entry.seq)
                if (
                    plain
                    and entry.count != count
                    and not entry.mentions
                    and not entry.expires_at_ms
                    and entry.type != types.CARD_CREATED
                ):
                    head += 1
                    if entry.seq != head:
                        raise ValueError(f"{app}/{state.id}: entry {entry.seq} does not follow head {head - 1}")
                    count = entry.count
                    active = entry
                    owns[entry.sender] = entry.own
                    self._entry_lsn = lsn
                    continue
            if active is not None:
                self._settle(active, owns)
                active = None
            self._apply(lsn, record)
            head, count, plain = state.head, state.count, not state.virtual
        if active is not None:
            self._settle(active, owns)
        if state.head:
            self._emit(was_new)

    def _settle(self, last: Entry, owns: dict[str, int]) -> None:
        """Bring the state up to a run of plain messages that ends with ``last``."""
        state = self._state
        state.head = last.seq
        state.count = last.count
        state.at_ms = state.active_at_ms = last.at_ms
        for sender, own in owns.items():
            member = state.members.get(sender)
            if member is not None:
                member.own = own
        owns.clear()

    def _apply(self, lsn: int, record: ConversationRecord) -> None:
        if isinstance(record, EntryAppended):
            self._apply_entry(lsn, record.entry)
            return
        state = self._state
        if isinstance(record, ThreadMarked) and state.virtual:
            threads.apply_mark(self._batch.db, lsn, self._tracked.cid, record)
            return
        member = state.trace(record.party)
        if member is None:
            return
        if isinstance(record, ThreadMarked):
            threads.apply_mark(self._batch.db, lsn, self._tracked.cid, record)
            return
        self._touched[record.party] = lsn
        if isinstance(record, CursorMoved):
            state.move_cursor(record)
            if state.kind == "direct" and not state.large:
                self._touched |= dict.fromkeys(self._tracked.present_members(), lsn)
        elif isinstance(record, SettingsChanged):
            state.configure(record)
            self._configured.add(record.party)
        else:
            state.hide(record)

    def _apply_entry(self, lsn: int, entry: Entry) -> None:
        state = self._state
        if entry.expires_at_ms:
            self._batch.expiry[self._tracked.cid, entry.seq] = entry.expires_at_ms
        if entry.type == types.CARD_CREATED:
            self._batch.cards[self._tracked.cid, entry.seq] = 1
        self._entry_lsn = lsn
        if entry.type in _JOIN_OR_LEAVE:
            self._join_or_leave(lsn, entry)
        else:
            state.apply(entry)
            if state.virtual and dict.__contains__(state.members, entry.sender):
                self._touched[entry.sender] = lsn  # so that erasure and export find what it said
            if entry.type in CHANGES_A_MESSAGE:
                self._change_message(entry)
            if entry.thread:
                self._change_thread(lsn, entry)

    def _change_message(self, entry: Entry) -> None:
        cid = self._tracked.cid
        overlay = self._batch.overlay(cid, entry.target)
        content = _decode_content(entry.content) if entry.content else {}
        fold(overlay, seq=entry.seq, at_ms=entry.at_ms, sender=entry.sender, type=entry.type, content=content)
        closes = entry.type == types.CARD_CHANGED and "closes" in content
        if closes or entry.type in (types.RECALLED, types.EXPIRED):
            self._batch.expiry[cid, entry.target] = 0
        if closes:
            self._batch.cards[cid, entry.target] = 0
        if entry.type in (types.RECALLED, types.EXPIRED):
            files.detach(self._batch.db, self._app, self._state.id, entry.target, entry.at_ms)

    def _change_thread(self, lsn: int, entry: Entry) -> None:
        cid, root = self._tracked.cid, entry.thread
        overlay = self._batch.overlay(cid, root)
        fold_reply(overlay, seq=entry.seq, at_ms=entry.at_ms, type=entry.type)
        held = self._entries[0].seq
        first = self._entries[root - held] if root >= held else chunks.read_range(self._batch.db, cid, root, root)[0]
        author = self._state.member(first.sender)
        wants = author is not None and root > author.hidden_up_to and root not in author.hidden
        threads.apply_entry(self._batch.db, lsn, cid, self._state, entry, first.sender if wants else "")

    def _join_or_leave(self, lsn: int, entry: Entry) -> None:
        """Apply the entry and note whose inbox learns of it."""
        state = self._state
        tracked = self._tracked
        content = _decode_content(entry.content) if entry.content else {}
        if entry.type == types.DISMISSED:
            parties = [party for party, member in state.members.items() if member.left_seq == 0]
        else:
            parties = content["members" if entry.type == types.CREATED else "parties"]
        before = {party for party in parties if state.member(party) is not None}
        was_large = state.large
        state.apply(entry)
        tracked.present = None
        for party in parties:
            now = state.member(party) is not None
            if now != (party in before):
                self._left_at_ms[party] = 0 if now else max(entry.at_ms, 1)
                self._touched[party] = lsn
        threads.apply_leaving(self._batch.db, lsn, tracked.cid, self._app, [p for p in before if not state.member(p)])
        if state.large and not was_large:
            for party, member in state.members.items():
                if member.left_seq == 0:
                    self._touched[party] = lsn
                    self._left_at_ms[party] = 0

    def _emit(self, is_new: bool) -> None:
        """Hand the changed rows to the batch."""
        tracked, batch, state, app = self._tracked, self._batch, self._state, self._app
        cid = tracked.cid
        if is_new:
            batch.ids.values += (app, state.id, cid)
        if self._entries or is_new:
            batch.conversations.values += rows.conversation_values(cid, state)
        if self._entries:
            append_rows(batch.chunks.values, cid, self._entries)
            if state.kind == "room":
                gifts.add(batch.db, cid, self._entries)
            batch.sent_at_ms = max(batch.sent_at_ms, state.at_ms)
            if not state.large:
                touched, lsn = self._touched, self._entry_lsn
                for party in tracked.present_members():
                    if touched.get(party, 0) < lsn:
                        touched[party] = lsn
        members = state.members
        for party in tracked.members.take_touched():
            batch.members.values += rows.member_values(cid, party, dict.__getitem__(members, party))
        batch.removed += [(cid, seq, sender) for seq, sender in tracked.removed.take_changes().items()]
        batch.mentions_all += [(cid, seq, sender) for seq, sender in tracked.mentions_all.take_changes().items()]
        state.removed_seqs.clear()
        self._emit_inbox(cid)

    def _emit_inbox(self, cid: int) -> None:
        batch, state, app = self._batch, self._state, self._app
        values = batch.inbox.values
        for party, pts in self._touched.items():
            if party in self._left_at_ms:
                left_at_ms = self._left_at_ms[party]
                batch.memberships.values += (f"{app}/{party}", cid, pts, left_at_ms, int(state.large))
            else:
                values += (f"{app}/{party}", cid, pts)
        for party in self._configured:
            settings = dict.__getitem__(state.members, party).settings
            assert settings is not None
            batch.settings.values += (
                f"{app}/{party}",
                cid,
                self._touched[party],
                int(settings.pinned),
                settings.order,
                int(settings.hidden),
            )
