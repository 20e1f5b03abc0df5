"""Messages in a room: reliable ones are appended to its log, the others wait for the next batch.

``send_now`` decides without awaiting when the room is in memory; the link calls it from the socket's callback.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from msgspec import Raw

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.limits import Rate
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.rooms import counters, rules
from trunkline.domain.rooms.policy import Delivery, RoomMessageType
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.messages.before_send import Approval
from trunkline.services.messages.send import Sender
from trunkline.services.rooms.directory import RoomDirectory, unknown_type
from trunkline.services.rooms.live import LiveRoom
from trunkline.wire.calls.messages import MessageSend, MessageSent
from trunkline.wire.calls.rooms import RoomSend, RoomSent
from trunkline.wire.content import canonical, encode_content

MAX_ORDER_ID = 120
NO_CONTENT = encode_content({})


class RoomLog(Sender):
    """Appends reliable messages of rooms: deduplicated like any send, permitted by the room."""

    def __init__(self, engine: Engine, room: Callable[[str, str], LiveRoom | None]) -> None:
        super().__init__(engine)
        self._room = room

    def _append(
        self,
        caller: Caller,
        request: MessageSend,
        outbox: Outbox | None,
        resident: ResidentConversation,
        state: Conversation,
        made_here: bool,
        approval: Approval | None,
    ) -> MessageSent | None:
        engine = self._engine
        live = self._room(caller.app, resident.id)
        if live is None:
            return None
        rate = live.settings.reliable_per_s
        engine.check_room()
        if not caller.server:
            verdict = live.reliable.take(Rate(rate, rate), engine.clock.monotonic_s())
            if not verdict.allowed:
                raise TrunklineError(
                    Code.ROOM_OVERLOADED,
                    f"the room takes {rate} reliable messages a second",
                    retry_ms=int(verdict.retry_after_s * 1000) + 1,
                )
        content = bytes(request.content)
        n = request.n if outbox is not None else 0
        entry = engine.append_entry(
            resident, state, request.type, caller.party, content, counts=True, outbox=outbox, n=n
        )
        live.under_way.add(entry.seq)
        return MessageSent(resident.id, state.epoch, entry.seq, entry.at_ms)


class RoomSender:
    """Takes messages.

    Args:
        directory: the rooms.
        draw: a uniform number in [0, 1), for fair samples.
    """

    def __init__(self, directory: RoomDirectory, draw: Callable[[], float]) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._draw = draw
        self._log = RoomLog(directory.engine, directory.now)
        self._accepted: list[Callable[[LiveRoom, str, RoomMessageType, Any, int], None]] = []

    def on_accepted(self, callback: Callable[[LiveRoom, str, RoomMessageType, Any, int], None]) -> None:
        """Call ``callback(room, sender, type, decoded content, seq)`` for every message newly accepted (not a repeat).

        It runs before a reliable message is durable: what it publishes becomes visible no earlier than that message.
        """
        self._accepted.append(callback)

    async def send(self, caller: Caller, request: RoomSend) -> RoomSent:
        """Take a message, loading what is needed.

        Raises:
            TrunklineError: it was refused; nothing changed.
        """
        live, _ = await self._directory.get(caller.app, request.conversation)
        found = self.send_now(caller, request)
        if found is not None:
            return found
        # Only a reliable message with an id gets here: what is remembered of its outbox was not in memory.
        type = live.type(request.type)
        if type is None:
            raise unknown_type(request.type)
        content = canonical(request.content)
        send = self._as_send(request, type, content, live)
        if send.outbox is None:
            raise TrunklineError(Code.BUSY, "the room is being reloaded", retry_ms=50)
        outbox = await self._engine.residents.load_outbox(caller.app, caller.party, send.outbox)
        found = self.send_now(caller, request)
        if found is not None:
            return found
        try:
            sent = await self._log.send(caller, send, outbox)
        except TrunklineError as error:
            live.counters.refused(type.name, error.code.slug)
            raise
        return self._appended(live, caller, type, type.decoded(content), sent)

    def send_now(self, caller: Caller, request: RoomSend) -> RoomSent | None:
        """Take a message if all it needs is in memory; None when something must be loaded first.

        Raises:
            TrunklineError: it was refused; nothing changed.
        """
        live = self._directory.now(caller.app, request.conversation)
        if live is None or live.state is None:
            return None
        type = live.type(request.type)
        if type is None:
            live.counters.refused(counters.OTHER, Code.UNKNOWN_MESSAGE_TYPE.slug)
            raise unknown_type(request.type)
        try:
            return self._send(live, live.state, caller, request, type)
        except TrunklineError as error:
            live.counters.refused(type.name, error.code.slug)
            raise

    def publish(
        self, live: LiveRoom, type: RoomMessageType, content: dict[str, Any], sender: str = SYSTEM_PARTY
    ) -> int:
        """A message that the server makes; its seq, or 0 for one that is not stored.

        Raises:
            TrunklineError: the content does not fit the type, or the log takes nothing now.
        """
        caller = Caller(live.app, sender, server=True)
        request = RoomSend(conversation=live.id, type=type.name, content=Raw(encode_content(content)))
        if live.state is None:
            raise TrunklineError(Code.BUSY, "the room is being reloaded", retry_ms=50)
        sent = self._send(live, live.state, caller, request, type)
        if sent is None:
            raise TrunklineError(Code.BUSY, "something must be loaded first", retry_ms=50)
        return sent.seq

    def notify(self, live: LiveRoom, type: RoomMessageType, party: str) -> None:
        """A notice about a party, where the room wants them and somebody is there to see it."""
        if not live.settings.notices or not live.members.connections:
            return
        live.counters.of(type.name).received += 1
        live.tick.offer(type, party, NO_CONTENT, {}, self._engine.clock.now_ms(), self._draw())
        self._directory.fanout.touch(live)

    # --- deciding ---------------------------------------------------------------------------

    def _send(
        self, live: LiveRoom, state: Conversation, caller: Caller, request: RoomSend, type: RoomMessageType
    ) -> RoomSent | None:
        now_ms = self._engine.clock.now_ms()
        stay = live.members.stays.get(caller.party)
        rules.check_may_send(live.settings, live.named(caller.party), stay, caller, type, now_ms)
        content = canonical(request.content)
        if type.delivery is Delivery.RELIABLE:
            decoded = type.decoded(content)
            sent = self._append(live, caller, request, type, content, decoded)
        else:
            if len(content) > live.limits.volatile_bytes:
                raise TrunklineError(
                    Code.OVERSIZE, f"{type.name} is limited to {live.limits.volatile_bytes} bytes", field="content"
                )
            decoded = type.decoded(content)
            live.counters.of(type.name).received += 1
            live.tick.offer(type, caller.party, content, decoded, now_ms, self._draw())
            self._directory.fanout.touch(live)
            sent = RoomSent(live.id, state.epoch, 0, now_ms, type.delivery.value)  # type: ignore[arg-type]
            self._tell(live, caller.party, type, decoded, 0)
        if sent is not None and stay is not None and type.speech:
            stay.spoke_at_ms = now_ms
        return sent

    def _append(
        self,
        live: LiveRoom,
        caller: Caller,
        request: RoomSend,
        type: RoomMessageType,
        content: bytes,
        decoded: Any,
    ) -> RoomSent | None:
        send = self._as_send(request, type, content, live)
        outbox = None
        if send.outbox is not None:
            outbox = self._engine.residents.outboxes.get((caller.app, caller.party, send.outbox))
            if outbox is None:
                return None
        sent = self._log.send_now(caller, send, outbox)
        return self._appended(live, caller, type, decoded, sent) if sent is not None else None

    def _appended(
        self, live: LiveRoom, caller: Caller, type: RoomMessageType, decoded: Any, sent: MessageSent
    ) -> RoomSent:
        """Count an append, or its repeat: one that is new is not durable yet."""
        live.counters.of(type.name).received += 1
        if sent.seq in live.under_way:
            self._engine.commits.release(self._settled, live, (type.name, sent.seq))
            self._tell(live, caller.party, type, decoded, sent.seq)
        else:
            live.counters.dropped(type.name, counters.REPEATED)
        return RoomSent(sent.conversation, sent.epoch, sent.seq, sent.at_ms)

    def _as_send(self, request: RoomSend, type: RoomMessageType, content: bytes, live: LiveRoom) -> MessageSend:
        """The append that a reliable message asks for. An order id inside the content is its send id."""
        outbox, n = request.outbox, request.n
        if n and outbox is None:
            raise TrunklineError(Code.INVALID_PARAMS, "n counts in an outbox: name it", field="outbox")
        if type.order_id is not None:
            order = type.order_id(type.decoded(content))
            if len(order) > MAX_ORDER_ID:
                raise TrunklineError(
                    Code.INVALID_CONTENT, f"an order id has at most {MAX_ORDER_ID} characters", field="content"
                )
            if order:
                digest = hashlib.sha256(f"{type.name}\n{order}".encode()).digest()
                outbox, n = "order." + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("="), 1
        return MessageSend(
            type=type.name,
            content=Raw(content),
            conversation=live.id,
            outbox=outbox if n else None,
            n=n,
        )

    def _settled(self, error: TrunklineError | None, live: LiveRoom, sent: tuple[str, int]) -> None:
        """A commit ended. One that failed took the message with it, and its sender is told."""
        type, seq = sent
        if error is not None and seq in live.under_way:
            live.under_way.discard(seq)
            live.counters.of(type).refused[error.code.slug] += 1

    def _tell(self, live: LiveRoom, sender: str, type: RoomMessageType, decoded: Any, seq: int) -> None:
        for callback in self._accepted:
            callback(live, sender, type, decoded, seq)
