"""Threads: what this device knows without a connection, and the server's calls."""

from __future__ import annotations

from trunkline.client.requests import Requests
from trunkline.client.store import LocalStore
from trunkline.wire.calls.messages import History
from trunkline.wire.calls.threads import (
    ThreadFollow,
    ThreadHistory,
    ThreadList,
    ThreadMark,
    ThreadRead,
    ThreadRef,
    Threads,
    ThreadView,
)
from trunkline.wire.entries import EntryView


class ThreadCalls:
    """``client.threads``. Reply with ``client.send(..., thread=seq)``."""

    def __init__(self, requests: Requests, store: LocalStore) -> None:
        self._call = requests.call
        self._store = store

    # --- without a connection ---------------------------------------------------------------

    def followed(self) -> list[ThreadMark]:
        """The threads I follow, as this device knows: the one with the newest reply first."""
        return self._store.threads.followed()

    def unread(self, conversation: str, thread: int) -> tuple[int, int]:
        """Unread replies among those this device holds, and mentions of me among them."""
        return self._store.threads.unread(conversation, thread, self._store.party)

    def replies(self, conversation: str, thread: int, *, before_seq: int = 0, limit: int = 50) -> list[EntryView]:
        """The last replies before a seq (0: the newest) that this device holds, ascending, changes folded in."""
        return self._store.history.replies(conversation, thread, before_seq=before_seq, limit=limit)

    # --- from the server --------------------------------------------------------------------

    async def get(self, conversation: str, thread: int) -> ThreadView:
        """A thread as the server knows it now."""
        return self._keep(await self._call("thread.get", ThreadRef(conversation, thread), ThreadView, again=True))

    async def list(
        self, conversation: str = "", *, unread_only: bool = False, after: str = "", limit: int = 50
    ) -> Threads:
        """A page of the threads I follow, or of all of a conversation; ``after``: ``next`` of the page before."""
        request = ThreadList(conversation=conversation, unread_only=unread_only, after=after, limit=limit)
        return await self._call("thread.list", request, Threads, again=True)

    async def history(
        self, conversation: str, thread: int, *, from_seq: int = 0, to_seq: int = 0, limit: int = 100
    ) -> History:
        """Replies from the server: the first of a range, or (without ``from_seq``) the last; they are not kept."""
        request = ThreadHistory(
            conversation=conversation,
            thread=thread,
            from_seq=from_seq,
            to_seq=to_seq,
            limit=limit,
            newest_first=not from_seq,
        )
        return await self._call("thread.history", request, History, again=True)

    async def follow(self, conversation: str, thread: int, *, on: bool = True) -> ThreadView:
        """Follow a thread from here on, or follow it no longer, on all my devices."""
        request = ThreadFollow(conversation, thread, on)
        return self._keep(await self._call("thread.follow", request, ThreadView, again=True))

    async def mark_read(self, conversation: str, thread: int, read: int) -> ThreadView:
        """Everything in the thread up to the reply ``read`` was read."""
        request = ThreadRead(conversation, thread, read)
        return self._keep(await self._call("thread.read", request, ThreadView, again=True))

    def _keep(self, view: ThreadView) -> ThreadView:
        mark = ThreadMark(view.conversation, view.thread, view.following, view.read)
        with self._store.database.transaction(durable=False):
            self._store.threads.put(mark)
        return view
