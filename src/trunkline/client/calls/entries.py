"""What can be done to messages that exist: change, take back, hide, forward, and who has read them."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.client.addresses import is_party
from trunkline.client.requests import Requests
from trunkline.client.store import LocalStore
from trunkline.wire.calls.messages import (
    Changed,
    History,
    MessageHide,
    MessagePin,
    MessageReact,
    MessageRecall,
    MessagesForwarded,
    PinList,
    Receipt,
    ReceiptGet,
)
from trunkline.wire.frames import EmptyResult


class EntryCalls:
    """``client.entries``.

    Changes carry a number of this client's outbox, so a repeat after an unknown outcome takes effect once.
    """

    def __init__(self, requests: Requests, store: LocalStore) -> None:
        self._call = requests.call
        self._store = store

    async def edit(self, conversation: str, seq: int, content: Any) -> Changed:
        """Replace the content of one of my messages; text may be given as a string."""
        request = {"conversation": conversation, "seq": seq, "content": as_content(content)} | self._id()
        return await self._call("message.edit", request, Changed, again=True)

    async def recall(self, conversation: str, seq: int) -> Changed:
        """Take a message back for everyone."""
        request = MessageRecall(conversation=conversation, seq=seq, **self._id())
        return await self._call("message.recall", request, Changed, again=True)

    async def react(self, conversation: str, seq: int, key: str, *, on: bool = True) -> Changed:
        """Add a reaction, or take it back."""
        request = MessageReact(conversation=conversation, seq=seq, key=key, on=on, **self._id())
        return await self._call("message.react", request, Changed, again=True)

    async def pin(self, conversation: str, seq: int, *, on: bool = True) -> Changed:
        """Pin a message for everyone, or unpin it."""
        request = MessagePin(conversation=conversation, seq=seq, on=on, **self._id())
        return await self._call("message.pin", request, Changed, again=True)

    async def pins(self, conversation: str) -> History:
        """The pinned messages."""
        return await self._call("pin.list", PinList(conversation), History, again=True)

    async def hide(self, conversation: str, *seqs: int, up_to: int = 0) -> None:
        """Delete messages for me only, on all my devices: single ones, or everything up to a seq."""
        request = MessageHide(conversation=conversation, seqs=list(seqs), up_to=up_to)
        await self._call("message.hide", request, EmptyResult, again=True)
        with self._store.database.transaction(durable=False):
            self._store.history.hide(conversation, seqs, up_to)

    async def forward(
        self, source: str, seqs: list[int], to: str, *, merged: bool = False, title: str = ""
    ) -> MessagesForwarded:
        """Forward messages to a party or conversation, each as a copy or all merged into one."""
        request = {"source": source, "seqs": seqs, "merged": merged} | self._id(1 if merged else len(seqs))
        request["to" if is_party(to) else "conversation"] = to
        if title:
            request["title"] = title
        return await self._call("message.forward", request, MessagesForwarded, again=True)

    def _id(self, count: int = 1) -> dict[str, Any]:
        """An id of this client's outbox that was never used, and the ``count`` numbers that begin with it."""
        outbox = self._store.outbox_id
        return {"n": self._store.take_n(count), "outbox": outbox}

    async def receipt(self, conversation: str, seq: int, *, limit: int = 100) -> Receipt:
        """Who has received and read a message."""
        return await self._call("receipt.get", ReceiptGet(conversation, seq, limit), Receipt, again=True)


def as_content(content: Any) -> Any:
    """Text as the content map of a text message; anything else as it is (Structs as maps)."""
    if isinstance(content, str):
        return {"text": content}
    return msgspec.to_builtins(content) if isinstance(content, msgspec.Struct) else content
