"""One live room as an application holds it: an iterator of what is said, and what is known of the room.

Reliable entries arrive each once and in order, through lost connections too: what was missed is asked for. Everything
else is worth something only now: it is dropped while the application is slower than the room.

What is not here: the calls (``calls.rooms``), and when a connection comes and goes (``core``).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from trunkline.base.errors import Code
from trunkline.client.errors import ClientStopped, RequestFailed
from trunkline.client.requests import Requests
from trunkline.wire.calls.cards import CardAct, CardActed, CardCreate, CardGet, CardView
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.calls.quizzes import QuizAnswer, QuizAnswered, QuizChanged, QuizRevive
from trunkline.wire.calls.rooms import (
    RoomAttribute,
    RoomBatch,
    RoomEntriesGet,
    RoomJoin,
    RoomJoined,
    RoomRef,
    RoomSent,
    RoomStats,
    RoomView,
)
from trunkline.wire.entries import ROOM_ATTRIBUTES_CHANGED
from trunkline.wire.frames import EmptyResult
from trunkline.wire.room_items import Announcement, Danmaku, Gift

logger = logging.getLogger("trunkline.client")
Lane = Literal["scroll", "top", "bottom"]
Answer = TypeVar("Answer")
Numbered = TypeVar("Numbered", CardCreate, CardAct)
_PAGE = 500
_RETRY_S = 1.0
_BACK_S = 30.0
_REFUSED = 3
"""The family of errors that end a stay: banned, closed, not let in."""


@dataclass(slots=True, frozen=True)
class RoomMessage:
    """Something that was said or happened in a room.

    Attributes:
        type: of the message; ``room.asked`` (to those who run the room): ``sender`` waits to be admitted.
        sender: empty when it stands for messages of several.
        seq: in the room's log; 0 for what is not stored.
        count: how many messages it stands for.
        target: the seq that a change refers to.
    """

    type: str
    sender: str
    at_ms: int
    content: Any
    seq: int = 0
    count: int = 1
    target: int = 0


class Room:
    """A stay in a room, from ``client.rooms.join`` to ``leave`` (or the end of an ``async with``).

    Attributes:
        conversation: its id.
        view: how it was at the last join.
        role: this party's.
        recent: what was said before the join, where the server still had it.
        attributes: by key, kept up to date.
        stats: the counters, pushed to those who run the room.
        dropped: messages without a seq that the application was too slow for.
        ended: why the stay is over; empty while it is not.
    """

    def __init__(self, requests: Requests, conversation: str, max_waiting: int) -> None:
        self._requests = requests
        self._max_waiting = max_waiting
        self._waiting: deque[RoomMessage] = deque()
        self._more = asyncio.Event()
        self._early: list[RoomBatch] | None = []
        self._outbox = f"room.{secrets.token_urlsafe(12)}"
        self._n = 0
        self._last = 0
        self._highest = 0
        self._epoch = 0
        self._work: asyncio.Task[None] | None = None
        self._joins = 0
        self._in = asyncio.Event()
        """Set while the present connection is in the room, and once the stay has ended."""
        self._delivery: dict[str, str] = {}
        self.conversation = conversation
        self.view = RoomView(conversation=conversation, epoch=0, seq=0)
        self.role = "audience"
        self.recent: list[RoomMessage] = []
        self.attributes: dict[str, RoomAttribute] = {}
        self.stats: RoomStats | None = None
        self.dropped = 0
        self.ended = ""

    # ------------------------------------------------------------------ what applications use

    async def send(self, type: str, content: dict[str, Any], *, timeout_s: float | None = None) -> RoomSent:
        """Say something; a reliable message is on the server's disk when this returns, once, also through lost links.

        Raises:
            RequestFailed: muted, slow mode, overloaded, and so on.
        """
        self._n += 1
        # As a dict: the connection's own encoding is applied to the content as to the rest.
        params = {
            "conversation": self.conversation,
            "type": type,
            "content": content,
            "outbox": self._outbox,
            "n": self._n,
        }
        again = self._delivery.get(type, "reliable") == "reliable"
        sent = await self._ask("room.send", params, RoomSent, again, timeout_s)
        self._delivery[type] = sent.delivery
        return sent

    async def danmaku(self, text: str, *, colour: str = "", lane: Lane = "scroll") -> RoomSent:
        """A comment that flies over the picture; under load a fair sample of them arrives.

        Raises:
            RequestFailed: muted, slow mode, and so on.
        """
        return await self.send("danmaku", msgspec.to_builtins(Danmaku(text, colour, lane)))

    async def like(self, likes: int = 1) -> RoomSent:
        """Some likes; those of a tick arrive as one with their sum."""
        return await self.send("like", {"likes": likes})

    async def announce(self, text: str, *, link: str = "") -> RoomSent:
        """Tell everybody something, for those who run the room; it is on disk when this returns."""
        return await self.send("announcement", msgspec.to_builtins(Announcement(text, link)))

    async def give(self, order: str, gift: str, *, quantity: int = 1, amount: int = 0, to: str = "") -> RoomSent:
        """A gift, once per ``order``, however often it is sent; it is on disk when this returns.

        Raises:
            RequestFailed: ``id_conflict``: the order was another gift.
        """
        given = Gift(order=order, gift=gift, quantity=quantity, amount=amount, to=to)
        return await self.send("gift", msgspec.to_builtins(given))

    async def put_card(self, kind: str, data: dict[str, Any], *, closes_in_ms: int = 0) -> MessageSent:
        """Put up a card (spec/cards.md), for those who run the room; it comes to everybody as ``card.created``.

        Raises:
            RequestFailed: refused; nothing was put up.
        """
        request = CardCreate(conversation=self.conversation, kind=kind, data=data, closes_in_ms=closes_in_ms)
        return await self._ask("card.create", self._numbered(request), MessageSent, True, None)

    async def act(self, seq: int, action: str, value: dict[str, Any] | None = None) -> CardActed:
        """Act on the card at ``seq``; everybody is told by ``card.changed``, whose ``target`` is the card.

        Raises:
            RequestFailed: refused; the card is as it was.
        """
        request = CardAct(conversation=self.conversation, seq=seq, action=action, value=value or {})
        return await self._ask("card.act", self._numbered(request), CardActed, True, None)

    async def card(self, seq: int) -> CardView:
        """A card with its state, from the server."""
        return await self._ask("card.get", CardGet(self.conversation, seq), CardView, True, None)

    async def answer(self, quiz: str, question: int, choice: int) -> QuizAnswered:
        """Answer a question of the room's quiz: the place of an option, once. It counts when this returns.

        Raises:
            RequestFailed: ``too_late``, ``eliminated``, ``already_answered``...; it does not count.
        """
        request = QuizAnswer(conversation=self.conversation, quiz=quiz, question=question, choice=choice)
        return await self._ask("quiz.answer", request, QuizAnswered, True, None)

    async def revive(self, quiz: str) -> QuizChanged:
        """Come back into the room's quiz after its last question put this party out.

        Raises:
            RequestFailed: ``no_revival`` or ``too_late``.
        """
        request = QuizRevive(conversation=self.conversation, quiz=quiz)
        return await self._ask("quiz.revive", request, QuizChanged, True, None)

    def _numbered(self, request: Numbered) -> Numbered:
        self._n += 1
        request.outbox, request.n = self._outbox, self._n
        return request

    async def _ask(
        self,
        method: str,
        params: msgspec.Struct | dict[str, Any],
        result: type[Answer],
        again: bool,
        timeout_s: float | None,
    ) -> Answer:
        while True:
            joins = self._joins
            try:
                return await self._requests.call(method, params, result, again=again, timeout_s=timeout_s)
            except RequestFailed as exc:
                # After a restart of the server the request may be there before this client is in the room again.
                outside = not self._in.is_set() or self._joins != joins
                if exc.code != NOT_MEMBER or not outside or not await self._back(timeout_s):
                    raise

    async def _back(self, timeout_s: float | None) -> bool:
        """Wait until the room is joined again; False when that does not happen."""
        try:
            async with asyncio.timeout(timeout_s or _BACK_S):
                await self._in.wait()
        except TimeoutError:
            return False
        return not self.ended

    async def leave(self) -> None:
        """Leave; the iterator ends."""
        if self.ended:
            return
        self.end("left")
        await self._requests.call("room.leave", RoomRef(self.conversation), EmptyResult, timeout_s=5)

    async def __aenter__(self) -> Room:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.leave()
        except (RequestFailed, ClientStopped) as exc:
            logger.info("a room was not left politely: %s", exc)

    async def __aiter__(self) -> AsyncIterator[RoomMessage]:
        """What is said from now on; ends with the stay."""
        while True:
            while self._waiting:
                message = self._waiting.popleft()
                if self._last < self._highest and len(self._waiting) < self._max_waiting // 2:
                    self._catch_up()
                yield message
            if self.ended:
                return
            self._more.clear()
            await self._more.wait()

    # ------------------------------------------------------------------ what the client tells it

    async def join(self) -> None:
        """Ask to come in, or to come back in.

        Raises:
            RequestFailed: the room does not let this party in.
        """
        joined = await self._requests.call(
            "room.join", RoomJoin(conversation=self.conversation), RoomJoined, again=True
        )
        self.view, self.role = joined.room, joined.role
        self.attributes = {attribute.key: attribute for attribute in joined.attributes}
        if not self._epoch or joined.room.epoch != self._epoch:
            # The first join, or a log that began anew: its positions mean nothing here.
            self._epoch = joined.room.epoch
            self._last = joined.room.seq
            self.recent = _messages(joined.recent) if joined.recent is not None else []
        self._highest = max(self._last, joined.room.seq)
        early, self._early = self._early or [], None
        self._joins += 1
        self._in.set()
        for batch in early:
            self._take(batch)
        if self._last < self._highest and self._work is not asyncio.current_task():
            self._catch_up()

    def lost(self) -> None:
        """The connection is gone: batches count again when the room was joined anew."""
        self._early = []
        if not self.ended:
            self._in.clear()
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def rejoin(self) -> None:
        """There is a connection again; a first join that is still under way goes on by itself."""
        if self._joins and not self.ended:
            self._start(self._rejoin())

    def behind(self) -> None:
        """Pushes may have been dropped."""
        if self._early is None:
            self._catch_up(always=True)

    def batch(self, batch: RoomBatch) -> None:
        """A batch was pushed."""
        if self._early is not None:
            self._early.append(batch)
        else:
            self._take(batch)

    def tell(self, message: RoomMessage) -> None:
        """Something besides batches was pushed."""
        self._put(message)

    def end(self, reason: str) -> None:
        """The stay is over."""
        if not self.ended:
            self.ended = reason
            self._more.set()
            self._in.set()
            if self._work is not None and self._work is not asyncio.current_task():
                self._work.cancel()

    # ------------------------------------------------------------------ inside

    def _take(self, batch: RoomBatch) -> None:
        whole = batch.prev <= self._last
        self._highest = max(self._highest, batch.seq)
        for message in _messages(batch):
            if not message.seq:
                if len(self._waiting) >= self._max_waiting:
                    self.dropped += 1
                    continue
                self._note(message)
                self._put(message)
            elif whole and message.seq > self._last:
                if len(self._waiting) >= 2 * self._max_waiting:
                    return  # the application is slow: the rest is asked for when it has caught up
                self._note(message)
                self._put(message)
                self._last = message.seq
        if whole:
            self._last = max(self._last, batch.seq)
        else:
            self._catch_up()

    def _note(self, message: RoomMessage) -> None:
        if message.type != ROOM_ATTRIBUTES_CHANGED:
            return
        for key, value, version, owner in message.content.get("set", ()):
            self.attributes[key] = RoomAttribute(key, value, version, owner, auto_delete=not message.seq)
        for key in message.content.get("removed", ()):
            self.attributes.pop(key, None)

    def _put(self, message: RoomMessage) -> None:
        self._waiting.append(message)
        self._more.set()

    def _catch_up(self, *, always: bool = False) -> None:
        if self._work is None or self._work.done():
            self._start(self._pull(always))

    def _start(self, work: Any) -> None:
        if self._work is not None:
            self._work.cancel()
        self._work = asyncio.create_task(self._guarded(work), name="room")

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except RequestFailed as exc:
            if exc.family == _REFUSED:
                self.end(exc.name)
            else:
                logger.info("a room could not be caught up with: %s", exc)
        except ClientStopped:
            self.end("stopped")

    async def _rejoin(self) -> None:
        while True:
            try:
                await self.join()
                break
            except RequestFailed as exc:
                if exc.family == _REFUSED:
                    raise
                logger.info("a room could not be joined again, trying on: %s", exc)
                await asyncio.sleep(_RETRY_S)
        await self._pull(always=False)

    async def _pull(self, always: bool) -> None:
        """Ask for the entries after the last one until there are no more."""
        while always or self._last < self._highest:
            always = False
            if len(self._waiting) >= self._max_waiting:
                return  # goes on when the application has read some
            request = RoomEntriesGet(conversation=self.conversation, after=self._last, limit=_PAGE)
            page = await self._requests.call("room.entries", request, RoomBatch, again=True)
            for message in _messages(page):
                if message.seq > self._last:
                    self._note(message)
                    self._put(message)
                    self._last = message.seq
            always = page.more
            if not page.items and self._last < self._highest:
                return  # the server itself has not got that far: the next batch brings it


def _messages(batch: RoomBatch) -> list[RoomMessage]:
    return [
        RoomMessage(i.type, i.sender, batch.at_ms + i.after_ms, i.content or {}, i.seq, i.count, i.target)
        for i in batch.items
    ]


NOT_MEMBER = Code.NOT_MEMBER.number
APPROVAL_NEEDED = Code.APPROVAL_NEEDED.number
