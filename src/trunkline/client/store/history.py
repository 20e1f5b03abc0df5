"""Entries as this device holds them, with later changes folded into the messages they change.

What is not here: deciding which entry comes next (``protocol.link.gap``), and asking the server for more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from trunkline.client.store.database import Database
from trunkline.protocol.cards.erasure import redacted, without_party
from trunkline.protocol.link.overlays import CHANGES_A_MESSAGE, fold
from trunkline.protocol.link.threads import fold_reply
from trunkline.wire import entries as types
from trunkline.wire.entries import EntryView, Overlay

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(EntryView).decode

_KEPT_AT_ERASURE = frozenset(
    {
        types.CREATED,
        types.UPDATED,
        types.DISMISSED,
        types.MEMBERS_ADDED,
        types.MEMBERS_REMOVED,
        types.MEMBER_CHANGED,
        types.TRANSFERRED,
        types.COMMUNITY_CHANGED,
        types.RECALLED,
        types.EXPIRED,
        types.REACTED,
        types.PINNED,
        types.ERASED,
    }
)
"""Structure, which others need to understand the log; everything else a party wrote is content."""


@dataclass(slots=True, frozen=True)
class Applied:
    """An entry and its place in the order of application on this device."""

    ord: int
    entry: EntryView


class HistoryTable:
    """The entries; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._db = database.connection
        self._next_ord = database.number("next_ord") or 1
        self.oldest_ord = database.number("oldest_ord") or 1
        """Entries with lower order numbers belonged to an earlier epoch and were dropped."""

    @property
    def newest_ord(self) -> int:
        """Order number of the entry applied last; 0 before the first."""
        return self._next_ord - 1

    def append(self, entries: Iterable[EntryView], before: Callable[[EntryView], None] | None = None) -> None:
        """Apply entries: store each with the next order number and fold changes into their targets.

        ``before`` is called with each reply in a thread, before anything of it is stored.
        """
        for entry in entries:
            if entry.thread and before is not None:
                before(entry)
            self._db.execute(
                "INSERT INTO entry (conversation, seq, ord, body, thread) VALUES (?, ?, ?, ?, ?)",
                (entry.conversation, entry.seq, self._next_ord, _ENCODE(entry), 0 if entry.target else entry.thread),
            )
            self._next_ord += 1
            self._change_target(entry)
            if entry.thread:
                self._change_root(entry)
            if entry.type == types.ERASED and isinstance(entry.content, dict):
                self._erase(entry, str(entry.content.get("party", "")))
        self._database.put("next_ord", self._next_ord)

    def rolled_back(self) -> None:
        """The transaction of the last ``append`` did not commit."""
        self._next_ord = self._database.number("next_ord") or 1

    def backfill(self, entries: Iterable[EntryView]) -> None:
        """Store older entries that no consumer is told of; those already here stay as they are."""
        for entry in entries:
            self._db.execute(
                "INSERT OR IGNORE INTO entry (conversation, seq, ord, body, thread) VALUES (?, ?, NULL, ?, ?)",
                (entry.conversation, entry.seq, _ENCODE(entry), 0 if entry.target else entry.thread),
            )

    def applied_after(self, ord: int, limit: int, conversation: str = "", after_seq: int = 0) -> list[Applied]:
        """Entries in the order of application, of all conversations or of one."""
        if conversation:
            found = self._db.execute(
                "SELECT ord, body FROM entry WHERE conversation = ? AND seq > ? AND ord > ? ORDER BY seq LIMIT ?",
                (conversation, after_seq, ord, limit),
            )
        else:
            found = self._db.execute("SELECT ord, body FROM entry WHERE ord > ? ORDER BY ord LIMIT ?", (ord, limit))
        return [Applied(number, _DECODE(body)) for number, body in found]

    def page(self, conversation: str, *, before_seq: int = 0, from_seq: int = 0, limit: int = 50) -> list[EntryView]:
        """Entries in ascending order: the last ones before a seq (0: of all), or the first from a seq."""
        if from_seq:
            found = self._db.execute(
                "SELECT body FROM entry WHERE conversation = ? AND seq >= ? AND hidden = 0 ORDER BY seq LIMIT ?",
                (conversation, from_seq, limit),
            ).fetchall()
        else:
            found = self._db.execute(
                "SELECT body FROM entry WHERE conversation = ? AND seq < ? AND hidden = 0 ORDER BY seq DESC LIMIT ?",
                (conversation, before_seq or 2**53, limit),
            ).fetchall()
            found.reverse()
        return [_DECODE(body) for (body,) in found]

    def replies(self, conversation: str, thread: int, *, before_seq: int = 0, limit: int = 50) -> list[EntryView]:
        """The last replies of a thread before a seq (0: of all), ascending."""
        found = self._db.execute(
            "SELECT body FROM entry WHERE conversation = ? AND thread = ? AND seq < ? AND hidden = 0 "
            "ORDER BY seq DESC LIMIT ?",
            (conversation, thread, before_seq or 2**53, limit),
        ).fetchall()
        return [_DECODE(body) for (body,) in reversed(found)]

    def get(self, conversation: str, seq: int) -> EntryView | None:
        """One entry, if it is here."""
        row = self._db.execute(
            "SELECT body FROM entry WHERE conversation = ? AND seq = ?", (conversation, seq)
        ).fetchone()
        return _DECODE(row[0]) if row is not None else None

    def hide(self, conversation: str, seqs: Iterable[int], up_to: int) -> None:
        """Delete for me: hidden entries keep their number and lose their content."""
        select = "SELECT body FROM entry WHERE hidden = 0 AND conversation = ? AND seq"
        bodies = [row for seq in seqs for row in self._db.execute(f"{select} = ?", (conversation, seq))]
        if up_to:
            bodies += self._db.execute(f"{select} <= ?", (conversation, up_to)).fetchall()
        for (body,) in bodies:
            entry = _DECODE(body)
            emptied = EntryView(
                conversation=conversation,
                epoch=entry.epoch,
                seq=entry.seq,
                at_ms=entry.at_ms,
                sender="",
                type=types.PLACEHOLDER,
            )
            self._db.execute(
                "UPDATE entry SET hidden = 1, body = ? WHERE conversation = ? AND seq = ?",
                (_ENCODE(emptied), conversation, entry.seq),
            )

    def clear(self) -> None:
        """Drop every entry: the log they came from has another epoch. Order numbers go on."""
        self._db.execute("DELETE FROM entry")
        self._database.put("oldest_ord", self._next_ord)
        self.oldest_ord = self._next_ord

    def _erase(self, erasure: EntryView, party: str) -> None:
        """A party was erased: what it said before loses its content here too."""
        found = self._db.execute(
            "SELECT body FROM entry WHERE conversation = ? AND seq < ? AND instr(body, ?) > 0",
            (erasure.conversation, erasure.seq, party.encode()),
        ).fetchall()
        for (body,) in found:
            entry = _DECODE(body)
            if entry.now is not None and entry.now.card is not None and entry.type == types.CARD_CREATED:
                kind = entry.content.get("kind", "") if isinstance(entry.content, dict) else ""
                without_party(entry.now.card, kind, party)
            if entry.sender != party or entry.type in _KEPT_AT_ERASURE:
                self._rewrite(entry)
                continue
            if entry.type == types.EDITED:
                entry.content = {"content": None}
            elif entry.type in (types.CARD_CREATED, types.CARD_CHANGED) and isinstance(entry.content, dict):
                entry.content = redacted(entry.type, entry.content)
                if entry.type == types.CARD_CREATED:
                    entry.now = entry.now or Overlay()
                    entry.now.as_of, entry.now.erased = max(entry.now.as_of, erasure.seq), True
            else:
                entry.content = None
                entry.now = entry.now or Overlay()
                entry.now.as_of = max(entry.now.as_of, erasure.seq)
                entry.now.erased, entry.now.content = True, None
            self._rewrite(entry)

    def _change_root(self, change: EntryView) -> None:
        """A reply, or the removal of one, changes what the first message of its thread shows."""
        root = self.get(change.conversation, change.thread)
        if root is None or root.type == types.PLACEHOLDER:
            return
        root.now = root.now or Overlay()
        fold_reply(root.now, seq=change.seq, at_ms=change.at_ms, type=change.type)
        self._db.execute(
            "UPDATE entry SET body = ? WHERE conversation = ? AND seq = ?",
            (_ENCODE(root), root.conversation, root.seq),
        )

    def _change_target(self, change: EntryView) -> None:
        if not change.target or (change.type not in CHANGES_A_MESSAGE and change.type != types.ERASED):
            return
        target = self.get(change.conversation, change.target)
        if target is None or target.type == types.PLACEHOLDER:
            return
        now = target.now or Overlay()
        if change.type == types.ERASED:
            now.as_of, now.erased, now.content = max(now.as_of, change.seq), True, None
        else:
            fold(
                now, seq=change.seq, at_ms=change.at_ms, sender=change.sender, type=change.type, content=change.content
            )
        target.now = now
        if now.recalled or now.expired or (now.erased and target.type != types.CARD_CREATED):
            target.content = None  # taken back means gone from this disk too
        elif now.edited_seq:
            target.content = now.content  # as the server shows it in history
        self._rewrite(target)

    def _rewrite(self, entry: EntryView) -> None:
        self._db.execute(
            "UPDATE entry SET body = ? WHERE conversation = ? AND seq = ?",
            (_ENCODE(entry), entry.conversation, entry.seq),
        )
