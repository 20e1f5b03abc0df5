"""Forwarding: single copies, or several messages merged into one; and app servers' bulk sends."""

from __future__ import annotations

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.identity import Caller
from trunkline.domain.log.dedupe import Outbox
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.messages.send import Sender
from trunkline.services.messages.views import is_message, view_of, visible
from trunkline.wire import entries as types
from trunkline.wire.calls.messages import BulkItem, BulkSend, BulkSent, MessageForward, MessageSend, MessagesForwarded
from trunkline.wire.content import encode_content
from trunkline.wire.entries import EntryView


class Forwarder:
    """Sends what was said elsewhere."""

    def __init__(self, engine: Engine, sender: Sender) -> None:
        self._engine = engine
        self._sender = sender

    async def forward(self, caller: Caller, request: MessageForward, outbox: Outbox | None = None) -> MessagesForwarded:
        """Append copies of messages to another conversation, in the order given.

        Each copy of a plain forward uses ``n``, ``n + 1``, ... so that a retry repeats nothing.

        Raises:
            TrunklineError: a source message cannot be seen or is gone, or the target refuses.
        """
        if outbox is None and request.outbox is not None and request.n:
            outbox = await self._engine.residents.load_outbox(caller.app, caller.party, request.outbox)
        sources = await self._sources(caller, request)
        if request.merged:
            merged = {
                "title": request.title,
                "entries": [
                    {"sender": v.sender, "at_ms": v.at_ms, "type": v.type, "content": v.content} for v in sources
                ],
            }
            contents = [(types.FORWARD, merged)]
        else:
            contents = [(view.type, view.content) for view in sources]
        sent = []
        for offset, (type, content) in enumerate(contents):
            send = MessageSend(
                type=type,
                content=msgspec.Raw(encode_content(content)),
                conversation=request.conversation,
                to=request.to,
                n=request.n + offset if request.n else 0,
            )
            sent.append(await self._sender.send(caller, send, outbox, made_here=True))
        return MessagesForwarded(sent)

    async def bulk(self, caller: Caller, request: BulkSend) -> BulkSent:
        """Append each of up to 100 messages; one refusal does not stop the others."""
        results = []
        for send in request.messages:
            try:
                results.append(BulkItem(sent=await self._sender.send(caller, send)))
            except TrunklineError as error:
                results.append(BulkItem(error=error.code.slug, detail=error.detail))
        return BulkSent(results)

    async def _sources(self, caller: Caller, request: MessageForward) -> list[EntryView]:
        resident, state = await self._engine.existing(caller.app, request.source)
        member = rules.check_reader(state, caller)
        views = []
        for seq in request.seqs:
            entry = await read_entry(self._engine, resident, seq)
            overlay = (await read_overlays(self._engine, resident, seq, seq)).get(seq)
            gone = overlay is not None and (overlay.recalled or overlay.expired)
            if entry is None or not is_message(entry) or not visible(member, entry) or gone:
                raise TrunklineError(Code.TARGET_UNAVAILABLE, f"message {seq} is not available", field="seqs")
            views.append(view_of(state, entry, overlay))
        return views
