"""The parts of a client, connected: who tells whom what, and in which order they start and stop.

What is not here: the surface applications see (``client``), and how any part works (its own module).
"""

from __future__ import annotations

import asyncio
import logging
import platform
import ssl as ssl_module
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from trunkline.client.callbacks import CALLBACK_CONSUMER, Callbacks, Notifier
from trunkline.client.calls import PresenceCalls, RoomCalls
from trunkline.client.errors import ClientStopped
from trunkline.client.feed import Feed
from trunkline.client.history import HistoryReader
from trunkline.client.http_exchange import HttpServer
from trunkline.client.link_socket import LinkSocket
from trunkline.client.marks import Marks
from trunkline.client.notices import ClientState, SendOutcome, StateChange
from trunkline.client.options import Options
from trunkline.client.pushes import Pushes
from trunkline.client.receiving import Receiver
from trunkline.client.requests import Requests
from trunkline.client.sending import Sender
from trunkline.client.store import LocalStore
from trunkline.client.supervisor import Supervisor
from trunkline.client.tokens import TokenSource, claims_of, obtain
from trunkline.client.tus import TusClient
from trunkline.client.uploading import Uploader
from trunkline.protocol.link.frames import Codec
from trunkline.wire.calls.session import ConversationView, Hello, Welcome
from trunkline.wire.entries import EntryView

logger = logging.getLogger("trunkline.client")


@dataclass(slots=True, frozen=True, kw_only=True)
class Settings:
    """What a client was made with; see ``Client``."""

    url: str
    web_url: str
    token: TokenSource
    path: str | Path
    device: str | None
    codec: Codec
    ssl_context: ssl_module.SSLContext | None
    options: Options
    callbacks: Callbacks


class Core:
    """An open client.

    Raises:
        StoreInUse: another client has the store open.
        StoreUnusable: it cannot be opened or read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        options = settings.options
        party, device = claims_of(settings.token) if isinstance(settings.token, str) else ("", "")
        self.store = LocalStore(settings.path, settings.device or device or None)
        if party and not self.store.party:
            self._put("party", party)
        self.requests = Requests(options)
        self.feed = Feed(self.store)
        self.notifier = Notifier(settings.callbacks, options.max_notices, self._view_of)
        self.supervisor = Supervisor(
            settings.url, settings.token, settings.codec, options, self, ssl_context=settings.ssl_context
        )
        self.sender = Sender(
            self.store,
            options,
            reconnect=self.supervisor.reconnect,
            renew_token=self.supervisor.renew_token,
            notify=self._sent,
        )
        self.receiver = Receiver(
            self.store,
            options,
            applied=self._applied,
            resynced=lambda resync, told: self.notifier.tell("on_resync", resync, told),
            listed=self._listed,
            synced=self.supervisor.synced,
            broken=self._store_broken,
        )
        self.uploads = Uploader(
            self.store, TusClient(self._web(), self._fresh_token), self.requests, self.sender, self._sent
        )
        self.marks = Marks(self.store, options, lambda cursor: self._pushes.moved(cursor))
        self._pushes = Pushes(self.store, settings.codec, self.receiver, self.notifier, self.supervisor.draining)
        self.history = HistoryReader(self.store, self.requests, self.receiver)
        self.presence = PresenceCalls(self.requests)
        self.rooms = RoomCalls(self.requests, settings.codec, options.max_notices)
        self._session_outbox = ""
        self._state_changed = asyncio.Event()
        self._closed = False
        self._running: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Begin to call back and to connect."""
        calling = self._settings.callbacks.on_entry is not None
        self.notifier.start(self.feed.stream(CALLBACK_CONSUMER, "", None) if calling else None)
        self.receiver.tell_resync()
        self._running = asyncio.create_task(self._run())

    async def close(self, *, settle: bool) -> None:
        """Stop everything, from the network inwards, and close the store."""
        if self._closed:
            return
        self._closed = True
        await self.supervisor.stop()
        if self._running is not None:
            # With a connection the task has ended by now; without, it waits for a server, a token or its next attempt.
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            if self.state is not ClientState.STOPPED:
                # Closed in the turn it was opened in: the task never ran, and nobody was told.
                self.supervisor.fail("closed by the application")
                self._stop_parts()
        self.feed.close()
        await self.notifier.stop(self._settings.options.close_timeout_s)
        if settle:
            self.feed.settle(except_for=CALLBACK_CONSUMER)
        self.store.close()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    @property
    def state(self) -> ClientState:
        """Where the client stands."""
        return self.supervisor.state.state

    async def online(self) -> None:
        """Wait until connected and caught up; see ``Client.online``."""
        while self.state is not ClientState.ONLINE:
            if self.state is ClientState.STOPPED:
                raise ClientStopped(self.supervisor.state.reason)
            self._state_changed.clear()
            await self._state_changed.wait()

    # ------------------------------------------------------------------ Session, for the supervisor

    def hello(self, token: str) -> Hello:
        """The hello for the next connection."""
        _, device = claims_of(token)
        if device and self._settings.device is None and device != self.store.device:
            self._put("device", device)
        self._session_outbox = self.sender.hello_outbox()
        return Hello(
            token=token,
            device=self.store.device,
            outbox=self._session_outbox,
            platform=f"python/{platform.python_version()}",
        )

    def welcomed(self, socket: LinkSocket, welcome: Welcome) -> None:
        """A connection is ready: everything that waited for one goes on."""
        if not self.store.party:
            self._put("party", welcome.party)
        elif self.store.party != welcome.party:
            self.supervisor.give_up(
                f"the store belongs to {self.store.party} and the token to {welcome.party}: use another store"
            )
            return
        if not self.sender.start(socket, self._session_outbox, welcome.outbox_n):
            self.supervisor.reconnect()
            return
        self.receiver.start(socket, welcome.epoch)
        self.marks.start(socket)
        if self._session_outbox == self.store.outbox_id:
            self.requests.start(socket)
            self.presence.renew()
            self.rooms.renew()
            self.uploads.start()

    def pushed(self, event: str, body: msgspec.Raw) -> None:
        """A push arrived."""
        if event.startswith("room") or event == "lagged":
            self.rooms.pushed(event, body)
        self._pushes.take(event, body)

    def lost(self) -> None:
        """The connection is over."""
        self.requests.lost()
        self.sender.lost()
        self.receiver.lost()
        self.marks.lost()
        self.presence.stop()
        self.rooms.lost()

    def changed(self, change: StateChange) -> None:
        """The state changed."""
        self._state_changed.set()
        self.notifier.tell("on_state", change)

    # ------------------------------------------------------------------ inside

    async def _run(self) -> None:
        try:
            await self.supervisor.run()
        except Exception as exc:
            logger.exception("the client failed")
            self.supervisor.fail(str(exc))
        finally:
            if self.state is not ClientState.STOPPED:
                self.supervisor.fail("closed by the application")
            self._stop_parts()

    def _stop_parts(self) -> None:
        """There will be no connection any more; harmless when repeated."""
        reason = self.supervisor.state.reason
        self.receiver.stop()
        self.uploads.stop(reason)
        self.sender.stop(reason)
        self.requests.stop(reason)
        self.rooms.stop(reason)
        self.marks.stop()
        self.feed.stop()

    def _applied(self, entries: list[EntryView]) -> None:
        self.sender.applied(entries)
        self.feed.applied()
        self.marks.applied(entries)

    def _listed(self, conversations: Iterable[str]) -> None:
        self.notifier.tell_listed(conversations)

    def _sent(self, outcome: SendOutcome) -> None:
        if outcome.seq:
            self.receiver.expect(outcome.conversation, outcome.seq)
        self.notifier.tell("on_sent", outcome)

    def _web(self) -> HttpServer:
        settings, options = self._settings, self._settings.options
        return HttpServer(
            settings.web_url,
            settings.ssl_context,
            connect_timeout_s=options.connect_timeout_s,
            idle_timeout_s=options.upload_timeout_s,
        )

    async def _fresh_token(self) -> str:
        return await obtain(self._settings.token)

    def _view_of(self, conversation: str) -> ConversationView | None:
        row = self.store.conversations.get(conversation)
        return row.view if row is not None else None

    def _store_broken(self, reason: str) -> None:
        logger.error("the local store cannot be written, trying again: %s", reason)
        self.supervisor.drop()

    def _put(self, key: str, value: str) -> None:
        with self.store.database.transaction(durable=True):
            self.store.database.put(key, value)
