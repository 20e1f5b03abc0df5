"""What receiving writes: entries with their positions, views, the start of a new epoch. Each method is one transaction.

What is not here: deciding what is applied and when (``receiving``).
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.client.notices import Hidden, ThreadPushed
from trunkline.client.store import ConversationRow, LocalStore
from trunkline.client.views import apply_entry, take_back
from trunkline.wire import entries as types
from trunkline.wire.calls.session import ConversationView, MemberSettings, SyncResult
from trunkline.wire.calls.threads import ThreadMarks
from trunkline.wire.entries import EntryView

_MOST_AHEAD = 500
_LARGEST_SEQ = 2**53


class Applier:
    """Writes to the local store.

    Args:
        store: the store.
        initial_history: how many entries of a conversation new to this device are wanted; None for all.
    """

    def __init__(self, store: LocalStore, initial_history: int | None) -> None:
        self._store = store
        self._initial_history = initial_history
        self._hidden_ahead: dict[str, set[int]] = {}
        """Deleted for me before they arrived here; a restart learns of them by sync."""

    def apply(self, entries: list[EntryView]) -> dict[str, ConversationRow]:
        """Store entries, advance positions, settle the sends that made them; returns the rows that changed.

        Raises:
            sqlite3.Error: nothing was written.
        """
        store, me = self._store, self._store.party
        rows: dict[str, ConversationRow] = {}
        try:
            with store.database.transaction(durable=False):
                store.history.append(entries, before=self._follow)
                for entry in entries:
                    row = rows.get(entry.conversation)
                    if row is None:
                        row = store.conversations.get(entry.conversation)
                        if row is None:
                            row = ConversationRow(entry.conversation, floor=entry.seq)
                        rows[entry.conversation] = row
                    row.last = entry.seq
                    row.head = max(row.head, entry.seq)
                    if row.view is not None:
                        self._change_view(row.view, entry)
                    if entry.outbox and entry.sender == me:
                        store.outbox.settle(entry.outbox, entry.n)
                for row in rows.values():
                    store.conversations.put(row)
                    store.outbox.settle_up_to(row.conversation, row.last or 0)
                if self._hidden_ahead:
                    self._hide_arrived(rows.values())
                hit(FaultPoint.SDK_INSIDE_APPLY)
        except BaseException:
            store.history.rolled_back()
            raise
        return rows

    def _follow(self, reply: EntryView) -> None:
        """A reply is about to be stored: follow its thread where the rule says so."""
        root = self._store.history.get(reply.conversation, reply.thread)
        self._store.threads.replied(reply, root, self._store.party)

    def marks(self, marks: ThreadMarks) -> None:
        """Store what the server says of my threads, with the position it leads to."""
        with self._store.database.transaction(durable=False):
            for mark in marks.marks:
                self._store.threads.put(mark)
            self._store.database.put("threads_pts", marks.pts)

    def mark(self, pushed: ThreadPushed) -> None:
        """Store what I did with a thread on another device."""
        with self._store.database.transaction(durable=False):
            self._store.threads.change(pushed.conversation, pushed.thread, pushed.following, pushed.read)

    def page(self, result: SyncResult) -> None:
        """Store one page of a sync together with the position it leads to."""
        store = self._store
        with store.database.transaction(durable=False):
            for view in result.conversations:
                self._put_view(view)
            self._remove(result.removed)
            if result.blocked is not None:
                store.put_blocked(result.blocked)
            store.database.put("epoch", result.epoch)
            store.database.put("pts", result.pts)

    def view(self, view: ConversationView) -> None:
        """Store a view the server was asked for."""
        with self._store.database.transaction(durable=False):
            self._put_view(view)

    def settings(self, conversation: str, settings: MemberSettings) -> bool:
        """Store my settings of a conversation; False if it is not known (its first view will bring them)."""
        row = self._store.conversations.get(conversation)
        if row is None or row.view is None:
            return False
        row.view.settings = settings
        with self._store.database.transaction(durable=False):
            self._store.conversations.put(row)
        return True

    def hide(self, hidden: Hidden) -> None:
        """Empty what I deleted for myself; what has not arrived yet is emptied when it does."""
        name = hidden.conversation
        with self._store.database.transaction(durable=False):
            self._store.history.hide(name, hidden.seqs, hidden.up_to)
            row = self._store.conversations.get(name)
            if row is not None and row.view is not None:
                row.view.unread, row.view.unread_mentions = hidden.unread, hidden.unread_mentions
                last = row.view.last
                if last is not None and (last.seq in hidden.seqs or last.seq <= hidden.up_to):
                    row.view.last = None
                self._store.conversations.put(row)
        self._expect_hidden(name, hidden.seqs, row.last or 0 if row is not None else 0)

    def _expect_hidden(self, name: str, seqs: Iterable[int], last: int) -> None:
        ahead = {seq for seq in seqs if seq > last}
        if ahead:
            self._hidden_ahead.setdefault(name, set()).update(ahead)

    def _hide_arrived(self, rows: Iterable[ConversationRow]) -> None:
        for row in rows:
            ahead = self._hidden_ahead.pop(row.conversation, None)
            if ahead is not None:
                self._store.history.hide(row.conversation, sorted(ahead), 0)
                self._expect_hidden(row.conversation, ahead, row.last or 0)

    def remove(self, conversations: set[str]) -> None:
        """The party is no longer in these."""
        with self._store.database.transaction(durable=False):
            self._remove(conversations)

    def list_anew(self) -> None:
        """The position in the inbox is of no use: the next sync begins at the start."""
        with self._store.database.transaction(durable=False):
            self._store.database.put("pts", 0)
            self._store.database.put("resync_untold", "list")

    def start_over(self, epoch: int) -> None:
        """Another epoch: nothing local counts any more, except what waits in the outbox."""
        store = self._store
        with store.database.transaction(durable=True):
            store.history.clear()
            store.conversations.clear()
            store.threads.clear()
            store.database.put("threads_pts", 0)
            store.outbox.drop_sent()
            store.database.put("epoch", epoch)
            store.database.put("pts", 0)
            store.database.put("resync_untold", "history")

    @property
    def untold_resync(self) -> str:
        """Which resync the application has not heard of: ``history``, ``list`` or none."""
        return self._store.database.text("resync_untold")

    def resync_told(self) -> None:
        """The application has heard of it."""
        with self._store.database.transaction(durable=False):
            self._store.database.put("resync_untold", "")

    def _remove(self, conversations: Iterable[str]) -> None:
        self._store.conversations.remove(conversations)
        self._store.threads.forget(conversations)
        for name in conversations:
            # What was accepted there will not be shown to this party as an entry any more.
            self._store.outbox.settle_up_to(name, _LARGEST_SEQ)

    def _put_view(self, view: ConversationView) -> None:
        row = self._store.conversations.get(view.conversation) or ConversationRow(view.conversation)
        if row.view is not None and view.last is None:
            view.last = row.view.last
        row.view = view
        row.head = reachable_head(view)
        row.removed = False
        if row.last is None:
            start = view.first_visible_seq - 1
            row.last = start if self._initial_history is None else max(start, row.head - self._initial_history)
            row.floor = row.last + 1
        elif row.last > view.head:
            # Made before entries that a push brought since.
            for entry in self._store.history.page(view.conversation, from_seq=view.head + 1, limit=_MOST_AHEAD):
                self._change_view(view, entry)
        if view.hidden_up_to or view.hidden_seqs:
            self._store.history.hide(view.conversation, view.hidden_seqs, view.hidden_up_to)
            self._expect_hidden(view.conversation, view.hidden_seqs, row.last or 0)
            view.hidden_up_to, view.hidden_seqs = 0, []
        self._store.conversations.put(row)

    def _change_view(self, view: ConversationView, entry: EntryView) -> None:
        me = self._store.party
        if entry.type in (types.RECALLED, types.EXPIRED) and entry.seq > view.head:
            message = self._store.history.get(entry.conversation, entry.target)
            if message is not None:
                take_back(view, message, me)
        apply_entry(view, entry, me)


def reachable_head(view: ConversationView) -> int:
    """The newest seq this party may see."""
    return min(view.head, view.left_seq) if view.left_seq else view.head
