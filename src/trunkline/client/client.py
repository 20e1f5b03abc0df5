"""``Client``: what an application holds; the common surface of the parts that ``core`` connects.

What is not here: how any of them works; see the module of the same name.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import ssl as ssl_module
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from trunkline.client.addresses import direct_conversation_id, is_party, link_url
from trunkline.client.callbacks import Callbacks, Result
from trunkline.client.calls import (
    BlockCalls,
    CardCalls,
    CommunityCalls,
    ConversationCalls,
    DeviceCalls,
    EntryCalls,
    GroupCalls,
    ProfileCalls,
    QuizCalls,
    ThreadCalls,
)
from trunkline.client.calls.entries import as_content
from trunkline.client.calls.files import FileCalls
from trunkline.client.calls.live import LiveCalls
from trunkline.client.core import Core, Settings
from trunkline.client.errors import ClientStopped
from trunkline.client.feed import EntryStream
from trunkline.client.notices import ClientState, CursorMoved, Presence, Resync, SendOutcome, StateChange, Typing
from trunkline.client.options import Options
from trunkline.client.send_handle import SendHandle
from trunkline.client.store import OutboxRow
from trunkline.client.tokens import TokenSource
from trunkline.client.tus import web_url
from trunkline.protocol.link.frames import JSON_CODEC, MSGPACK_CODEC
from trunkline.wire import entries as types
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.calls.search import MessageSearch, SearchPage
from trunkline.wire.calls.session import ConversationView, TypingSet
from trunkline.wire.entries import EntryView
from trunkline.wire.frames import EmptyResult

logger = logging.getLogger("trunkline.client")
T = TypeVar("T")
_STEADY = object()
ALL_CONSUMER = "messages"


class Client:
    """A party on one device, connected whenever it can be.

    ``async with Client(...) as client`` opens the local store and starts connecting; it does not wait for the server,
    and what can work offline does. Leaving the block closes the client; what was not sent stays in the store.

    Args:
        url: the server, such as ``https://chat.example.com`` or ``http://127.0.0.1:8080``.
        token: a client token, or a function or async function that returns a fresh one.
        store: path of this device's SQLite file, or ``":memory:"``. One client at a time may use it.
        device: this device's id; by default that of the token, else one made with the store.
        encoding: ``"msgpack"`` or ``"json"``.
        ssl: TLS settings for ``https``; by default those of the system.
        options: times and bounds.
        on_entry: every entry, in order, across restarts; see ``messages`` for what "once" means.
        on_state: connection state changes.
        on_resync: the local picture was rebuilt.
        on_sent: the outcome of every message, also of those written before a restart.
        on_conversation: a conversation's view changed.
        on_typing: a member types or stopped.
        on_presence: a watched party came or went.
        on_cursor: a member received or read further.

    Attributes:
        groups, conversations, entries, cards, threads, profiles, blocks, devices, presence, rooms, quizzes, files: the
            methods of the link by subject.
    """

    def __init__(
        self,
        url: str,
        token: TokenSource,
        store: str | Path = ":memory:",
        *,
        device: str | None = None,
        encoding: str = "msgpack",
        ssl: ssl_module.SSLContext | None = None,
        options: Options | None = None,
        on_entry: Callable[[EntryView], Result] | None = None,
        on_state: Callable[[StateChange], Result] | None = None,
        on_resync: Callable[[Resync], Result] | None = None,
        on_sent: Callable[[SendOutcome], Result] | None = None,
        on_conversation: Callable[[ConversationView], Result] | None = None,
        on_typing: Callable[[Typing], Result] | None = None,
        on_presence: Callable[[Presence], Result] | None = None,
        on_cursor: Callable[[CursorMoved], Result] | None = None,
    ) -> None:
        if encoding not in ("msgpack", "json"):
            raise ValueError("encoding is 'msgpack' or 'json'")
        self.options = options or Options()
        self._settings = Settings(
            url=link_url(url),
            web_url=web_url(url),
            token=token,
            path=store,
            device=device,
            codec=MSGPACK_CODEC if encoding == "msgpack" else JSON_CODEC,
            ssl_context=ssl,
            options=self.options,
            callbacks=Callbacks(
                on_entry=on_entry,
                on_state=on_state,
                on_resync=on_resync,
                on_sent=on_sent,
                on_conversation=on_conversation,
                on_typing=on_typing,
                on_presence=on_presence,
                on_cursor=on_cursor,
            ),
        )
        self._opened = False

    # ------------------------------------------------------------------ life

    async def __aenter__(self) -> Self:
        """Open the store and start connecting.

        Raises:
            StoreInUse: another client has the store open.
            StoreUnusable: it cannot be opened or read.
        """
        if self._opened:
            raise RuntimeError("a client is opened once; make another one")
        core = self._core = Core(self._settings)
        self._store = core.store
        self.groups = GroupCalls(core.requests)
        self.conversations = ConversationCalls(core.requests, core.store, core.receiver.know)
        self.entries = EntryCalls(core.requests, core.store)
        self.communities = CommunityCalls(core.requests, core.receiver.sync)
        self.threads = ThreadCalls(core.requests, core.store)
        self.profiles = ProfileCalls(core.requests)
        self.blocks = BlockCalls(core.requests, core.store)
        self.cards = CardCalls(core.requests, core.store, core.sender)
        self.devices = DeviceCalls(core.requests)
        self.live = LiveCalls(core.requests)
        self.files = FileCalls(core.requests, core.uploads)
        self.presence = core.presence
        self.rooms = core.rooms
        self.quizzes = QuizCalls(core.requests)
        self._opened = True
        core.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; entries handed out count as done with unless the block failed."""
        await self.close(settle=error is None)

    async def close(self, *, settle: bool = True) -> None:
        """Stop. ``settle``: what streams handed out counts as done with, acknowledged or not."""
        if self._opened:
            await self._core.close(settle=settle)

    @property
    def state(self) -> ClientState:
        """Where the client stands."""
        return self._core.state if self._opened else ClientState.OFFLINE

    @property
    def party(self) -> str:
        """Who this is; empty before the very first connection."""
        return self._store.party

    @property
    def device(self) -> str:
        """This device's id."""
        return self._store.device

    async def online(self) -> None:
        """Wait until connected and caught up with the server.

        Raises:
            ClientStopped: the server told the client to stay away, or it was closed; the message says why.
        """
        await self._core.online()

    def reconnect(self) -> None:
        """Try at once instead of waiting; for when the system says that the network is back."""
        self._core.supervisor.reconnect()

    # ------------------------------------------------------------------ sending

    async def send(self, to: str, content: Any, **more: Any) -> MessageSent:
        """Send a message and wait until the server has it on disk; see ``send_nowait`` for the parameters.

        It is in the local outbox first and is retried until the outcome is certain, even after a restart.

        Raises:
            RequestFailed: refused; it was not and will not be applied.
            OutboxFull: too many messages wait.
            StoreUnusable: the local disk refused it.
            ClientStopped: the client was closed first; the message stays in the outbox.
        """
        return await self.send_nowait(to, content, **more)

    def send_nowait(
        self,
        to: str,
        content: Any,
        *,
        type: str = "text",
        reply_to: int = 0,
        mentions: list[str] | None = None,
        expires_in_ms: int = 0,
        thread: int = 0,
    ) -> SendHandle:
        """Take a message into the outbox and return at once; await the handle for its position.

        Messages to one conversation are accepted in the order of the calls.

        Args:
            to: a party (``user/bob``) for a direct message, or a conversation id.
            content: a string is the text of a text message; otherwise the content map of the type.
            type: a message type of the specification; ``custom`` for your own.
            reply_to: seq of the message this answers.
            mentions: parties named in it; ``["*"]`` for everyone.
            expires_in_ms: after which it disappears for everyone; 0 for never.
            thread: seq of the message in whose thread this is a reply.
        """
        self._check_open()
        return self._core.sender.send(
            conversation="" if is_party(to) else to,
            recipient=to if is_party(to) else "",
            type=type,
            content=as_content(content),
            reply_to=reply_to,
            mentions=list(mentions or ()),
            expires_in_ms=expires_in_ms,
            thread=thread,
        )

    def unsent(self, conversation: str) -> list[OutboxRow]:
        """Messages a view shows after the history: on their way, accepted but not yet applied, and refused.

        With ``local_history`` it shows every message exactly once at any moment: an entry enters the history in the
        same transaction in which its row leaves here.
        """
        rows = self._store.outbox.unsettled(self.conversation_of(conversation))
        return [row for row in rows if row.type != types.CARD_CHANGED]  # actions are shown by ``cards.local``

    def discard(self, row_id: int) -> bool:
        """Forget a refused message."""
        with self._store.database.transaction(durable=False):
            return self._store.outbox.discard(row_id)

    # ------------------------------------------------------------------ receiving

    def messages(
        self, conversation: str = "", *, types: Collection[str] | None = None, consumer: object = _STEADY
    ) -> EntryStream:
        """Entries as an endless async iterator: of every conversation, or of one, in order.

        The position is kept under the consumer's name (by default one per conversation argument), so the next
        iterator, also after a restart, goes on where this one was left. See ``EntryStream`` for what counts as done
        with, and ``transaction`` for exactly-once effects.

        Args:
            conversation: an id, or a party for the direct conversation with it.
            types: entry types wanted, such as ``{"text"}``; by default all, changes and placeholders included.
            consumer: a name of your own, or None to begin with what is applied from now on and keep no position.
        """
        self._check_open()
        name = self.conversation_of(conversation) if conversation else ""
        if consumer is _STEADY:
            consumer = f"{ALL_CONSUMER}:{name}" if name else ALL_CONSUMER
        if consumer is not None and not isinstance(consumer, str):
            raise TypeError("a consumer's name is a string")
        return self._core.feed.stream(consumer, name, types)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write your own tables and move past the entry being handled, in one transaction of the local store.

        Inside ``on_entry`` or a loop over ``messages``::

            with client.transaction() as db:
                db.execute("INSERT INTO app_orders ...", ...)

        What you write happens exactly once per entry, whatever crashes when. Begin your tables' names with ``app_``,
        and do not await inside the block.
        """
        with self._core.feed.transaction() as connection:
            yield connection

    def local_history(self, conversation: str, *, before_seq: int = 0, limit: int = 50) -> list[EntryView]:
        """The last entries before a seq (0: the newest) that this device holds, ascending, changes folded in."""
        return self._store.history.page(self.conversation_of(conversation), before_seq=before_seq, limit=limit)

    async def history(self, conversation: str, *, before_seq: int = 0, limit: int = 50) -> list[EntryView]:
        """Like ``local_history``, fetching from the server what is older than this device holds."""
        return await self._core.history.page(self.conversation_of(conversation), before_seq, limit)

    async def history_between(
        self, conversation: str, *, from_ms: int = 0, to_ms: int = 0, limit: int = 100, newest_first: bool = False
    ) -> list[EntryView]:
        """Entries of a time range, from the server; they are not kept."""
        return await self._core.history.between(self.conversation_of(conversation), from_ms, to_ms, limit, newest_first)

    async def search(
        self,
        text: str,
        *,
        conversation: str = "",
        sender: str = "",
        types: Iterable[str] = (),
        from_ms: int = 0,
        to_ms: int = 0,
        after: str = "",
        limit: int = 20,
    ) -> SearchPage:
        """Messages on the server that have all words of ``text``, newest first; ``after``: the page's ``next``.

        Args:
            text: words, "phrases", beginnings* and -exclusions.
            conversation: only there; a party stands for the direct conversation with it.
            sender: only what this party said.
            types: only messages of these types.
            from_ms: only what was said at this time or later.
            to_ms: only what was said at this time or earlier.
            after: go on behind a page.
            limit: of the page, at most 100.
        """
        name = self.conversation_of(conversation) if conversation else ""
        request = MessageSearch(
            text=text,
            conversation=name,
            sender=sender,
            types=list(types),
            from_ms=from_ms,
            to_ms=to_ms,
            after=after,
            limit=limit,
        )
        return await self._core.requests.call("message.search", request, SearchPage, again=True)

    def mark_read(self, conversation: str, seq: int = 0) -> None:
        """Everything up to ``seq`` (0: all that is here) was read; told to the server now or when connected."""
        name = self.conversation_of(conversation)
        row = self._store.conversations.get(name)
        if row is None:
            return
        row.read_wanted = max(row.read_wanted, min(seq or row.last or 0, row.last or 0))
        if row.view is not None and row.read_wanted >= row.view.head:
            row.view.unread = row.view.unread_mentions = 0
        with self._store.database.transaction(durable=False):
            self._store.conversations.put(row)
        self._core.marks.read(name, row.read_wanted)
        self._core.notifier.tell_listed([name])

    # ------------------------------------------------------------------ the rest

    async def typing(self, conversation: str, *, on: bool = True) -> None:
        """Tell online members that this party is typing, or stopped; silently nothing without a connection."""
        if self.state in (ClientState.ONLINE, ClientState.SYNCING):
            await self.call("typing.set", TypingSet(self.conversation_of(conversation), on), EmptyResult)

    async def call(
        self,
        method: str,
        params: msgspec.Struct | dict[str, Any],
        result: type[T],
        *,
        again: bool = False,
        timeout_s: float | None = None,
    ) -> T:
        """Any method of the link; see ``Requests.call``."""
        self._check_open()
        return await self._core.requests.call(method, params, result, again=again, timeout_s=timeout_s)

    def conversation_of(self, address: str) -> str:
        """The conversation id for an address: a party's direct conversation, or the id itself."""
        if not is_party(address):
            return address
        if not self._store.party:
            raise ValueError("who this client is becomes known at its first connection; await online() first")
        return direct_conversation_id(self._store.party, address)

    # ------------------------------------------------------------------ inside

    def _check_open(self) -> None:
        if not self._opened or self._core.closed:
            raise ClientStopped("the client is not open; use it inside 'async with'")
