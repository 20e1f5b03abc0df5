"""Receiving: pushes, sync and pulls become entries in the local store, each once and in order.

The gap rule (``protocol.link.gap``) decides what is applied; this feeds it, asks for what it wants, and writes what
it gives, one transaction per turn of the event loop: entries, positions and the outbox rows they settle go together.
What is not here: the connection, and handing entries to the application (``feed``).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.client.applying import Applier, reachable_head
from trunkline.client.errors import RequestFailed
from trunkline.client.link_socket import LinkSocket
from trunkline.client.notices import Hidden, Resync, ThreadPushed
from trunkline.client.options import Options
from trunkline.client.store import LocalStore
from trunkline.protocol.link.gap import Action, Apply, Locate, Position, Pull
from trunkline.protocol.link.gap import Resync as EpochEnded
from trunkline.wire.calls.conversations import ConversationRef
from trunkline.wire.calls.messages import History, HistoryGet
from trunkline.wire.calls.session import ConversationView, MemberSettings, Sync, SyncResult
from trunkline.wire.calls.threads import ThreadChanges, ThreadMarks
from trunkline.wire.entries import EntryView

logger = logging.getLogger("trunkline.client")
_REFUSED = 3
_SYNC_RETRY_S = 1.0


class Receiver:
    """Follows the server's logs.

    Args:
        store: where entries and positions are kept.
        options: sizes of pages and bounds.
        applied: told of every committed batch of entries.
        resynced: told when the local picture was rebuilt, with what to call once the application knows.
        listed: told of conversations whose view changed.
        synced: told when a connection has caught up.
        broken: told when the store cannot be written.
    """

    def __init__(
        self,
        store: LocalStore,
        options: Options,
        *,
        applied: Callable[[list[EntryView]], None],
        resynced: Callable[[Resync, Callable[[], None]], None],
        listed: Callable[[Iterable[str]], None],
        synced: Callable[[], None],
        broken: Callable[[str], None],
    ) -> None:
        self._store = store
        self._applier = Applier(store, options.initial_history)
        self._options = options
        self._applied = applied
        self._resynced = resynced
        self._listed = listed
        self._synced = synced
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._socket: LinkSocket | None = None
        self._positions: dict[str, Position[EntryView]] = {}
        self._load_positions()
        self._ready: list[EntryView] = []
        self._flush_planned = False
        self._wanted: dict[str, int] = {}
        self._pulls: set[asyncio.Task[None]] = set()
        self._sync_task: asyncio.Task[None] | None = None
        self._sync_again = False
        self._caught_up = False
        self._telling = ""
        self._generation = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ms = 0
        self._due: dict[str, int] = {}

    # ------------------------------------------------------------------ connection

    def start(self, socket: LinkSocket, epoch: int) -> None:
        """A connection was welcomed: catch up, while pushes already arrive."""
        self._socket = socket
        self._caught_up = False
        if self._store.epoch and self._store.epoch != epoch:
            self._start_over("the server's logs began a new epoch", epoch)
        elif not self._store.epoch:
            # Now, not with the first sync: what is pushed before it ends is kept with its epoch.
            with self._store.database.transaction(durable=False):
                self._store.database.put("epoch", epoch)
            self._load_positions()
        self.sync()

    def lost(self) -> None:
        """The connection ended; what was asked on it will be asked again."""
        self._socket = None
        self._generation += 1
        self._wanted.clear()
        for task in self._pulls:
            task.cancel()
        if self._sync_task is not None:
            self._sync_task.cancel()
            self._sync_task = None
        self._sync_again = False
        self._due.clear()

    def stop(self) -> None:
        """Write what waits for the end of the turn, then do nothing more."""
        self.settle()
        self.lost()
        if self._timer is not None:
            self._timer.cancel()

    def sync(self) -> None:
        """Ask what changed; a request while one runs makes it run once more."""
        if self._sync_task is not None:
            self._sync_again = True
        elif self._socket is not None:
            self._sync_task = self._loop.create_task(self._sync(self._socket, self._generation))

    # ------------------------------------------------------------------ what arrives

    def pushed(self, entry: EntryView) -> None:
        """An entry arrived by push."""
        position = self._positions.get(entry.conversation)
        if position is None:
            position = self._positions[entry.conversation] = Position(self._store.epoch or entry.epoch, None)
        self._take(entry.conversation, position, position.push(entry, self._now_ms()))

    def expect(self, conversation: str, seq: int) -> None:
        """A send was given ``seq``: its entry is on the way."""
        position = self._positions.get(conversation)
        if position is not None:
            self._take(conversation, position, position.head(seq, self._now_ms(), pushed=True))

    def know(self, view: ConversationView) -> None:
        """The server was asked for a view outside a sync."""
        self._applier.view(view)
        self._follow(view)
        self._listed([view.conversation])

    def configured(self, conversation: str, settings: MemberSettings) -> None:
        """My settings of a conversation changed on another device."""
        if self._applier.settings(conversation, settings):
            self._listed([conversation])

    def hidden(self, hidden: Hidden) -> None:
        """I deleted messages for myself, here or on another device."""
        self.settle()
        self._applier.hide(hidden)
        self._listed([hidden.conversation])

    def marked(self, pushed: ThreadPushed) -> None:
        """I did something with a thread, here or on another device."""
        self.settle()
        self._applier.mark(pushed)
        self._listed([pushed.conversation])

    def backfilled(self, conversation: str, floor: int) -> None:
        """Older history was stored down to ``floor``."""
        row = self._store.conversations.get(conversation)
        if row is not None and floor < row.floor:
            row.floor = floor
            self._store.conversations.put(row)

    # ------------------------------------------------------------------ sync

    async def _sync(self, socket: LinkSocket, generation: int) -> None:
        try:
            for name, position in list(self._positions.items()):
                self._take(name, position, position.reconnected(self._now_ms()))
            while True:
                self._sync_again = False
                await self._sync_pages(socket, generation)
                if not self._sync_again:
                    break
        except RequestFailed as exc:
            logger.info("sync failed, trying again: %s", exc)
            self._loop.call_later(_SYNC_RETRY_S + exc.retry_ms / 1000.0, self._sync_if_connected, generation)
            return
        except sqlite3.Error as exc:
            self._broken(str(exc))
            return
        finally:
            if self._generation == generation:
                self._sync_task = None
        self._caught_up = True
        self._report_if_synced()

    def _sync_if_connected(self, generation: int) -> None:
        if self._generation == generation:
            self.sync()

    async def _sync_pages(self, socket: LinkSocket, generation: int) -> None:
        anew = self._store.pts == 0
        known = {row.conversation for row in self._store.conversations.all() if not row.removed} if anew else set()
        seen: set[str] = set()
        while True:
            request = Sync(self._store.epoch, self._store.pts, self._options.sync_page)
            result = await socket.call("sync", request, SyncResult, timeout_s=self._options.request_timeout_s)
            if generation != self._generation:
                return
            if self._store.epoch and result.epoch != self._store.epoch:
                self._start_over("the server's logs began a new epoch", result.epoch)
                anew, known, seen = True, set(), set()
                continue
            if result.resync:
                if request.pts == 0:
                    raise sqlite3.IntegrityError("the server refuses a sync from the start")
                self._applier.list_anew()
                anew, seen = True, set()
                known = {row.conversation for row in self._store.conversations.all() if not row.removed}
                continue
            if result.threads_changed:
                # First: the page's position says that this was heard.
                await self._sync_threads(socket, generation)
                if generation != self._generation:
                    return
            self._take_page(result)
            seen.update(view.conversation for view in result.conversations)
            if not result.more:
                break
        if anew:
            # Conversations that only became known while the sync ran are not gone.
            gone = known - seen
            self._applier.remove(gone)
            self._forget(gone)
        self.tell_resync()

    async def _sync_threads(self, socket: LinkSocket, generation: int) -> None:
        more = True
        while more and generation == self._generation:
            request = ThreadChanges(self._store.database.number("threads_pts"))
            marks = await socket.call("thread.changes", request, ThreadMarks, timeout_s=self._options.request_timeout_s)
            if generation == self._generation:
                self._applier.marks(marks)
            more = marks.more

    def _take_page(self, result: SyncResult) -> None:
        self._applier.page(result)
        self._forget(result.removed)
        for view in result.conversations:
            self._follow(view)
        self._listed([view.conversation for view in result.conversations])

    def _follow(self, view: ConversationView) -> None:
        """Let the position know where the conversation begins and how far it reaches."""
        name = view.conversation
        position = self._positions.get(name)
        row = self._store.conversations.get(name)
        if row is None:
            return
        if position is None:
            position = self._positions[name] = Position(self._store.epoch or view.epoch, row.last)
        first = (row.last or 0) + 1 if position.last is None else view.first_visible_seq
        self._take(name, position, position.locate(first, self._now_ms()))
        self._take(name, position, position.head(reachable_head(view), self._now_ms()))

    def _forget(self, conversations: Iterable[str]) -> None:
        for name in conversations:
            self._positions.pop(name, None)
            self._wanted.pop(name, None)
            self._due.pop(name, None)

    def _start_over(self, reason: str, epoch: int) -> None:
        """Another epoch: nothing local counts any more, except what waits in the outbox."""
        logger.warning("%s: starting over", reason)
        self._ready.clear()
        self._applier.start_over(epoch)
        self._positions.clear()
        self._wanted.clear()
        self._due.clear()
        for task in self._pulls:
            task.cancel()
        self.tell_resync()

    def tell_resync(self) -> None:
        """Tell the application of a resync it has not heard of, perhaps from before a crash."""
        untold = self._applier.untold_resync
        if untold and untold != self._telling:
            self._telling = untold
            dropped = untold == "history"
            reason = "the server's logs began a new epoch" if dropped else "this device's position was too old"
            self._resynced(Resync(reason, history_dropped=dropped), self._resync_told)

    def _resync_told(self) -> None:
        self._telling = ""
        self._applier.resync_told()

    # ------------------------------------------------------------------ the gap rule's wishes

    def _take(self, name: str, position: Position[EntryView], actions: list[Action[EntryView]]) -> None:
        for action in actions:
            match action:
                case Apply(entries):
                    self._ready.extend(entries)
                    self._plan_flush()
                case Pull(from_seq):
                    self._wanted[name] = from_seq
                    self._start_pulls()
                case Locate():
                    self._start_task(self._locate(name))
                case EpochEnded(epoch):
                    self._start_over("an entry of a new epoch arrived", epoch)
                    self.sync()
                    return
        self._arm(name, position)
        self._report_if_synced()

    def _start_pulls(self) -> None:
        while self._wanted and self._socket is not None and len(self._pulls) < self._options.parallel_pulls:
            name = next(iter(self._wanted))
            self._start_task(self._pull(self._socket, name, self._wanted.pop(name)))

    def _start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._pulls.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._pulls.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a pull failed unexpectedly", exc_info=task.exception())
        self._start_pulls()
        self._report_if_synced()

    async def _pull(self, socket: LinkSocket, name: str, from_seq: int) -> None:
        position = self._positions.get(name)
        if position is None:
            return
        request = HistoryGet(conversation=name, from_seq=from_seq, limit=self._options.history_page)
        try:
            result = await socket.call("history.get", request, History, timeout_s=self._options.request_timeout_s)
        except RequestFailed as exc:
            if self._positions.get(name) is not position:
                return
            if exc.family == _REFUSED:
                logger.info("%s can no longer be read: %s", name, exc)
                self._forget([name])
                return
            position.pull_failed(self._now_ms())
            self._arm(name, position)
            return
        if self._positions.get(name) is position:
            actions = position.history(result.epoch, result.entries, self._now_ms(), head=result.head, more=result.more)
            self._take(name, position, actions)

    async def _locate(self, name: str) -> None:
        socket = self._socket
        if socket is None:
            return
        try:
            view = await socket.call(
                "conversation.get", ConversationRef(name), ConversationView, timeout_s=self._options.request_timeout_s
            )
        except RequestFailed as exc:
            logger.info("cannot learn about %s: %s", name, exc)
            self._forget([name])
            if exc.family != _REFUSED:
                self.sync()
            return
        self.know(view)

    # ------------------------------------------------------------------ applying

    def _plan_flush(self) -> None:
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self.settle)

    def settle(self) -> None:
        """Write what became ready in this turn, in one transaction: what comes next may count it already."""
        self._flush_planned = False
        ready, self._ready = self._ready, []
        if not ready:
            return
        hit(FaultPoint.SDK_BEFORE_APPLY)
        try:
            rows = self._applier.apply(ready)
        except sqlite3.Error as exc:
            # Positions in memory are ahead of the disk now: take them from the disk again.
            logger.error("entries could not be stored: %s", exc)
            self._load_positions()
            self._broken(str(exc))
            return
        hit(FaultPoint.SDK_AFTER_APPLY)
        for name, row in rows.items():
            if row.view is None and self._socket is not None:
                self._start_task(self._locate(name))
        self._applied(ready)
        self._listed(rows)

    def _load_positions(self) -> None:
        """Positions as the disk has them."""
        self._positions.clear()
        for row in self._store.conversations.all():
            if not row.removed and row.last is not None:
                position: Position[EntryView] = Position(self._store.epoch, row.last)
                # Offline this only records the head; the next connection starts the pull it asks for.
                position.head(row.head, 0, pushed=True)
                self._positions[row.conversation] = position

    # ------------------------------------------------------------------ time

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)

    def _arm(self, name: str, position: Position[EntryView]) -> None:
        due_ms = position.next_timeout_ms()
        if due_ms is None:
            self._due.pop(name, None)
            return
        self._due[name] = due_ms
        if self._timer is None or due_ms < self._timer_due_ms:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_due_ms = due_ms
            # One millisecond late rather than early: the position compares whole milliseconds.
            self._timer = self._loop.call_at((due_ms + 1) / 1000.0, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now_ms = self._now_ms()
        for name, due_ms in list(self._due.items()):
            position = self._positions.get(name)
            if position is None or self._socket is None:
                self._due.pop(name, None)
            elif due_ms <= now_ms:
                self._take(name, position, position.tick(now_ms))
            else:
                self._arm(name, position)

    def _report_if_synced(self) -> None:
        if self._caught_up and not self._wanted and not self._pulls and self._socket is not None:
            self._caught_up = False
            self.settle()
            self._synced()
