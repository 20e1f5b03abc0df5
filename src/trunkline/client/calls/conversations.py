"""Conversations: the local list, the server's views, and one's own settings of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import UNSET, UnsetType

from trunkline.client.requests import Requests
from trunkline.client.store import LocalStore
from trunkline.wire.calls.conversations import (
    ConversationConfigure,
    ConversationList,
    ConversationRef,
    Conversations,
)
from trunkline.wire.calls.session import ConversationView


class ConversationCalls:
    """``client.conversations``."""

    def __init__(self, requests: Requests, store: LocalStore, known: Callable[[ConversationView], None]) -> None:
        self._call = requests.call
        self._store = store
        self._known = known

    def list(self, limit: int = 50, *, offset: int = 0, hidden: bool = False) -> list[ConversationView]:
        """This device's list, as of the last sync and what was applied since: pinned first, then most recent."""
        return self._store.conversations.listed(limit, offset, hidden=hidden)

    def get(self, conversation: str) -> ConversationView | None:
        """One conversation as this device knows it."""
        row = self._store.conversations.get(conversation)
        return row.view if row is not None else None

    def unread_total(self) -> int:
        """Unread messages over all conversations that are not muted."""
        return self._store.conversations.unread_total()

    async def fetch(self, conversation: str) -> ConversationView:
        """One conversation as the server knows it now."""
        view = await self._call("conversation.get", ConversationRef(conversation), ConversationView, again=True)
        self._known(view)
        return view

    async def fetch_list(self, *, after: str = "", limit: int = 50) -> Conversations:
        """A page of the server's list; pass ``next`` of the page before as ``after``."""
        return await self._call("conversation.list", ConversationList(after, limit), Conversations, again=True)

    async def configure(
        self,
        conversation: str,
        *,
        pinned: bool | UnsetType = UNSET,
        order: int | UnsetType = UNSET,
        mute: bool | UnsetType = UNSET,
        dnd_until_ms: int | UnsetType = UNSET,
        draft: str | UnsetType = UNSET,
        hidden: bool | UnsetType = UNSET,
        notify: Literal["all", "mentions", "none", ""] | UnsetType = UNSET,
    ) -> ConversationView:
        """Change my own settings of a conversation, for all my devices."""
        request = ConversationConfigure(
            conversation=conversation,
            pinned=pinned,
            order=order,
            mute=mute,
            dnd_until_ms=dnd_until_ms,
            draft=draft,
            hidden=hidden,
            notify=notify,
        )
        view = await self._call("conversation.configure", request, ConversationView, again=True)
        self._known(view)
        return view
