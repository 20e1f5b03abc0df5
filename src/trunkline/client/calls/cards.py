"""Interactive cards: put one up, act on it, read it."""

from __future__ import annotations

from typing import Any

from trunkline.client.addresses import is_party
from trunkline.client.requests import Requests
from trunkline.client.store import LocalStore
from trunkline.wire.calls.cards import CardAct, CardActed, CardCreate, CardGet, CardList, Cards, CardView
from trunkline.wire.calls.messages import MessageSent


class CardCalls:
    """Cards of conversations; the kinds and their actions are in spec/cards.md."""

    def __init__(self, requests: Requests, store: LocalStore) -> None:
        self._call = requests.call
        self._store = store

    async def create(self, to: str, kind: str, data: dict[str, Any], **more: Any) -> MessageSent:
        """Put up a card for a party or in a conversation; ``more`` as in ``CardCreate``."""
        where: dict[str, Any] = {"to": to} if is_party(to) else {"conversation": to}
        request = CardCreate(kind=kind, data=data, **where, **self._id(), **more)
        return await self._call("card.create", request, MessageSent, again=True)

    async def act(self, conversation: str, seq: int, action: str, value: dict[str, Any] | None = None) -> CardActed:
        """Act on the card at ``seq``."""
        request = CardAct(conversation=conversation, seq=seq, action=action, value=value or {}, **self._id())
        return await self._call("card.act", request, CardActed, again=True)

    async def get(self, conversation: str, seq: int) -> CardView:
        """A card with its whole state, from the server."""
        return await self._call("card.get", CardGet(conversation, seq), CardView, again=True)

    async def list(self, conversation: str, *, before_seq: int = 0, limit: int = 20, open_only: bool = False) -> Cards:
        """The newest cards of a conversation, from the server."""
        request = CardList(conversation=conversation, before_seq=before_seq, limit=limit, open_only=open_only)
        return await self._call("card.list", request, Cards, again=True)

    def _id(self) -> dict[str, Any]:
        return {"n": self._store.take_n(), "outbox": self._store.outbox_id}
