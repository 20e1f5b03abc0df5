"""One link session: frames in, replies and pushes out, in order.

``message.send`` is decided in the socket's own callback when all it needs is in memory; whatever has to
wait goes through a queue, so that one connection's writes are applied in the order they came.
Replies leave when what they saw is durable (``CommitQueue.release``); everything a tick has for
this connection leaves in one write.

Not here: the WebSocket itself (picows), hello (``greeting``), what methods do (services).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import Any, cast

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.limits import Bucket
from trunkline.domain.log.dedupe import Outbox
from trunkline.edges.link import greeting
from trunkline.edges.link.codec import Codec
from trunkline.edges.link.deps import LinkDeps
from trunkline.services.access import check_access
from trunkline.services.operation import Operation
from trunkline.services.sessions.outgoing import Outgoing
from trunkline.wire.calls.messages import MessageEdit, MessageForward, MessagePin, MessageReact, MessageRecall
from trunkline.wire.frames import ErrorBody, RequestFrame

log = logging.getLogger("trunkline.link")
NOBODY = Caller("", "")
# Bound once: looking an enum's member up costs more than comparing it, and this happens for every frame.
CLOSE, PING, PONG, CONTINUATION = WSMsgType.CLOSE, WSMsgType.PING, WSMsgType.PONG, WSMsgType.CONTINUATION
MAX_ID = 2**53 - 1
NUMBERED = (MessageEdit, MessageForward, MessagePin, MessageReact, MessageRecall)
"""Requests whose ``n`` counts in the outbox named at hello, unless they name another."""


class LinkSession(WSListener):
    """A client's connection, from upgrade to close."""

    __slots__ = (
        "_backlog",
        "_bucket",
        "_buffered",
        "_closed",
        "_codec",
        "_conn",
        "_deps",
        "_dirty",
        "_fd",
        "_fragments",
        "_hello_timer",
        "_in_flight",
        "_lagging",
        "_out",
        "_pinged",
        "_tasks",
        "_transport",
        "_write",
        "app",
        "asks",
        "caller",
        "device",
        "expires_at_s",
        "greeted",
        "heard_s",
        "key",
        "outbox",
        "party",
    )

    def __init__(self, deps: LinkDeps, codec: Codec) -> None:
        super().__init__()
        self._deps = deps
        self._codec = codec
        self._transport: WSTransport | None = None
        self._write: Any = None
        self._buffered: Any = None
        self._fd = -1
        self._conn: Any = None
        self._out: list[bytes] = []
        self._dirty = False
        self._closed = False
        self._lagging = False
        self._pinged = False
        self._in_flight = 0
        self._bucket: Bucket | None = None
        self._backlog: deque[RequestFrame] | None = None
        self._tasks: set[asyncio.Task[None]] | None = None
        self._fragments: list[bytes] | None = None
        self._hello_timer: asyncio.TimerHandle | None = None
        self.heard_s = 0.0
        self.greeted = False
        self.asks = False
        """Whether the app is asked before a message is accepted; then no send is decided in the socket's callback."""
        self.caller = NOBODY
        self.outbox: Outbox | None = None
        self.app = self.party = self.device = self.key = ""
        self.expires_at_s = 0

    # --- the socket -------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done; hello must follow."""
        self._transport = transport
        underlying = transport.underlying_transport
        self._write = underlying.write
        self._buffered = underlying.get_write_buffer_size
        if not transport.is_secure:
            self._fd = underlying.get_extra_info("socket").fileno()
        self.heard_s = self._deps.hub.monotonic_s
        timeout_s = self._deps.limits.hello_timeout_s
        self._hello_timer = asyncio.get_running_loop().call_later(timeout_s, self.close, Code.HELLO_TIMEOUT)

    def adopted(self, conn: Any) -> None:
        """The native front reads this connection's socket from now on."""
        self._conn = conn

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone."""
        self._end()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A WebSocket frame arrived."""
        if self._closed:
            return
        self.heard_s = self._deps.hub.monotonic_s
        self._pinged = False
        kind = frame.msg_type
        if kind == self._codec.message_type and frame.fin and self._fragments is None:
            self._message(frame.get_payload_as_bytes())
        elif kind == CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind not in (PING, PONG):
            self._unusual(frame)

    def _unusual(self, frame: WSFrame) -> None:
        """A fragment, or a message of the wrong kind."""
        if frame.msg_type not in (CONTINUATION, self._codec.message_type):
            self.close(Code.MALFORMED_FRAME, "the message kind does not match the subprotocol")
        elif (frame.msg_type == CONTINUATION) is (self._fragments is None):
            self.close(Code.MALFORMED_FRAME, "fragments of messages are mixed up")
        else:
            self._fragment(frame)

    def _fragment(self, frame: WSFrame) -> None:
        """Join the fragments of a message (RFC 6455 section 5.4), within the size limit."""
        if self._fragments is None:
            self._fragments = []
        self._fragments.append(frame.get_payload_as_bytes())
        if sum(map(len, self._fragments)) > self._deps.limits.max_frame_bytes:
            self.close(Code.OVERSIZE, "the message is too large")
        elif frame.fin:
            message, self._fragments = b"".join(self._fragments), None
            self._message(message)

    def _message(self, message: bytes) -> None:
        if len(message) > self._deps.limits.max_frame_bytes:
            self.close(Code.OVERSIZE, f"a frame has at most {self._deps.limits.max_frame_bytes} bytes")
            return
        try:
            request = self._codec.decode_frame(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.close(Code.MALFORMED_FRAME, f"not a frame: {error}")
            return
        if request.kind == 1:
            self._request(request)
        elif request.kind == 5:
            self._send((6, request.id))
        else:
            self.close(Code.MALFORMED_FRAME, f"clients do not send frames of kind {request.kind}")

    # --- requests ---------------------------------------------------------------------------

    def _request(self, request: RequestFrame) -> None:
        if not 0 < request.id <= MAX_ID or not request.method:
            self.close(Code.MALFORMED_FRAME, "a request needs an id from 1 to 2^53-1 and a method")
            return
        if self._in_flight >= self._deps.limits.window:
            self._refuse(request.id, TrunklineError(Code.TOO_MANY_IN_FLIGHT, retry_ms=100))
            return
        self._in_flight += 1
        if self._backlog is not None:
            self._backlog.append(request)
            return
        if not self.greeted:
            if request.method != "hello":
                self._settled(TrunklineError(Code.HELLO_REQUIRED, "hello comes first"), request.id, None)
                return
            self._backlog = deque()
            self._spawn(greeting.greet(self, self._deps, request))
            return
        try:
            self._dispatch(request)
        except TrunklineError as error:
            self._deps.engine.commits.release(self._refused, request.id, error)

    def _dispatch(self, request: RequestFrame) -> None:
        """Start one request of a greeted session."""
        self._check_rate()
        if request.method == "message.send":
            try:
                params = self._codec.decode_send(request.params)
            except (msgspec.DecodeError, RecursionError) as error:
                raise invalid_params(error) from error
            sent = self._deps.sender.send_now(self.caller, params, self.outbox if params.n else None)
            if sent is not None:
                self._deps.engine.commits.release(self._settled, request.id, sent)
                return
            self._backlog = deque()
            self._spawn(self._run_backlog(request))
            return
        operation = self._deps.operations.get(request.method)
        if operation is None:
            if request.method == "hello":
                raise TrunklineError(Code.ALREADY_GREETED, "hello was sent before on this connection")
            raise TrunklineError(Code.UNKNOWN_METHOD, f"there is no method {request.method[:64]!r}")
        check_access(self.caller, operation)
        if operation.run_now is not None and self._run_now(operation, request):
            return
        if operation.writes:
            self._backlog = deque()
            self._spawn(self._run_backlog(request))
        else:
            self._spawn(self._run(request))

    def _run_now(self, operation: Operation, request: RequestFrame) -> bool:
        """Run a request in the socket's own callback; False when something must be loaded first."""
        assert operation.run_now is not None
        try:
            params = self._codec.decode_params(request.params, operation.request)
        except (msgspec.DecodeError, RecursionError) as error:
            raise invalid_params(error) from error
        try:
            result = operation.run_now(self.caller, params)
        except TrunklineError:
            raise
        except Exception as error:
            log.exception("method failed", extra={"method": request.method})
            raise TrunklineError(Code.INTERNAL, "the server failed to do this") from error
        if result is None:
            return False
        self._deps.engine.commits.release(self._settled, request.id, result)
        return True

    def _check_rate(self) -> None:
        rate = self._deps.limits.rate
        if not rate.per_s:
            return
        now_s = self._deps.engine.clock.monotonic_s()
        if self._bucket is None:
            self._bucket = Bucket(rate, now_s)
        verdict = self._bucket.take(rate, now_s)
        if not verdict.allowed:
            raise TrunklineError(
                Code.RATE_LIMITED,
                "too many requests on this connection",
                retry_ms=int(verdict.retry_after_s * 1000) + 1,
            )

    def rate_allows(self, request_id: int) -> bool:
        """Whether the connection's rate covers one more request; if not, it is refused as by ``_request``."""
        try:
            self._check_rate()
        except TrunklineError as error:
            self._in_flight += 1
            self._deps.engine.commits.release(self._refused, request_id, error)
            return False
        return True

    async def _run_backlog(self, request: RequestFrame) -> None:
        """Run a request that has to wait, then those that came meanwhile, one after the other."""
        await self._run(request)
        await self.drain_backlog()

    async def drain_backlog(self) -> None:
        """Work off the queued requests in order; then requests go the direct way again."""
        backlog = self._backlog
        while backlog and not self._closed:
            request = backlog.popleft()
            try:
                self._check_rate()
            except TrunklineError as error:
                self._refused(None, request.id, error)
                continue
            await self._run(request)
        self._backlog = None

    async def _run(self, request: RequestFrame) -> None:
        """Run one request to its end and queue the reply."""
        engine = self._deps.engine
        try:
            result = await self._call(request)
        except TrunklineError as error:
            engine.commits.release(self._refused, request.id, error)
        except (msgspec.DecodeError, RecursionError) as error:
            engine.commits.release(self._refused, request.id, invalid_params(error))
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("method failed", extra={"method": request.method})
            self._refused(None, request.id, TrunklineError(Code.INTERNAL, "the server failed to do this"))
        else:
            engine.commits.release(self._settled, request.id, result)

    async def _call(self, request: RequestFrame) -> Any:
        deps = self._deps
        if request.method == "message.send":
            params = self._codec.decode_send(request.params)
            return await deps.sender.send(self.caller, params, self.outbox if params.n else None)
        operation = deps.operations.get(request.method)
        if operation is None:
            code = Code.ALREADY_GREETED if request.method == "hello" else Code.UNKNOWN_METHOD
            raise TrunklineError(code, f"{request.method[:64]!r} cannot be called here")
        check_access(self.caller, operation)
        params = self._codec.decode_params(request.params, operation.request)
        if isinstance(params, NUMBERED) and params.outbox is None and self.outbox is not None:
            params.outbox = self.outbox.id
        return await operation.run(self.caller, params)

    def _spawn(self, work: Any) -> None:
        """Run a coroutine as a task of this session; it ends with the session."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name="link-request")
        if self._tasks is None:
            self._tasks = set()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- replies and pushes -----------------------------------------------------------------

    def _settled(self, error: TrunklineError | None, request_id: int, result: Any) -> None:
        """Everything the reply saw is durable, or it failed: answer."""
        self._in_flight -= 1
        if error is None:
            self._send((2, request_id, result))
        else:
            self._refuse(request_id, error)

    def send_failed(self, error: TrunklineError, ack: bytes) -> None:
        """A send that was answered beforehand was not committed: ``ack`` is the reply that must not leave."""
        request: RequestFrame = self._codec.decode_frame(ack[2 if ack[1] < 126 else 4 :])
        self._settled(error, request.id, None)

    def _refused(self, _commit_error: TrunklineError | None, request_id: int, error: TrunklineError) -> None:
        """A refusal that may rest on pending state, now durable."""
        self._in_flight -= 1
        self._refuse(request_id, error)

    def reply(self, request_id: int, result: Any) -> None:
        """Answer once everything pending is durable."""
        self._deps.engine.commits.release(self._settled, request_id, result)

    def refuse(self, request_id: int, error: TrunklineError) -> None:
        """Answer with an error."""
        self._refused(None, request_id, error)

    def _refuse(self, request_id: int, error: TrunklineError) -> None:
        code = error.code
        body = ErrorBody(
            code.number, code.slug, error.detail, code.retry.value, code.applied, error.retry_ms, error.field
        )
        self._send((3, request_id, body))

    def _send(self, frame: Any) -> None:
        if self._closed:
            return
        self._out.append(self._codec.message(frame))
        if not self._dirty:
            self._dirty = True
            self._deps.hub.mark(self)

    def push(self, outgoing: Outgoing) -> None:
        """Queue a push; dropped while the client reads too slowly."""
        if self._closed or self._lagging:
            return
        self._out.append(self._codec.shared(outgoing))
        if not self._dirty:
            self._dirty = True
            self._deps.hub.mark(self)

    def unsent_bytes(self) -> int:
        """Bytes the client has not taken yet; the limit and more while pushes are dropped."""
        if self._closed:
            return 0
        return self._deps.limits.close_buffer_bytes if self._lagging else int(self._buffered())

    def flush(self) -> None:
        """Write what the tick has for this connection, in one write."""
        self._dirty = False
        out = self._out
        if self._closed or not out:
            return
        self._out = []
        data = out[0] if len(out) == 1 else b"".join(out)
        waiting = self._buffered()
        if not waiting and self._fd >= 0:
            # Straight to the socket: the transport's own path costs a third more per write, and writes are what
            # fan-out costs. Nothing is buffered, so order is kept; what the kernel does not take goes the usual way.
            try:
                sent = os.write(self._fd, data)
            except OSError:
                sent = 0  # full, or broken: the transport finds out and says so
            if sent == len(data):
                return
            data = data[sent:]
        self.write_rest(data)

    def write_rest(self, data: bytes) -> None:
        """Write what the kernel did not take at once."""
        self._write(data)
        waiting = self._buffered()
        if waiting:
            self._check_reader(waiting)

    def _check_reader(self, waiting: int) -> None:
        """The kernel did not take everything: stop pushing, or give up, when too much piles up."""
        if waiting > self._deps.limits.push_buffer_bytes:
            self._lagging = True
            if waiting > self._deps.limits.close_buffer_bytes:
                self.close(Code.SLOW_CONSUMER, "the client reads too slowly")

    # --- care and end -----------------------------------------------------------------------

    def sweep(self, now_s: float) -> None:
        """Heartbeats, token expiry, and telling a client that has caught up what it missed."""
        if self.expires_at_s and self._deps.engine.clock.now_ms() >= self.expires_at_s * 1000:
            self.close(Code.TOKEN_EXPIRED, "the token has expired")
            return
        if self._lagging and self._buffered() < self._deps.limits.push_buffer_bytes // 4:
            self._lagging = False
            self._send((4, "lagged", {}))
        silent_s = now_s - self.heard_s
        if silent_s > 2 * self._deps.limits.heartbeat_s:
            self.close(Code.HEARTBEAT_TIMEOUT, "nothing was heard for two heartbeats")
        elif silent_s > self._deps.limits.heartbeat_s and not self._pinged and self._transport is not None:
            self._pinged = True
            self._transport.send_ping()

    def hello_done(self) -> None:
        """The session is greeted: the hello timer ends."""
        self.greeted = True
        if self._hello_timer is not None:
            self._hello_timer.cancel()
            self._hello_timer = None

    def close(self, code: Code, detail: str = "") -> None:
        """Close with the code's close code, after what is queued; nothing that arrives later is applied."""
        if self._closed:
            return
        self.flush()
        transport = self._transport
        self._end()
        if transport is not None:
            reason = (detail or code.advice).encode()[:120]
            transport.send_close(cast(WSCloseCode, code.close_code), reason)
            transport.disconnect()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._fd = -1
        if self._conn is not None:
            self._conn.drop()
            self._conn = None
        if self._hello_timer is not None:
            self._hello_timer.cancel()
            self._hello_timer = None
        self._deps.hub.remove(self)
        self._deps.forget(self)
        if self.outbox is not None:
            self.outbox.holders -= 1
            self.outbox = None
        for task in tuple(self._tasks or ()):
            task.cancel()
        self._transport = None


def invalid_params(error: BaseException) -> TrunklineError:
    """A decode error of msgspec as ours; it names the offending field as a path."""
    text = str(error)
    field = text.rpartition("`$.")[2].rstrip("`") if "`$." in text else ""
    return TrunklineError(Code.INVALID_PARAMS, text, field=field)
