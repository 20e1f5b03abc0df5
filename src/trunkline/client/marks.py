"""Telling the server how far this party has received and read: coalesced, repeated after reconnections.

What is not here: what others have read (views and cursor pushes).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from trunkline.client.link_socket import LinkSocket
from trunkline.client.options import Options
from trunkline.client.store import LocalStore
from trunkline.protocol.link.backoff import retry_delay_s
from trunkline.wire.calls.messages import Cursor, CursorMove
from trunkline.wire.entries import EntryView
from trunkline.wire.frames import ErrorBody

logger = logging.getLogger("trunkline.client")
_AT_ONCE = 8


class Marks:
    """Positions to report, one request per conversation however many entries arrived."""

    def __init__(self, store: LocalStore, options: Options, moved: Callable[[Cursor], None]) -> None:
        self._store = store
        self._options = options
        self._moved = moved
        self._loop = asyncio.get_running_loop()
        self._socket: LinkSocket | None = None
        self._delivered: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._flying: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._failures = 0

    def start(self, socket: LinkSocket) -> None:
        """A connection is up: report what the server does not know yet."""
        self._socket = socket
        for row in self._store.conversations.all():
            view = row.view
            if row.removed or view is None or view.left_seq:
                continue
            if row.read_wanted > view.read:
                self._read[row.conversation] = row.read_wanted
            if self._options.auto_delivered and row.last is not None and view.delivered < row.last >= view.read:
                self._delivered.setdefault(row.conversation, row.last)
        self._plan(0.0)

    def lost(self) -> None:
        """No connection: keep what there is to report."""
        self._socket = None
        self._flying.clear()

    def stop(self) -> None:
        """Report nothing more."""
        self.lost()
        if self._timer is not None:
            self._timer.cancel()

    def applied(self, entries: list[EntryView]) -> None:
        """Entries were stored: they count as delivered, unless they are our own."""
        if not self._options.auto_delivered:
            return
        me = self._store.party
        for entry in entries:
            if entry.sender != me:
                self._delivered[entry.conversation] = entry.seq
        self._plan(self._options.deliver_every_s)

    def read(self, conversation: str, seq: int) -> None:
        """Everything up to ``seq`` was read."""
        self._read[conversation] = max(seq, self._read.get(conversation, 0))
        self._plan(0.0)

    def _plan(self, delay_s: float) -> None:
        if self._socket is None or not (self._delivered or self._read):
            return
        due_s = self._loop.time() + delay_s
        if self._timer is not None:
            if self._due_s <= due_s:
                return
            self._timer.cancel()
        self._due_s = due_s  # not asked of the timer: not every event loop's knows
        self._timer = self._loop.call_at(due_s, self._report)

    def _report(self) -> None:
        self._timer = None
        for name in [*self._read, *(name for name in self._delivered if name not in self._read)]:
            socket = self._socket
            if socket is None or len(self._flying) >= _AT_ONCE:
                return
            if name not in self._flying:
                self._ask(socket, name)

    def _ask(self, socket: LinkSocket, name: str) -> None:
        request = CursorMove(name, self._delivered.pop(name, 0), self._read.pop(name, 0))
        self._flying.add(name)

        def answered(body: msgspec.Raw | None, error: ErrorBody | None) -> None:
            if self._socket is not socket:
                return  # the next connection reports from the store
            self._flying.discard(name)
            if error is None and body is not None:
                self._failures = 0
                self._moved(socket.read(body, Cursor))
                self._plan(0.0 if self._read else self._options.deliver_every_s)
            elif error is not None and error.code >= 4000:
                self._failures += 1
                self._delivered.setdefault(name, request.delivered)
                if request.read:
                    self._read.setdefault(name, request.read)
                self._plan(retry_delay_s(error.retry_ms, self._failures, 0.5))
            else:
                logger.info("the cursor of %s cannot be moved: %s", name, error)
                self._plan(self._options.deliver_every_s)

        socket.ask("cursor.move", request, answered, timeout_s=self._options.request_timeout_s)
