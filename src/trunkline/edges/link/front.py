"""Connecting the native link path: who it reads for, what it works on, and what it hands back.

The native part decides plain text sends and writes; every other byte comes back here and goes to the WebSocket
protocol that would have had it. Not here: what it does (``native``, C), the sessions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from trunkline.base.errors import Code
from trunkline.domain.conversation.state import Conversation, Member
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.log.records import Entry, EntryAppended, Record, encode_record
from trunkline.domain.parties.state import Party
from trunkline.edges.link import native
from trunkline.edges.link.codec import MSGPACK
from trunkline.edges.link.deps import LinkDeps
from trunkline.edges.link.session import LinkSession
from trunkline.services.log.commit import Group, Owner
from trunkline.services.log.residents import ResidentConversation, ResidentParty
from trunkline.services.messages.send import direct_id
from trunkline.services.sessions.delivery import Delivery
from trunkline.services.sessions.hub import Session
from trunkline.services.sessions.outgoing import EntryOutgoing
from trunkline.wire import entries as types

log = logging.getLogger("trunkline.link")
TYPES = {
    kind.__name__: kind
    for kind in (
        LinkSession,
        Conversation,
        Member,
        Outbox,
        Party,
        ResidentConversation,
        ResidentParty,
        Entry,
        EntryAppended,
        Group,
    )
}


def feed(protocol: Any, data: bytes) -> bool:
    """Give received bytes to a buffered protocol, as its transport would; False when the connection ends."""
    rest = memoryview(data)
    while rest:
        buffer = memoryview(protocol.get_buffer(len(rest)))
        size = min(len(buffer), len(rest))
        buffer[:size] = rest[:size]
        protocol.buffer_updated(size)
        rest = rest[size:]
        if protocol.transport.underlying_transport.is_closing():
            return False
    return True


def lost(protocol: Any, error_number: int) -> None:
    """The client is gone (0: it said so), as the transport would have found."""
    transport = protocol.transport.underlying_transport
    if error_number:
        transport.abort()
    else:
        transport.close()


class NativeFront:
    """The native front of one server."""

    def __init__(self, front: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._front = front
        self._loop = loop
        loop.add_reader(front.fileno(), front.poll)

    def adopt(self, transport: Any, protocol: Any, session: LinkSession) -> None:
        """Read a connection's socket from now on, if it is one that can be read plainly."""
        if session._codec is not MSGPACK or session._fd < 0 or session._closed or transport.is_closing():
            return
        transport.pause_reading()
        session.adopted(self._front.adopt(session._fd, session, protocol))

    def close(self) -> None:
        """Read nothing any more."""
        self._loop.remove_reader(self._front.fileno())
        self._front.close()


def _warn(why: str) -> None:
    log.warning("the native link path is not used; plain sends cost about twice the CPU", extra={"why": why})


class Counted(Protocol):
    """What shows how many sends were decided natively."""

    native_sends: Callable[[], int]


def connect(deps: LinkDeps, delivery: Delivery, loop: asyncio.AbstractEventLoop, shown: Counted) -> NativeFront | None:
    """Put the native path into the engine, the hub and the sessions; None, with a warning, when there is none."""
    if native.MODULE is None:
        _warn(native.WHY_NOT)
        return None
    engine, hub = deps.engine, deps.hub
    try:
        front = native.MODULE.Front(
            types=TYPES,
            deps=deps,
            engine=engine,
            hub=hub,
            delivery=delivery,
            direct_id=direct_id,
            feed=feed,
            lost=lost,
            codec=MSGPACK,
            outgoing=EntryOutgoing,
            text=types.TEXT,
            encode_record=encode_record,
        )
    except (TypeError, AttributeError) as error:
        _warn(f"it was built for other sources, install again: {error}")
        return None

    def pass_on(lsn: int, records: list[Record], owners: list[Owner]) -> None:
        others = [listener for listener in engine.listeners_of(EntryAppended) if listener != delivery.on_record]

        def announce(record: Record, owner: Owner) -> None:
            engine.announce(record, owner, others)

        front.pass_on(lsn, records, owners, engine.pass_on_one, announce if others else None)

    def flush_all(dirty: list[Session]) -> None:
        for session in front.flush(dirty) or ():
            session.close(Code.INTERNAL)

    engine.pass_on = pass_on
    engine.retire = front.retire
    engine.encode_with(front.encode_group)
    engine.commits.count_down = front.count_down
    engine.commits.tell = front.tell
    hub.flush_all = flush_all
    shown.native_sends = lambda: int(front.sent)
    return NativeFront(front, loop)
