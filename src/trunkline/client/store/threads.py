"""My marks of threads on this device: which I follow, and how far I have read in each.

Replies are entries of the history that name a thread; what is unread is counted over them. What is not here: the count
of replies and the newest, which the first message of a thread shows (``now``).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trunkline.client.store.database import Database
from trunkline.protocol.link.threads import REMOVALS, new_followers
from trunkline.wire.calls.threads import ThreadMark
from trunkline.wire.entries import EntryView

_DECODE = msgspec.msgpack.Decoder(EntryView).decode


class ThreadTable:
    """Marks of threads; methods that write expect an open transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def get(self, conversation: str, thread: int) -> ThreadMark:
        """My mark of a thread."""
        row = self._db.execute(
            "SELECT following, read FROM thread WHERE conversation = ? AND thread = ?", (conversation, thread)
        ).fetchone()
        return ThreadMark(conversation, thread, bool(row[0]), row[1]) if row else ThreadMark(conversation, thread)

    def followed(self) -> list[ThreadMark]:
        """The threads I follow, the one with the newest reply here first."""
        found = self._db.execute(
            """SELECT t.conversation, t.thread, t.following, t.read FROM thread t WHERE t.following = 1 ORDER BY (
            SELECT max(coalesce(ord, 0)) FROM entry e WHERE e.conversation = t.conversation AND e.thread = t.thread
            ) DESC, t.conversation, t.thread"""
        )
        return [ThreadMark(name, thread, bool(on), read) for name, thread, on, read in found]

    def put(self, mark: ThreadMark) -> None:
        """What the server says of a thread, whole; a cursor never moves back."""
        self._db.execute(
            """INSERT INTO thread (conversation, thread, following, read) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET following = excluded.following, read = max(read, excluded.read)""",
            (mark.conversation, mark.thread, int(mark.following), mark.read),
        )

    def change(self, conversation: str, thread: int, following: bool | None, read: int) -> None:
        """A mark made on another device; None and 0 leave what is there."""
        before = self.get(conversation, thread)
        on = before.following if following is None else following
        self.put(ThreadMark(conversation, thread, on, read))

    def replied(self, reply: EntryView, root: EntryView | None, me: str) -> None:
        """A reply was applied: follow its thread where the rule says so. ``root`` is as it was before."""
        if reply.type in REMOVALS:
            return
        first = root is not None and (root.now is None or not root.now.last_reply_seq)
        author = root.sender if root is not None else ""
        for party, read in new_followers(reply.seq, reply.sender, reply.mentions, author, first=first):
            if party == me and not self.get(reply.conversation, reply.thread).following:
                self.put(ThreadMark(reply.conversation, reply.thread, True, read))

    def unread(self, conversation: str, thread: int, me: str) -> tuple[int, int]:
        """Unread replies among those this device holds, and mentions of me among them; (0, 0) where I do not follow."""
        mark = self.get(conversation, thread)
        if not mark.following:
            return 0, 0
        found = self._db.execute(
            "SELECT body FROM entry WHERE conversation = ? AND thread = ? AND seq > ? AND hidden = 0",
            (conversation, thread, mark.read),
        )
        unread = [entry for entry in (_DECODE(body) for (body,) in found) if _counts(entry, me)]
        return len(unread), sum(1 for entry in unread if me in entry.mentions or "*" in entry.mentions)

    def forget(self, conversations: Iterable[str]) -> None:
        """I left these."""
        for name in conversations:
            self._db.execute("UPDATE thread SET following = 0 WHERE conversation = ?", (name,))

    def clear(self) -> None:
        """The server's logs have another epoch."""
        self._db.execute("DELETE FROM thread")


def _counts(entry: EntryView, me: str) -> bool:
    if entry.sender == me or entry.type in REMOVALS or not entry.sender:
        return False
    return entry.now is None or not (entry.now.recalled or entry.now.expired)
