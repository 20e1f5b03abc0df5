"""Interactive cards: put one up, act on it, show it.

What is written here is in the durable outbox first, like a message: it works without a connection, survives a crash
and takes effect once. ``local`` shows a card with the actions of this device that are still on their way, folded
through the merges that fold everybody's (``protocol.cards``). What is not here: the kinds (spec/cards.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import msgspec

from trunkline.client.addresses import is_party
from trunkline.client.requests import Requests
from trunkline.client.send_handle import SendHandle
from trunkline.client.sending import Sender
from trunkline.client.store import LocalStore, SendStatus
from trunkline.protocol.cards.foreseen import with_foreseen
from trunkline.protocol.cards.summary import summarize
from trunkline.wire import entries as types
from trunkline.wire.calls.cards import CardActed, CardGet, CardList, Cards, CardView
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.cards import CardState


class LocalCard(msgspec.Struct, kw_only=True):
    """A card as this device shows it.

    Attributes:
        conversation: where it is.
        seq: which entry it is.
        sender: who put it up.
        kind: such as ``poll``.
        data: what it was made with; None once it was erased.
        state: with this device's own actions on top.
        confirmed: without them: what every device has that has seen as much.
        summary: what a person wants to know of ``state``, such as votes per option.
        closed: why it takes no more actions; empty while it does.
        on_their_way: how many actions of this device have not come back yet.
        partial: this device lacks part of the state; ``get`` asks the server.
    """

    conversation: str
    seq: int
    sender: str
    kind: str
    data: dict[str, Any] | None
    state: CardState
    confirmed: CardState
    summary: dict[str, Any]
    closed: str
    on_their_way: int = 0
    partial: bool = False


class ActHandle:
    """An action on its way: await it for what became of it."""

    def __init__(self, handle: SendHandle) -> None:
        self._handle = handle

    @property
    def done(self) -> bool:
        """Whether the outcome is known."""
        return self._handle.done

    async def persisted(self) -> None:
        """Wait until the action is on this device's disk; see ``SendHandle.persisted``."""
        await self._handle.persisted()

    def __await__(self) -> Generator[Any, None, CardActed]:
        """Wait for the outcome; raises as ``SendHandle`` does."""
        return asyncio.shield(self._handle.result).__await__()


class CardCalls:
    """``client.cards``."""

    def __init__(self, requests: Requests, store: LocalStore, sender: Sender) -> None:
        self._call = requests.call
        self._store = store
        self._sender = sender

    # --- without a connection ---------------------------------------------------------------

    def create_nowait(
        self,
        to: str,
        kind: str,
        data: dict[str, Any],
        *,
        closes_at_ms: int = 0,
        closes_in_ms: int = 0,
        reply_to: int = 0,
        mentions: list[str] | None = None,
        thread: int = 0,
    ) -> SendHandle:
        """Take a card into the outbox and return at once; await the handle for its position.

        Args:
            to: a party for a direct conversation, or a conversation id.
            kind: such as ``poll``; see spec/cards.md.
            data: what the kind asks for.
            closes_at_ms: when the server closes it; 0 for what the kind says.
            closes_in_ms: or how long after accepting it.
            reply_to: seq of the message this answers.
            mentions: parties named in it.
            thread: seq of the message whose thread it belongs to.
        """
        content = {"kind": kind, "data": data, "closes_at_ms": closes_at_ms, "closes_in_ms": closes_in_ms}
        return self._sender.send(
            conversation="" if is_party(to) else to,
            recipient=to if is_party(to) else "",
            type=types.CARD_CREATED,
            content={name: value for name, value in content.items() if value},
            reply_to=reply_to,
            mentions=list(mentions or ()),
            expires_in_ms=0,
            thread=thread,
        )

    async def create(self, to: str, kind: str, data: dict[str, Any], **more: Any) -> MessageSent:
        """Put up a card and wait until the server has it; parameters as for ``create_nowait``.

        Raises:
            RequestFailed: refused; nothing was put up.
            ClientStopped: the client stopped first; the card stays in the outbox.
        """
        return await self.create_nowait(to, kind, data, **more)

    def act_nowait(self, conversation: str, seq: int, action: str, value: dict[str, Any] | None = None) -> ActHandle:
        """Take an action into the outbox and return at once: ``local`` shows it from now on."""
        content = {"seq": seq, "action": action, "value": value or {}}
        handle = self._sender.send(
            conversation=conversation,
            recipient="",
            type=types.CARD_CHANGED,
            content=content,
            reply_to=0,
            mentions=[],
            expires_in_ms=0,
        )
        return ActHandle(handle)

    async def act(self, conversation: str, seq: int, action: str, value: dict[str, Any] | None = None) -> CardActed:
        """Act on the card at ``seq`` and wait for what became of it, such as the amount of a claim in ``event``.

        Raises:
            RequestFailed: refused; the card is as it was.
            ClientStopped: the client stopped first; the action stays in the outbox.
        """
        return await self.act_nowait(conversation, seq, action, value)

    def local(self, conversation: str, seq: int) -> LocalCard | None:
        """A card as this device shows it; None when there is none here."""
        self._sender.flush()
        return local_card(self._store, conversation, seq)

    # --- from the server --------------------------------------------------------------------

    async def get(self, conversation: str, seq: int) -> CardView:
        """A card with its whole state, from the server."""
        return await self._call("card.get", CardGet(conversation, seq), CardView, again=True)

    async def list(self, conversation: str, *, before_seq: int = 0, limit: int = 20, open_only: bool = False) -> Cards:
        """The newest cards of a conversation, from the server."""
        request = CardList(conversation=conversation, before_seq=before_seq, limit=limit, open_only=open_only)
        return await self._call("card.list", request, Cards, again=True)


def local_card(store: LocalStore, conversation: str, seq: int) -> LocalCard | None:
    """A card from the local store, with what waits in the outbox on top."""
    entry = store.history.get(conversation, seq)
    if entry is None or entry.type != types.CARD_CREATED:
        return None
    now = entry.now
    content = entry.content if isinstance(entry.content, dict) else {}
    confirmed = now.card if now is not None and now.card is not None else CardState()
    actions = []
    for row in store.outbox.unsettled(conversation):
        if row.type == types.CARD_CHANGED and row.status != SendStatus.REFUSED:
            given = row.content_value()
            if given["seq"] == seq:
                actions.append((given["action"], given["value"], row.created_at_ms))
    kind, data = str(content.get("kind", "")), content.get("data")
    state = with_foreseen(kind, data, confirmed, store.party, actions)
    return LocalCard(
        conversation=conversation,
        seq=seq,
        sender=entry.sender,
        kind=kind,
        data=data,
        state=state,
        confirmed=confirmed,
        summary=summarize(kind, data, state),
        closed=state.closed,
        on_their_way=len(actions),
        partial=state.partial,
    )
