"""Sending: from the durable outbox to the server, in order within each conversation, until the outcome is known.

Every message is on disk before it is sent, and is sent under the same ``(outbox, n)`` until the server's answer is
definite. The messages of one conversation form a *lane*: several may be on their way, each naming the one before it
(``after``), so that none overtakes one that was refused. After any setback a lane first learns the fate of everything
on its way, then starts again from its oldest message. What is not here: the connection, and entries coming back.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.base.errors import Code, Retry
from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.client.addresses import direct_conversation_id
from trunkline.client.errors import ClientStopped, OutboxFull, RequestFailed, StoreUnusable
from trunkline.client.lane import Lane, request_of
from trunkline.client.link_socket import LinkSocket
from trunkline.client.notices import SendOutcome
from trunkline.client.options import Options
from trunkline.client.send_handle import SendHandle
from trunkline.client.store import LocalStore, OutboxRow, SendStatus
from trunkline.protocol.link.backoff import retry_delay_s
from trunkline.wire import entries as types
from trunkline.wire.calls.cards import CardActed
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.entries import EntryView
from trunkline.wire.frames import ErrorBody

logger = logging.getLogger("trunkline.client")
_STARVED_S = 0.05
Accepted = MessageSent | CardActed


class Sender:
    """The outbox at work.

    Args:
        store: where messages are kept.
        options: bounds and times.
        reconnect: asks for a new connection, under the outbox id that ``hello_outbox`` then names.
        renew_token: asks for a new connection with a new token.
        notify: told of every outcome.
        spread: gives random numbers in [0, 1) for back-off.
    """

    def __init__(
        self,
        store: LocalStore,
        options: Options,
        *,
        reconnect: Callable[[], None],
        renew_token: Callable[[], None],
        notify: Callable[[SendOutcome], None],
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._reconnect = reconnect
        self._renew_token = renew_token
        self._notify = notify
        self._spread = spread
        self._socket: LinkSocket | None = None
        self._session_outbox = ""
        self._stopped: str | None = None
        self._lanes: dict[str, Lane] = {}
        self._where: dict[tuple[str, int], tuple[Lane, OutboxRow]] = {}
        self._handles: dict[int, SendHandle] = {}
        self._fresh: list[tuple[OutboxRow, SendHandle]] = []
        self._outcomes: list[tuple[OutboxRow, Accepted | ErrorBody]] = []
        self._flush_planned = False
        self._starved = False
        for row in store.outbox.with_status(SendStatus.PENDING):
            self._place(row)

    # ------------------------------------------------------------------ for the application

    @property
    def pending(self) -> int:
        """Messages not known to be accepted."""
        return len(self._where) + len(self._fresh)

    def send(
        self,
        *,
        conversation: str,
        recipient: str,
        type: str,
        content: Any,
        reply_to: int,
        mentions: list[str],
        expires_in_ms: int,
        thread: int = 0,
        upload: int = 0,
    ) -> SendHandle:
        """Take a message into the outbox; it is on disk at the end of this turn of the event loop."""
        if self._stopped is not None:
            raise ClientStopped(self._stopped)
        if self.pending >= self._options.max_outbox:
            raise OutboxFull(f"{self.pending} messages wait already")
        if recipient and self._store.party:
            conversation = direct_conversation_id(self._store.party, recipient)
        try:
            n = self._store.take_n()
        except sqlite3.Error as exc:
            raise StoreUnusable(f"the message could not be stored: {exc}") from exc
        row = OutboxRow(
            outbox=self._store.outbox_id,
            n=n,
            conversation=conversation,
            recipient=recipient,
            type=type,
            content=msgspec.msgpack.encode(content),
            reply_to=reply_to,
            mentions=mentions,
            expires_in_ms=expires_in_ms,
            thread=thread,
            created_at_ms=int(time.time() * 1000),
            upload=upload,
        )
        handle = SendHandle(row, self._loop)
        self._fresh.append((row, handle))
        self._plan_flush()
        return handle

    # ------------------------------------------------------------------ connection

    def hello_outbox(self) -> str:
        """The outbox to name at hello: an older one as long as messages under its id may have been accepted."""
        current = self._store.outbox_id
        older = [row for _, row in self._where.values() if row.outbox != current]
        return min(older, key=lambda row: row.id).outbox if older else current

    def start(self, socket: LinkSocket, session_outbox: str, outbox_n: int) -> bool:
        """A connection was welcomed; returns False if another one, with another outbox, must follow at once.

        ``outbox_n`` is the highest number the server accepted from ``session_outbox``. If this store never used that
        many, it is an old copy of itself: numbers from now on would meet other messages. It mints a new
        outbox id; messages the server cannot have seen move there, the others ask under their old id first.
        """
        self._flush()
        self._socket = socket
        self._session_outbox = session_outbox
        self._resolve_recipients()
        if session_outbox == self._store.outbox_id and outbox_n >= self._store.next_n:
            self._move_to_new_outbox(outbox_n)
        if self._old_outbox_done():
            return False
        for lane in list(self._lanes.values()):
            self._wake(lane)
        return True

    def lost(self) -> None:
        """The connection ended; every request under way has been answered as lost."""
        self._socket = None

    def stop(self, reason: str) -> None:
        """No connection will follow: whoever waits for an outcome is told that there will be none now."""
        self._stopped = reason
        self._flush()
        for lane in self._lanes.values():
            if lane.resting is not None:
                lane.resting.cancel()
        for handle in self._handles.values():
            if not handle.result.done():
                handle.result.set_exception(ClientStopped(reason))
        self._handles.clear()

    def flush(self) -> None:
        """Write what waits for the end of the turn now."""
        self._flush()

    def applied(self, entries: list[EntryView]) -> None:
        """Entries were applied; those made by this outbox are thereby accepted, whatever became of the answer."""
        for entry in entries:
            found = self._where.get((entry.outbox, entry.n)) if entry.outbox else None
            if found is not None:
                sent = _outcome_of(entry)
                self._finish(found[1], sent)
                self._pump(found[0])

    # ------------------------------------------------------------------ lanes

    def _place(self, row: OutboxRow) -> None:
        key = row.conversation or f"to:{row.recipient}"
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key, self._options.lane_window)
        lane.queue.append(row)
        self._where[row.outbox, row.n] = (lane, row)

    def _resolve_recipients(self) -> None:
        """Now that the party is known, direct messages join the lane of their conversation."""
        if not any(key.startswith("to:") for key in self._lanes):
            return
        rows = sorted((row for _, row in self._where.values()), key=lambda row: row.id)
        with self._store.database.transaction(durable=False):
            for row in rows:
                if not row.conversation:
                    row.conversation = direct_conversation_id(self._store.party, row.recipient)
                    self._store.outbox.locate(row.recipient, row.conversation)
        self._lanes.clear()
        self._where.clear()
        for row in rows:
            self._place(row)

    def _move_to_new_outbox(self, seen_n: int) -> None:
        old = self._store.outbox_id
        logger.warning("this store is older than what the server knows of its outbox; it gets a new outbox id")
        self._store.renew_outbox()
        movable = [row for _, row in self._where.values() if row.outbox == old and row.n > seen_n]
        for row in sorted(movable, key=lambda row: row.id):
            self._rename(row)

    def _rename(self, row: OutboxRow) -> None:
        """Give a row that was certainly not accepted an id in the current outbox."""
        n = self._store.take_n()
        lane, _ = self._where.pop((row.outbox, row.n))
        with self._store.database.transaction(durable=True):
            self._store.outbox.rename(row.id, self._store.outbox_id, n)
        row.outbox, row.n = self._store.outbox_id, n
        self._where[row.outbox, row.n] = (lane, row)

    def _old_outbox_done(self) -> bool:
        """Whether this connection served an older outbox and nothing of it is left."""
        if self._session_outbox == self._store.outbox_id:
            return False
        return not any(outbox == self._session_outbox for outbox, _ in self._where)

    def _wake(self, lane: Lane) -> None:
        if lane.resting is not None:
            lane.resting.cancel()
            lane.resting = None
        lane.wait_s = 0.0
        self._pump(lane)

    def _pump(self, lane: Lane) -> None:
        """Send as much of a lane as may be on its way."""
        if lane.again:
            if lane.flying or lane.resting is not None:
                return
            if lane.wait_s > 0.0:
                lane.resting = self._loop.call_later(lane.wait_s, self._wake, lane)
                return
            lane.merge()
        socket = self._socket
        while lane.queue and lane.resting is None and len(lane.flying) < int(lane.window):
            row = lane.queue[0]
            if socket is None or row.outbox != self._session_outbox:
                break
            if not socket.ready:
                self._starve()
                break
            after = lane.last_sent
            lane.flying[row.id] = lane.queue.popleft()
            self._transmit(socket, lane, row, after)
            if lane.again:
                break
        if lane.empty:
            self._lanes.pop(lane.key, None)

    def _starve(self) -> None:
        """The connection takes no more requests now; look again soon."""
        if not self._starved:
            self._starved = True
            self._loop.call_later(_STARVED_S, self._feed)

    def _feed(self) -> None:
        self._starved = False
        if self._socket is not None:
            for lane in list(self._lanes.values()):
                self._pump(lane)

    def _transmit(self, socket: LinkSocket, lane: Lane, row: OutboxRow, after: int) -> None:
        def answered(body: msgspec.Raw | None, error: ErrorBody | None) -> None:
            hit(FaultPoint.SDK_AFTER_ACK)
            if row.id not in lane.flying:
                return  # its entry arrived first
            self._answered(socket, lane, row, after, body, error)

        hit(FaultPoint.SDK_BEFORE_SEND)
        method, params = request_of(row, after)
        socket.ask(method, params, answered, timeout_s=self._options.request_timeout_s)
        hit(FaultPoint.SDK_AFTER_SEND)

    def _answered(
        self,
        socket: LinkSocket,
        lane: Lane,
        row: OutboxRow,
        after: int,
        body: msgspec.Raw | None,
        error: ErrorBody | None,
    ) -> None:
        if error is None and body is not None:
            try:
                shape: type[Accepted] = CardActed if row.type == types.CARD_CHANGED else MessageSent
                sent: Accepted = socket.read(body, shape)
            except RequestFailed as exc:
                error = ErrorBody(exc.code, exc.name, exc.detail, Retry.SAME_ID.value, applied=None)
            else:
                lane.accepted(self._options.lane_window)
                self._outcomes.append((row, sent))
                self._plan_flush()
                return
        assert error is not None
        reason = RequestFailed(error)
        if error.code == Code.OUT_OF_ORDER.number and after:
            self._repeat(lane, row, 0.0)  # the one before it was refused; it may still go by itself
        elif error.code == Code.ID_CONFLICT.number and row.outbox != self._store.outbox_id:
            # An old copy of the store used this number for another message: this one was never accepted.
            del lane.flying[row.id]
            self._rename(row)
            # Behind what still has to ask under the old id, for this connection serves only that.
            lane.queue = deque(sorted([*lane.queue, row], key=lambda one: (one.outbox == row.outbox, one.id)))
            self._pump(lane)
        elif reason.retry is Retry.NEVER:
            self._outcomes.append((row, error))
            self._plan_flush()
        else:
            lane.set_back()
            self._repeat(lane, row, retry_delay_s(error.retry_ms, lane.attempt, self._spread()))
            if reason.retry is Retry.NEW_TOKEN:
                self._renew_token()
        self._after_settling()

    def _repeat(self, lane: Lane, row: OutboxRow, wait_s: float) -> None:
        """Not accepted as far as we know: once nothing of the lane is on its way, start again from the oldest."""
        del lane.flying[row.id]
        lane.again.append(row)
        lane.wait_s = max(lane.wait_s, wait_s)
        self._pump(lane)

    # ------------------------------------------------------------------ the end of a turn

    def _plan_flush(self) -> None:
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write everything this turn brought in one transaction, then tell about it and go on."""
        self._flush_planned = False
        fresh, self._fresh = self._fresh, []
        outcomes, self._outcomes = self._outcomes, []
        if not fresh and not outcomes:
            return
        try:
            with self._store.database.transaction(durable=bool(fresh)):
                self._store.outbox.add(row for row, _ in fresh)
                for row, outcome in outcomes:
                    if not isinstance(outcome, ErrorBody):
                        self._store.outbox.mark_sent(row.id, outcome.conversation, outcome.seq)
                    else:
                        self._store.outbox.mark_refused(row.id, outcome.code, outcome.message)
        except sqlite3.Error as exc:
            self._store_failed(exc, fresh)
            fresh = []
            # The outcomes are true all the same; after a restart the server repeats its answers.
        if fresh:
            hit(FaultPoint.SDK_AFTER_PERSIST)
        if outcomes:
            hit(FaultPoint.SDK_AFTER_ACK_STORED)
        touched: dict[str, Lane] = {}
        for row, handle in fresh:
            self._handles[row.id] = handle
            if not handle.stored.done():
                handle.stored.set_result(None)
            self._place(row)
            lane, _ = self._where[row.outbox, row.n]
            touched[lane.key] = lane
        for row, outcome in outcomes:
            found = self._where.get((row.outbox, row.n))
            if found is not None:
                touched[found[0].key] = found[0]
                self._finish(row, outcome)
        for lane in touched.values():
            self._pump(lane)
        self._after_settling()

    def _store_failed(self, exc: sqlite3.Error, fresh: list[tuple[OutboxRow, SendHandle]]) -> None:
        logger.error("the local store cannot be written: %s", exc)
        for _, handle in fresh:
            reason = StoreUnusable(f"the message could not be stored and was not sent: {exc}")
            handle.stored.set_exception(reason)
            handle.result.set_exception(reason)

    def _finish(self, row: OutboxRow, outcome: Accepted | ErrorBody) -> None:
        lane, _ = self._where.pop((row.outbox, row.n))
        lane.remove(row)
        handle = self._handles.pop(row.id, None)
        if not isinstance(outcome, ErrorBody):
            notice = SendOutcome(row.outbox, row.n, outcome.conversation, seq=outcome.seq)
            if handle is not None and not handle.result.done():
                handle.result.set_result(outcome)
        else:
            notice = SendOutcome(row.outbox, row.n, row.conversation, error_code=outcome.code, error=outcome.message)
            if handle is not None and not handle.result.done():
                handle.result.set_exception(RequestFailed(outcome))
        self._notify(notice)

    def _after_settling(self) -> None:
        if self._socket is not None and self._old_outbox_done():
            self._socket = None
            self._reconnect()


def _outcome_of(entry: EntryView) -> Accepted:
    """The answer to the send that made an entry."""
    if entry.type != types.CARD_CHANGED:
        return MessageSent(entry.conversation, entry.epoch, entry.seq, entry.at_ms)
    event = entry.content.get("event") if isinstance(entry.content, dict) else None
    return CardActed(conversation=entry.conversation, epoch=entry.epoch, seq=entry.seq, at_ms=entry.at_ms, event=event)
