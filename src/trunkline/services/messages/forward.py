"""Forwarding: single copies, or several messages merged into one; and app servers' bulk sends."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.log.dedupe import Outbox
from trunkline.domain.log.records import Entry
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.membership import reader_of
from trunkline.services.messages.repeats import Repeats
from trunkline.services.messages.send import Sender, direct_id
from trunkline.services.messages.views import is_message, view_of, visible
from trunkline.wire import entries as types
from trunkline.wire.calls.messages import (
    BulkItem,
    BulkSend,
    BulkSent,
    MessageForward,
    MessageSend,
    MessageSent,
    MessagesForwarded,
)
from trunkline.wire.content import canonical, encode_content
from trunkline.wire.entries import EntryView


class Forwarder:
    """Sends what was said elsewhere."""

    def __init__(self, engine: Engine, sender: Sender) -> None:
        self._engine = engine
        self._sender = sender
        self._repeats = Repeats(engine)

    async def forward(self, caller: Caller, request: MessageForward) -> MessagesForwarded:
        """Append copies of messages to another conversation, in the order given: all of them, or none.

        The copies of a plain forward use ``n``, ``n + 1``, ... so that a repeat gets the first answer.

        Raises:
            TrunklineError: a source message cannot be seen or is gone, or the target refuses.
        """
        outbox = await self._repeats.outbox(caller, request.outbox, request.n)
        try:
            sources = await self._sources(caller, request)
        except TrunklineError:
            done = await self._before(caller, request, outbox, None)
            if done is not None:
                return done  # the sources were there when the first request came
            raise
        sends = [self._send(request, offset, *content) for offset, content in enumerate(_contents(request, sources))]
        while True:
            done = await self._before(caller, request, outbox, sends)
            if done is not None:
                return done
            if outbox is not None and any(send.n in outbox.recent for send in sends):
                continue  # accepted on another connection during the look-up
            sent = self._sender.append_all(caller, sends, outbox)
            if sent is not None:
                return MessagesForwarded(sent)
            await self._sender.load(caller, sends)

    async def bulk(self, caller: Caller, request: BulkSend) -> BulkSent:
        """Append each of up to 100 messages; one refusal does not stop the others."""
        results = []
        for send in request.messages:
            try:
                results.append(BulkItem(sent=await self._sender.send(caller, send)))
            except TrunklineError as error:
                results.append(BulkItem(error=error.code.slug, detail=error.detail))
        return BulkSent(results)

    async def _before(
        self, caller: Caller, request: MessageForward, outbox: Outbox | None, sends: list[MessageSend] | None
    ) -> MessagesForwarded | None:
        """The first answer, when the ids were used for this forward; ``sends`` is None when its sources are gone."""
        if outbox is None or request.n > outbox.highest:
            return None
        conversation = direct_id(caller.party, request.to) if request.to is not None else request.conversation
        found = []
        for offset in range(1 if request.merged else len(request.seqs)):
            chosen = None
            if sends is not None:
                chosen = Entry(0, 0, "", sends[offset].type, canonical(sends[offset].content), 0, 0)
            found.append(await self._repeats.find(caller, outbox, request.n + offset, conversation, chosen))
        accepted = [one for one in found if one is not None]
        if not accepted:
            return None
        if len(accepted) < len(found):
            raise TrunklineError(Code.ID_CONFLICT, f"ids from {request.n} on were used for other requests", field="n")
        return MessagesForwarded([MessageSent(a.conversation, self._engine.epoch, a.seq, a.at_ms) for a in accepted])

    @staticmethod
    def _send(request: MessageForward, offset: int, type: str, content: Any) -> MessageSend:
        return MessageSend(
            type=type,
            content=msgspec.Raw(encode_content(content)),
            conversation=request.conversation,
            to=request.to,
            n=request.n + offset if request.n else 0,
        )

    async def _sources(self, caller: Caller, request: MessageForward) -> list[EntryView]:
        resident, state = await self._engine.existing(caller.app, request.source)
        member = await reader_of(self._engine, resident, state, caller)
        views = []
        for seq in request.seqs:
            entry = await read_entry(self._engine, resident, seq)
            overlay = (await read_overlays(self._engine, resident, seq, seq)).get(seq)
            gone = overlay is not None and (overlay.recalled or overlay.expired or overlay.erased)
            gone = gone or (entry is not None and not entry.content)  # erased
            if entry is None or not is_message(entry) or not visible(member, entry) or gone:
                raise TrunklineError(Code.TARGET_UNAVAILABLE, f"message {seq} is not available", field="seqs")
            if entry.type == types.CARD_CREATED and not request.merged:
                raise TrunklineError(Code.TARGET_UNAVAILABLE, f"message {seq} is a card: make a new one", field="seqs")
            views.append(view_of(state, entry, overlay))
        return views


def _contents(request: MessageForward, sources: list[EntryView]) -> list[tuple[str, Any]]:
    """Type and content of each message that the forward appends."""
    if not request.merged:
        return [(view.type, view.content) for view in sources]
    entries = [{"sender": v.sender, "at_ms": v.at_ms, "type": v.type, "content": v.content} for v in sources]
    return [(types.FORWARD, {"title": request.title, "entries": entries})]
