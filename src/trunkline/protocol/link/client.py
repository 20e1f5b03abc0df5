"""The client's side of one connection: hello, requests and their replies, pushes, heartbeats, the end.

``LinkClient`` takes WebSocket messages and the present time and returns events; what it wants sent is taken with
``data_to_send``. One machine serves one connection and is thrown away with it.
What is not here: sockets, positions in conversations (``gap``), when to reconnect (``closing``, ``backoff``).
"""

from __future__ import annotations

import enum
import heapq
from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from trunkline.base.errors import Code, Retry
from trunkline.protocol.link.closing import Reaction, reaction_to_close, reaction_to_error
from trunkline.protocol.link.frames import Codec, FrameError, compact_params
from trunkline.wire.calls.session import Hello, Welcome
from trunkline.wire.frames import ErrorBody, FrameKind

HELLO_TIMEOUT_S = 10.0
_HELLO_ID = 1
_LARGEST_ID = 2**53 - 1


class LinkState(enum.Enum):
    """Life of a connection."""

    GREETING = "greeting"
    READY = "ready"
    CLOSED = "closed"


@dataclass(slots=True, frozen=True)
class Welcomed:
    """Hello was accepted."""

    welcome: Welcome


@dataclass(slots=True, frozen=True)
class HelloRefused:
    """Hello was refused; close the connection and do what ``reaction`` says."""

    error: ErrorBody
    reaction: Reaction


@dataclass(slots=True, frozen=True)
class Replied:
    """A request took effect, durably; decode ``body`` with the shape of its result."""

    id: int
    body: msgspec.Raw


@dataclass(slots=True, frozen=True)
class Failed:
    """A request was refused, timed out or was cut off; ``error.applied`` tells refusal from unknown."""

    id: int
    error: ErrorBody


@dataclass(slots=True, frozen=True)
class Pushed:
    """The server pushed ``event``; decode ``body`` with the shape of its data."""

    event: str
    body: msgspec.Raw


@dataclass(slots=True, frozen=True)
class Silent:
    """The server stopped answering: drop the connection without a closing handshake and reconnect."""


@dataclass(slots=True, frozen=True)
class Violated:
    """The server sent something that is no frame: close with ``close_code`` and reconnect."""

    detail: str
    close_code: int = Code.MALFORMED_FRAME.close_code


@dataclass(slots=True, frozen=True)
class Ended:
    """The connection is over; preceded by a ``Failed`` for every request that was under way."""

    close_code: int
    reaction: Reaction


Event = Welcomed | HelloRefused | Replied | Failed | Pushed | Silent | Violated | Ended


def lost_error(*, sent: bool) -> ErrorBody:
    """What a request gets when its connection ends: unknown if it was sent, else certainly not applied."""
    code = Code.TIMED_OUT if sent else Code.BUSY
    return ErrorBody(
        code=code.number,
        name=code.slug,
        message="the connection ended before the answer came" if sent else "the connection ended before it was sent",
        retry=(Retry.SAME_ID if sent else Retry.LATER).value,
        applied=code.applied,
    )


class LinkClient:
    """One connection, from hello to its end.

    Args:
        codec: the negotiated encoding.
        hello: the first request; its token is sent once and not kept.
        now_s: monotonic seconds, as everywhere in this class.
        max_waiting: most requests kept back while the server's window is full.
    """

    def __init__(self, codec: Codec, hello: Hello, now_s: float, *, max_waiting: int = 1024) -> None:
        self.codec = codec
        self.state = LinkState.GREETING
        self.window = 1
        self.heartbeat_s = HELLO_TIMEOUT_S
        self._max_waiting = max_waiting
        self._out: list[bytes] = []
        self._last_id = _HELLO_ID
        self._in_flight: set[int] = set()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._open: set[int] = set()
        self._deadlines: list[tuple[float, int]] = []
        self._heard_at_s = now_s
        self._pinged_at_s: float | None = None
        self._pings = 0
        self._hello_due_s = now_s + HELLO_TIMEOUT_S
        self._emit(_HELLO_ID, "hello", compact_params(hello))

    @property
    def open_requests(self) -> int:
        """Requests sent or kept back that have no answer yet."""
        return len(self._open)

    @property
    def full(self) -> bool:
        """Whether ``request`` would refuse."""
        return len(self._waiting) >= self._max_waiting

    def data_to_send(self) -> list[bytes]:
        """What must be sent now, one WebSocket message each; every call takes what is there."""
        out, self._out = self._out, []
        return out

    def request(self, method: str, params: msgspec.Struct | dict[str, Any], now_s: float, *, timeout_s: float) -> int:
        """Ask for something; the answer is a ``Replied`` or ``Failed`` with the returned id.

        Requests leave in the order of the calls, at most ``window`` of them unanswered.

        Raises:
            RuntimeError: not greeted yet, ended, or ``full``.
        """
        if self.state is not LinkState.READY:
            raise RuntimeError(f"no request can be made in state {self.state.value}")
        if self.full:
            raise RuntimeError("too many requests wait for the server's window")
        self._last_id = self._last_id % _LARGEST_ID + 1
        request_id = self._last_id
        fields = compact_params(params) if isinstance(params, msgspec.Struct) else params
        data = self.codec.encode((int(FrameKind.REQUEST), request_id, method, fields))
        heapq.heappush(self._deadlines, (now_s + timeout_s, request_id))
        self._waiting.append((request_id, data))
        self._open.add(request_id)
        self._release()
        return request_id

    def heard(self, now_s: float) -> None:
        """Anything at all arrived from the server, a WebSocket ping included."""
        self._heard_at_s = now_s
        self._pinged_at_s = None

    def receive(self, data: bytes, now_s: float) -> list[Event]:
        """One WebSocket message arrived."""
        if self.state is LinkState.CLOSED:
            return []
        self.heard(now_s)
        try:
            return self._received(data)
        except FrameError as exc:
            return [Violated(str(exc))]

    def next_timeout_s(self) -> float | None:
        """When to call ``tick``; None once closed."""
        if self.state is LinkState.CLOSED:
            return None
        if self.state is LinkState.GREETING:
            return self._hello_due_s
        due_s = self._silence_due_s()
        self._forget_answered_deadlines()
        return min(due_s, self._deadlines[0][0]) if self._deadlines else due_s

    def tick(self, now_s: float) -> list[Event]:
        """Time has passed: requests may have timed out, and a silent server is pinged, then given up."""
        if self.state is LinkState.CLOSED:
            return []
        if self.state is LinkState.GREETING:
            return [Silent()] if now_s >= self._hello_due_s else []
        events: list[Event] = []
        self._forget_answered_deadlines()
        while self._deadlines and self._deadlines[0][0] <= now_s:
            _, request_id = heapq.heappop(self._deadlines)
            self._open.discard(request_id)
            if request_id in self._in_flight:
                self._in_flight.discard(request_id)
                events.append(Failed(request_id, _timed_out(sent=True)))
            else:
                self._waiting = deque(item for item in self._waiting if item[0] != request_id)
                events.append(Failed(request_id, _timed_out(sent=False)))
            self._forget_answered_deadlines()
        self._release()
        if now_s >= self._silence_due_s():
            if self._pinged_at_s is not None:
                events.append(Silent())
            else:
                self._pinged_at_s = now_s
                self._pings += 1
                self._out.append(self.codec.encode((int(FrameKind.PING), self._pings)))
        return events

    def closed(self, close_code: int) -> list[Event]:
        """The WebSocket is gone; 1006 when there was no close frame."""
        if self.state is LinkState.CLOSED:
            return []
        self.state = LinkState.CLOSED
        events: list[Event] = [Failed(request_id, lost_error(sent=True)) for request_id in sorted(self._in_flight)]
        events.extend(Failed(request_id, lost_error(sent=False)) for request_id, _ in self._waiting)
        self._in_flight.clear()
        self._open.clear()
        self._waiting.clear()
        self._deadlines.clear()
        self._out.clear()
        events.append(Ended(close_code, reaction_to_close(close_code)))
        return events

    # ------------------------------------------------------------------ inside

    def _received(self, data: bytes) -> list[Event]:
        frame = self.codec.decode_frame(data)
        kind, subject = frame.kind, frame.subject
        if kind == FrameKind.PUSH:
            # Nothing is pushed before the welcome, so what arrives earlier is not for this session.
            return [Pushed(str(subject), frame.body)] if self.state is LinkState.READY else []
        if kind not in (FrameKind.OK, FrameKind.ERROR):
            return []
        request_id = int(subject)
        if self.state is LinkState.GREETING:
            return self._greeted(request_id, kind, frame.body)
        if request_id not in self._in_flight:
            return []  # timed out earlier; its caller has been told that the outcome is unknown
        error = self.codec.decode(frame.body, ErrorBody) if kind == FrameKind.ERROR else None
        self._in_flight.discard(request_id)
        self._open.discard(request_id)
        self._release()
        return [Replied(request_id, frame.body)] if error is None else [Failed(request_id, error)]

    def _greeted(self, request_id: int, kind: int, body: msgspec.Raw) -> list[Event]:
        if request_id != _HELLO_ID:
            raise FrameError(f"an answer to request {request_id} before the answer to hello")
        if kind == FrameKind.ERROR:
            error = self.codec.decode(body, ErrorBody)
            return [HelloRefused(error, reaction_to_error(error.code))]
        welcome = self.codec.decode(body, Welcome)
        self.state = LinkState.READY
        self.window = max(1, welcome.window)
        self.heartbeat_s = max(welcome.heartbeat_ms, 1) / 1000.0
        return [Welcomed(welcome)]

    def _emit(self, request_id: int, method: str, fields: dict[str, Any]) -> None:
        self._out.append(self.codec.encode((int(FrameKind.REQUEST), request_id, method, fields)))

    def _release(self) -> None:
        while self._waiting and len(self._in_flight) < self.window:
            request_id, data = self._waiting.popleft()
            self._in_flight.add(request_id)
            self._out.append(data)

    def _silence_due_s(self) -> float:
        if self._pinged_at_s is not None:
            return self._pinged_at_s + 0.5 * self.heartbeat_s
        # The server pings after one heartbeat of silence. Half a heartbeat for that to arrive, half for our own ping's
        # answer: a dead connection is noticed within two.
        return self._heard_at_s + 1.5 * self.heartbeat_s

    def _forget_answered_deadlines(self) -> None:
        while self._deadlines and self._deadlines[0][1] not in self._open:
            heapq.heappop(self._deadlines)


def _timed_out(*, sent: bool) -> ErrorBody:
    error = lost_error(sent=sent)
    error.message = "no answer in time" if sent else "the server's window stayed full"
    return error
