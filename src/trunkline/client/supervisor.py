"""Keeping a connection: tokens, back-off, reactions to how connections end.

What is not here: what is done with a connection (``client``), and the protocol's rules (``protocol.link``).
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from typing import Protocol

import msgspec

from trunkline.client.link_socket import LinkSocket
from trunkline.client.notices import ClientState, StateChange
from trunkline.client.options import Options
from trunkline.client.tokens import TokenSource, obtain
from trunkline.protocol.link.backoff import draining_delay_s, reconnect_delay_s
from trunkline.protocol.link.closing import Reaction
from trunkline.protocol.link.frames import Codec
from trunkline.wire.calls.session import Hello, Welcome

logger = logging.getLogger("trunkline.client")


class Session(Protocol):
    """What the supervisor needs from the client."""

    def hello(self, token: str) -> Hello:
        """The hello for the next connection."""
        ...

    def welcomed(self, socket: LinkSocket, welcome: Welcome) -> None:
        """A connection is ready."""
        ...

    def pushed(self, event: str, body: msgspec.Raw) -> None:
        """A push arrived."""
        ...

    def lost(self) -> None:
        """The connection is over."""
        ...

    def changed(self, change: StateChange) -> None:
        """The state changed."""
        ...


class Supervisor:
    """Connects, and connects again, until told to stop by its owner or by the server."""

    def __init__(
        self,
        url: str,
        token: TokenSource,
        codec: Codec,
        options: Options,
        session: Session,
        *,
        ssl_context: ssl.SSLContext | None = None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._url = url
        self._token = token
        self._codec = codec
        self._options = options
        self._session = session
        self._ssl_context = ssl_context
        self._spread = spread
        self._loop = asyncio.get_running_loop()
        self._socket: LinkSocket | None = None
        self._attempt = 0
        self._at_once = False
        self._drain_until_s: float | None = None
        self._drain_timer: asyncio.TimerHandle | None = None
        self._hurry = asyncio.Event()
        self._verdict: str | None = None
        self.state = StateChange(ClientState.OFFLINE)

    def welcomed(self, socket: LinkSocket, welcome: Welcome) -> None:
        """Hello was accepted: back-off starts from zero again."""
        self._attempt = 0
        self._drain_until_s = None
        self._enter(StateChange(ClientState.SYNCING))
        self._session.welcomed(socket, welcome)

    def pushed(self, event: str, body: msgspec.Raw) -> None:
        """Passed on as it is."""
        self._session.pushed(event, body)

    def synced(self) -> None:
        """Everything the server had is applied."""
        if self.state.state is ClientState.SYNCING:
            self._enter(StateChange(ClientState.ONLINE))

    def draining(self, reconnect_in_ms: int) -> None:
        """The server goes away: come back at a random time around the one it named, wherever it is then."""
        delay_s = draining_delay_s(reconnect_in_ms, self._spread())
        self._drain_until_s = self._loop.time() + delay_s
        if self._drain_timer is not None:
            self._drain_timer.cancel()
        self._drain_timer = self._loop.call_later(delay_s, self.reconnect)

    def reconnect(self) -> None:
        """Drop the connection, if there is one, and connect again without waiting."""
        self._at_once = True
        self._hurry.set()
        if self._socket is not None:
            self._socket.close()

    def renew_token(self) -> None:
        """The token no longer suffices: connect again with a new one."""
        if isinstance(self._token, str):
            self.give_up("the token was rejected, and there is no source of new ones")
        elif self._socket is not None:
            self._socket.close()

    def give_up(self, reason: str) -> None:
        """Close and do not come back."""
        self._verdict = reason
        self._hurry.set()
        if self._socket is not None:
            self._socket.close()

    def drop(self) -> None:
        """End the connection and come back after the usual wait."""
        if self._socket is not None:
            self._socket.close()

    async def run(self) -> None:
        """Stay connected; returns when stopped, with the reason in ``state``."""
        while not self._finished():
            self._enter(StateChange(ClientState.CONNECTING))
            self._hurry.clear()
            self._at_once = False
            reaction, reason, close_code, least_s = await self._one_connection()
            if self._finished():
                break
            if reaction is Reaction.NEW_TOKEN and isinstance(self._token, str):
                reaction, reason = Reaction.STOP, f"{reason}; there is no source of new tokens"
            if reaction is Reaction.STOP:
                self._verdict = reason
                self._enter(StateChange(ClientState.STOPPED, reason, close_code=close_code))
                return
            delay_s = max(least_s, self._next_delay_s())
            self._enter(StateChange(ClientState.OFFLINE, reason, retry_in_s=delay_s, close_code=close_code))
            try:
                async with asyncio.timeout(delay_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass
        self._enter(StateChange(ClientState.STOPPED, self._verdict or ""))

    def fail(self, reason: str) -> None:
        """``run`` itself failed; there will be no connection."""
        self._verdict = reason
        self._enter(StateChange(ClientState.STOPPED, reason))

    async def stop(self) -> None:
        """Close politely, or abort when the server takes too long."""
        self.give_up("closed by the application")
        socket = self._socket
        if socket is not None:
            try:
                async with asyncio.timeout(self._options.close_timeout_s):
                    await asyncio.shield(socket.ended)
            except TimeoutError:
                socket.abort()

    # ------------------------------------------------------------------ inside

    def _finished(self) -> bool:
        return self._verdict is not None

    async def _one_connection(self) -> tuple[Reaction, str, int, float]:
        """Connect and stay until the end: what to do then, why, the close code, and the least time to wait."""
        try:
            token = await obtain(self._token)
        except Exception as exc:
            logger.warning("the token source failed: %s", exc)
            return Reaction.RETRY, f"no token: {exc}", 0, 0.0
        try:
            socket = await LinkSocket.open(
                self._url,
                self._codec,
                self._session.hello(token),
                self,
                connect_timeout_s=self._options.connect_timeout_s,
                max_frame_bytes=self._options.max_frame_bytes,
                ssl_context=self._ssl_context,
            )
        except OSError as exc:
            return Reaction.RETRY, str(exc), 0, 0.0
        self._socket = socket
        if self._finished():
            socket.close()
        try:
            ended = await socket.ended
        finally:
            self._socket = None
            self._end_draining()
            self._session.lost()
        if socket.refused is not None:
            error = socket.refused.error
            return socket.refused.reaction, f"{error.code} {error.name}: {error.message}", 0, error.retry_ms / 1000.0
        return ended.reaction, f"the connection ended with code {ended.close_code}", ended.close_code, 0.0

    def _next_delay_s(self) -> float:
        if self._at_once:
            self._at_once = False
            return 0.0
        if self._drain_until_s is not None:
            until_s, self._drain_until_s = self._drain_until_s, None
            return max(0.0, until_s - self._loop.time())
        self._attempt += 1
        return reconnect_delay_s(self._attempt - 1, self._spread())

    def _end_draining(self) -> None:
        if self._drain_timer is not None:
            self._drain_timer.cancel()
            self._drain_timer = None

    def _enter(self, change: StateChange) -> None:
        if change != self.state:
            self.state = change
            self._session.changed(change)
