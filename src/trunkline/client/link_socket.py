"""One WebSocket to the server: drives a ``LinkClient`` machine with a picows transport and the loop's clock.

What is not here: when to connect again (``supervisor``) and what pushes mean (``receiving``).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
import picows

from trunkline.base.errors import Code
from trunkline.client.errors import RequestFailed
from trunkline.protocol.link.client import (
    Ended,
    Event,
    Failed,
    HelloRefused,
    LinkClient,
    LinkState,
    Pushed,
    Replied,
    Silent,
    Violated,
    Welcomed,
    lost_error,
)
from trunkline.protocol.link.frames import Codec, FrameError
from trunkline.wire.calls.session import Hello, Welcome
from trunkline.wire.frames import ErrorBody

logger = logging.getLogger("trunkline.client")
T = TypeVar("T")
Answer = Callable[[msgspec.Raw | None, ErrorBody | None], None]
_ABNORMAL = 1006
_NORMAL = 1000


class LinkEvents(Protocol):
    """Who is told what happens on a connection."""

    def welcomed(self, socket: LinkSocket, welcome: Welcome) -> None:
        """Hello was accepted; requests may be made."""
        ...

    def pushed(self, event: str, body: msgspec.Raw) -> None:
        """A push arrived."""
        ...


class LinkSocket(picows.WSListener):
    """A connection from hello to its end; ``ended`` then says how it ended."""

    def __init__(self, codec: Codec, hello: Hello, events: LinkEvents, max_frame_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._machine = LinkClient(codec, hello, self._loop.time())
        self._events = events
        self._max_frame_bytes = max_frame_bytes
        self._answers: dict[int, Answer] = {}
        self._transport: picows.WSTransport | None = None
        self._message = picows.WSMsgType.BINARY if codec.binary else picows.WSMsgType.TEXT
        self._fragments = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = 0.0
        self._close_code = _ABNORMAL
        self.codec = codec
        self.refused: HelloRefused | None = None
        self.ended: asyncio.Future[Ended] = self._loop.create_future()

    @classmethod
    async def open(
        cls,
        url: str,
        codec: Codec,
        hello: Hello,
        events: LinkEvents,
        *,
        connect_timeout_s: float,
        max_frame_bytes: int,
        ssl_context: ssl.SSLContext | None = None,
    ) -> LinkSocket:
        """Connect and send hello.

        Raises:
            OSError: the server cannot be reached or does not speak WebSocket there; the message says which.
        """
        socket = cls(codec, hello, events, max_frame_bytes)
        try:
            async with asyncio.timeout(connect_timeout_s):
                await picows.ws_connect(
                    lambda: socket,
                    url,
                    ssl_context=ssl_context,
                    websocket_handshake_timeout=connect_timeout_s,
                    enable_auto_pong=False,
                    max_frame_size=max_frame_bytes,
                    extra_headers={"Sec-WebSocket-Protocol": codec.subprotocol},
                    logger_name=logger,
                )
        except TimeoutError as exc:
            raise OSError(f"no connection to {url} within {connect_timeout_s:g} s") from exc
        except picows.WSError as exc:
            raise OSError(f"{url} does not answer as a link: {exc}") from exc
        if socket._transport is None and not socket.ended.done():
            # picows returns as if connected; nothing more would ever be heard from this socket.
            raise OSError(f"the connection to {url} was lost during the handshake")
        return socket

    @property
    def ready(self) -> bool:
        """Whether requests can be made now."""
        return self._machine.state is LinkState.READY and not self._machine.full and self._transport is not None

    def ask(self, method: str, params: msgspec.Struct | dict[str, Any], answer: Answer, *, timeout_s: float) -> None:
        """Make a request; ``answer`` is called once, with the result or the error."""
        if not self.ready:
            answer(None, lost_error(sent=False))
            return
        request_id = self._machine.request(method, params, self._loop.time(), timeout_s=timeout_s)
        self._answers[request_id] = answer
        self._flush()

    async def call(
        self, method: str, params: msgspec.Struct | dict[str, Any], result: type[T], *, timeout_s: float
    ) -> T:
        """Make a request and wait for its result.

        Raises:
            RequestFailed: refused, or the outcome is unknown.
        """
        future: asyncio.Future[msgspec.Raw] = self._loop.create_future()

        def answered(body: msgspec.Raw | None, error: ErrorBody | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(RequestFailed(error))
            else:
                assert body is not None
                future.set_result(body)

        self.ask(method, params, answered, timeout_s=timeout_s)
        return self.read(await future, result)

    def read(self, body: msgspec.Raw, shape: type[T]) -> T:
        """Decode a result.

        Raises:
            RequestFailed: the server answered in a shape this version cannot read; the request took effect.
        """
        try:
            return self.codec.decode(body, shape)
        except FrameError as exc:
            error = ErrorBody(Code.INTERNAL.number, "unreadable_result", str(exc), "never", applied=None)
            raise RequestFailed(error) from exc

    def close(self, close_code: int = _NORMAL) -> None:
        """End the connection politely; ``ended`` completes when the server has agreed."""
        if self._transport is not None:
            self._transport.send_close(picows.WSCloseCode.OK if close_code == _NORMAL else close_code)  # type: ignore[arg-type]
        self._stop_timer()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    # ------------------------------------------------------------------ picows

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The handshake is done: say hello."""
        self._transport = transport
        self._flush()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """A WebSocket frame arrived."""
        kind = frame.msg_type
        now_s = self._loop.time()
        if kind in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY, picows.WSMsgType.CONTINUATION):
            if frame.fin and not self._fragments:
                self._take(self._machine.receive(frame.get_payload_as_bytes(), now_s))
            else:
                self._fragment(frame, now_s)
        elif kind == picows.WSMsgType.PING:
            self._machine.heard(now_s)
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind == picows.WSMsgType.PONG:
            self._machine.heard(now_s)
        elif kind == picows.WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            self._close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            if not transport.is_close_frame_sent:
                transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        self._flush()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The connection is gone."""
        self._transport = None
        self._stop_timer()
        self._take(self._machine.closed(self._close_code))

    # ------------------------------------------------------------------ inside

    def _fragment(self, frame: picows.WSFrame, now_s: float) -> None:
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > self._max_frame_bytes:
            self._violated("a message larger than this client accepts")
        elif frame.fin:
            data = bytes(self._fragments)
            self._fragments.clear()
            self._take(self._machine.receive(data, now_s))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Pushed(name, body):
                    self._events.pushed(name, body)
                case Replied(request_id, body):
                    self._answers.pop(request_id)(body, None)
                case Failed(request_id, error):
                    self._answers.pop(request_id)(None, error)
                case Welcomed(welcome):
                    self._events.welcomed(self, welcome)
                case HelloRefused():
                    self.refused = event
                    self.close()
                case Violated(detail, close_code):
                    self._violated(detail, close_code)
                case Silent():
                    logger.info("the server stopped answering")
                    self.abort()
                case Ended():
                    if not self.ended.done():
                        self.ended.set_result(event)

    def _violated(self, detail: str, close_code: int = Code.OVERSIZE.close_code) -> None:
        logger.warning("the server sent something that is no frame: %s", detail)
        self.close(close_code)
        self.abort()

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        for data in self._machine.data_to_send():
            transport.send(self._message, data)
        self._arm()

    def _arm(self) -> None:
        """Have the timer fire when the machine next wants it; an early firing only arms it again."""
        due_s = self._machine.next_timeout_s()
        if due_s is None or (self._timer is not None and self._timer_due_s <= due_s):
            return
        self._stop_timer()
        self._timer_due_s = due_s
        self._timer = self._loop.call_at(due_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._take(self._machine.tick(self._loop.time()))
        self._flush()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
