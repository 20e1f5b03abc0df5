"""What each push of the server sets in motion.

What is not here: entries' way into the store (``receiving``), calling the application (``callbacks``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from trunkline.client.callbacks import Notifier
from trunkline.client.notices import BlockedPush, CursorMoved, DrainingPush, Hidden, ThreadPushed, Typing
from trunkline.client.receiving import Receiver
from trunkline.client.store import LocalStore
from trunkline.client.views import apply_cursor
from trunkline.protocol.link.frames import Codec, FrameError
from trunkline.wire.calls.messages import Cursor
from trunkline.wire.calls.session import ConversationView, Presence
from trunkline.wire.entries import EntryView

logger = logging.getLogger("trunkline.client")


class Pushes:
    """Takes pushes; unknown ones are ignored, as the specification asks."""

    def __init__(
        self,
        store: LocalStore,
        codec: Codec,
        receiver: Receiver,
        notifier: Notifier,
        draining: Callable[[int], None],
    ) -> None:
        self._store = store
        self._codec = codec
        self._receiver = receiver
        self._notifier = notifier
        self._draining = draining

    def take(self, event: str, body: msgspec.Raw) -> None:
        """One push. One that cannot be read is logged and answered with a sync, which brings what it said."""
        try:
            self._take(event, body)
        except FrameError as exc:
            logger.warning("a push cannot be read: %s", exc)
            self._receiver.sync()

    def moved(self, cursor: Cursor) -> None:
        """The server confirmed my own cursor, with exact counts."""
        self._cursor(
            CursorMoved(
                cursor.conversation,
                self._store.party,
                cursor.delivered,
                cursor.read,
                cursor.unread,
                cursor.unread_mentions,
            )
        )

    def _take(self, event: str, body: msgspec.Raw) -> None:
        decode = self._codec.decode
        match event:
            case "entry":
                self._receiver.pushed(decode(body, EntryView))
            case "cursor":
                moved = decode(body, CursorMoved)
                self._cursor(moved)
                self._notifier.tell("on_cursor", moved)
            case "settings":
                changed = decode(body, ConversationView)
                self._receiver.configured(changed.conversation, changed.settings)
            case "hidden":
                self._receiver.hidden(decode(body, Hidden))
            case "thread":
                self._receiver.marked(decode(body, ThreadPushed))
            case "blocked":
                with self._store.database.transaction(durable=False):
                    self._store.put_blocked(decode(body, BlockedPush).blocked)
            case "typing":
                self._notifier.tell("on_typing", decode(body, Typing))
            case "presence":
                self._notifier.tell("on_presence", decode(body, Presence))
            case "lagged":
                self._receiver.sync()
            case "draining":
                self._draining(decode(body, DrainingPush).reconnect_in_ms)

    def _cursor(self, moved: CursorMoved) -> None:
        if moved.unread is not None or moved.unread_mentions is not None:
            self._receiver.settle()
        row = self._store.conversations.get(moved.conversation)
        if row is None or row.view is None:
            return
        apply_cursor(row.view, moved.party, moved.delivered, moved.read, self._store.party)
        if moved.party == self._store.party:
            row.read_wanted = max(row.read_wanted, moved.read)
            if moved.unread is not None:
                row.view.unread = moved.unread
            if moved.unread_mentions is not None:
                row.view.unread_mentions = moved.unread_mentions
        elif row.view.peer != moved.party:
            return  # in groups, others' cursors are asked for per message (receipts)
        with self._store.database.transaction(durable=False):
            self._store.conversations.put(row)
        self._notifier.tell_listed([moved.conversation])
