"""One SCTP association: handshake, dispatch of chunks, timers, acknowledgements and stream resets.

Sans-IO: ``receive`` takes a packet and ``now_s``, ``take_packets`` gives what to send, ``take_events`` what happened,
``timeout_s`` when ``handle_timeout`` is due. The peer is already authenticated (DTLS), so the cookie of the handshake
only has to be the one we gave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trunkline.protocol.sctp import chunks as wire
from trunkline.protocol.sctp.chunks import Chunk, Init, Kind, OutgoingReset, ReconfigResponse, SctpError
from trunkline.protocol.sctp.inbound import WINDOW_BYTES, Inbound, InboundError, Message
from trunkline.protocol.sctp.outbound import MTU_BYTES, RTO_INITIAL_S, RTO_MAX_S, Outbound, Outgoing

SACK_DELAY_S = 0.1
MAX_FAILURES = 12
"""Time-outs in a row after which the peer counts as gone; at 8 s each, ICE has noticed long before."""
MAX_INIT_FAILURES = 8
STREAMS = 1024


@dataclass(slots=True, frozen=True)
class Established:
    """The handshake is done."""


@dataclass(slots=True, frozen=True)
class MessageReceived:
    """A whole message came on a stream."""

    stream: int
    ppid: int
    data: bytes


@dataclass(slots=True, frozen=True)
class StreamsReset:
    """The peer ended these streams."""

    streams: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Closed:
    """The association is over."""

    reason: str


Event = Established | MessageReceived | StreamsReset | Closed


class Association:
    """One association.

    Args:
        tag: our verification tag, random and not zero.
        first_tsn: our first number, random.
        cookie: random bytes that the peer has to echo.
        max_message_bytes: the longest message taken.
    """

    def __init__(self, *, tag: int, first_tsn: int, cookie: bytes, max_message_bytes: int = 256 * 1024) -> None:
        self._tag = tag
        self._first_tsn = first_tsn
        self._cookie = cookie
        self._max_message = max_message_bytes
        self._peer: Init | None = None
        self._peer_cookie = b""
        self._state = "closed"
        self._inbound: Inbound | None = None
        self._outbound: Outbound | None = None
        self._waiting: list[Outgoing] = []
        self._packets: list[bytes] = []
        self._events: list[Event] = []
        self._control: list[Chunk] = []
        self._handshake_s: float | None = None
        self._handshake_rto_s = RTO_INITIAL_S
        self._handshake_failures = 0
        self._sack_s: float | None = None
        self._unacked = 0
        self._resets: set[int] = set()
        self._reset_request: OutgoingReset | None = None
        self._reset_s: float | None = None
        self._next_request = first_tsn
        self._peer_request: int | None = None
        self._peer_result = 0

    # --- what the owner asks ----------------------------------------------------------------

    @property
    def established(self) -> bool:
        """Whether messages flow."""
        return self._state == "established"

    @property
    def buffered_bytes(self) -> int:
        """Accepted and neither acknowledged nor given up."""
        waiting = sum(len(message.data) for message in self._waiting)
        return waiting + (self._outbound.buffered_bytes if self._outbound is not None else 0)

    def connect(self, now_s: float) -> None:
        """Begin the handshake (the other side may do so as well)."""
        if self._state == "closed":
            self._state = "cookie-wait"
            self._start_handshake(now_s)

    def send(
        self,
        stream: int,
        ppid: int,
        data: bytes,
        now_s: float,
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime_s: float | None = None,
    ) -> None:
        """Queue a message; it leaves with ``take_packets``.

        Raises:
            ValueError: it is empty (SCTP has no empty messages).
        """
        if not data:
            raise ValueError("an empty message")
        expires_s = None if lifetime_s is None else now_s + lifetime_s
        message = Outgoing(stream, ppid, data, not ordered, max_retransmits, expires_s)
        if self._outbound is None or not self.established:
            self._waiting.append(message)
        else:
            self._outbound.put(message)

    def reset_streams(self, streams: tuple[int, ...]) -> None:
        """End our side of these streams once what was sent on them has been taken in."""
        self._resets.update(streams)

    def abort(self, reason: str) -> None:
        """End at once and tell the peer."""
        if self._peer is not None and self._state != "over":
            self._packets.append(wire.packet(self._peer.tag, [Chunk(Kind.ABORT)]))
        self._over(reason)

    def take_events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    @property
    def timeout_s(self) -> float | None:
        """When ``handle_timeout`` is due; None when nothing is."""
        due = [self._handshake_s, self._sack_s, self._reset_s]
        if self._outbound is not None and self.established:
            due.append(self._outbound.expires_s)
        return min((time_s for time_s in due if time_s is not None), default=None)

    # --- time -------------------------------------------------------------------------------

    def handle_timeout(self, now_s: float) -> None:
        """Do what is due."""
        if self._handshake_s is not None and now_s >= self._handshake_s:
            self._handshake_failures += 1
            if self._handshake_failures > MAX_INIT_FAILURES:
                self._over("the peer does not answer")
                return
            self._handshake_rto_s = min(2 * self._handshake_rto_s, RTO_MAX_S)
            self._start_handshake(now_s)
        if self._sack_s is not None and now_s >= self._sack_s:
            self._acknowledge()
        outbound = self._outbound
        if outbound is not None and outbound.expires_s is not None and now_s >= outbound.expires_s:
            outbound.on_timeout(now_s)
            if outbound.failures > MAX_FAILURES:
                self.abort("the peer acknowledges nothing")
        if self._reset_s is not None and now_s >= self._reset_s and self._reset_request is not None:
            self._send_reset(self._reset_request, now_s)

    def _start_handshake(self, now_s: float) -> None:
        if self._state == "cookie-wait":
            init = Init(self._tag, WINDOW_BYTES, STREAMS, STREAMS, self._first_tsn & 0xFFFFFFFF, partial=True)
            self._packets.append(wire.packet(0, [init.chunk(Kind.INIT)]))
        elif self._peer is not None:
            self._packets.append(wire.packet(self._peer.tag, [Chunk(Kind.COOKIE_ECHO, 0, self._peer_cookie)]))
        self._handshake_s = now_s + self._handshake_rto_s

    # --- packets in -------------------------------------------------------------------------

    def receive(self, datagram: bytes, now_s: float) -> None:
        """A packet arrived. What is malformed, or has another tag, changes nothing."""
        try:
            tag, found = wire.parse(datagram)
        except SctpError:
            return
        if self._state == "over" or not found:
            return
        if found[0].kind == Kind.INIT:
            if tag == 0 and len(found) == 1:
                self._take(self._on_init, found[0], now_s)
            return
        if tag != self._tag and not (found[0].kind == Kind.ABORT and found[0].flags & 1):
            return
        brought_data = False
        for chunk in found:
            handler = _HANDLERS.get(chunk.kind)
            if handler is not None:
                brought_data |= chunk.kind in (Kind.DATA, Kind.FORWARD_TSN)
                self._take(handler.__get__(self), chunk, now_s)
        if brought_data and self._inbound is not None:
            self._plan_sack(now_s)

    def _take(self, handler: Callable[[Chunk, float], None], chunk: Chunk, now_s: float) -> None:
        try:
            handler(chunk, now_s)
        except SctpError:
            return  # this chunk is malformed; its neighbours may not be
        except InboundError as error:
            self.abort(str(error))

    def _on_init(self, chunk: Chunk, _now_s: float) -> None:
        init = wire.parse_init(chunk)
        if self.established and self._peer is not None and init.tag != self._peer.tag:
            return  # a restart: in WebRTC that is a new DTLS association
        if self._state in ("closed", "cookie-wait"):
            self._peer = init
        answer = Init(
            self._tag, WINDOW_BYTES, STREAMS, STREAMS, self._first_tsn & 0xFFFFFFFF, self._cookie, partial=True
        )
        self._packets.append(wire.packet(init.tag, [answer.chunk(Kind.INIT_ACK)]))

    def _on_init_ack(self, chunk: Chunk, now_s: float) -> None:
        if self._state != "cookie-wait":
            return
        init = wire.parse_init(chunk)
        if not init.cookie:
            raise SctpError("no cookie")
        self._peer, self._peer_cookie = init, init.cookie
        self._state = "cookie-echoed"
        self._handshake_failures = 0
        self._handshake_rto_s = RTO_INITIAL_S
        self._start_handshake(now_s)

    def _on_cookie_echo(self, chunk: Chunk, _now_s: float) -> None:
        if chunk.value != self._cookie or self._peer is None:
            return
        self._control.append(Chunk(Kind.COOKIE_ACK))
        self._establish()

    def _on_cookie_ack(self, _chunk: Chunk, _now_s: float) -> None:
        if self._state == "cookie-echoed":
            self._establish()

    def _establish(self) -> None:
        peer = self._peer
        if self.established or peer is None:
            return
        self._state = "established"
        self._handshake_s = None
        self._inbound = Inbound(peer.tsn, self._max_message)
        self._outbound = Outbound(self._first_tsn & 0xFFFFFFFF, peer.window_bytes, peer.partial)
        for message in self._waiting:
            self._outbound.put(message)
        self._waiting = []
        self._events.append(Established())

    def _on_data(self, chunk: Chunk, _now_s: float) -> None:
        if self._inbound is None:
            return
        data = wire.parse_data(chunk)
        self._unacked += 2 if data.immediate else 1
        self._received(self._inbound.on_data(data))

    def _on_forward(self, chunk: Chunk, _now_s: float) -> None:
        if self._inbound is not None:
            self._unacked += 2
            self._received(self._inbound.on_forward(wire.parse_forward(chunk)))

    def _received(self, messages: list[Message]) -> None:
        self._events.extend(MessageReceived(m.stream, m.ppid, m.data) for m in messages)

    def _on_sack(self, chunk: Chunk, now_s: float) -> None:
        if self._outbound is not None:
            self._outbound.on_sack(wire.parse_sack(chunk), now_s)

    def _on_heartbeat(self, chunk: Chunk, _now_s: float) -> None:
        self._control.append(Chunk(Kind.HEARTBEAT_ACK, 0, chunk.value[:1000]))

    def _on_abort(self, _chunk: Chunk, _now_s: float) -> None:
        self._over("the peer aborted")

    def _on_shutdown(self, _chunk: Chunk, _now_s: float) -> None:
        self._control.append(Chunk(Kind.SHUTDOWN_ACK))

    def _on_shutdown_complete(self, _chunk: Chunk, _now_s: float) -> None:
        self._over("the peer shut down")

    def _over(self, reason: str) -> None:
        if self._state == "over":
            return
        self._state = "over"
        self._handshake_s = self._sack_s = self._reset_s = None
        self._events.append(Closed(reason))

    # --- stream resets ----------------------------------------------------------------------

    def _on_reconfig(self, chunk: Chunk, _now_s: float) -> None:
        for request in wire.parse_reconfig(chunk):
            if isinstance(request, ReconfigResponse):
                self._on_response(request)
            else:
                self._on_reset(request)

    def _on_reset(self, request: OutgoingReset) -> None:
        inbound = self._inbound
        if inbound is None:
            return
        if request.request != self._peer_request or self._peer_result == 6:
            self._peer_request = request.request
            # In progress until everything sent before has arrived (RFC 6525 section 5.2.2).
            self._peer_result = 1 if inbound.reached(request.last_tsn) else 6
            if self._peer_result == 1:
                inbound.reset(request.streams)
                self._events.append(StreamsReset(request.streams))
        self._control.append(Chunk(Kind.RE_CONFIG, 0, ReconfigResponse(request.request, self._peer_result).value()))

    def _on_response(self, response: ReconfigResponse) -> None:
        request = self._reset_request
        if request is None or response.request != request.request or response.result == 6:
            return
        if response.result in (0, 1) and self._outbound is not None:
            self._outbound.reset(request.streams)
        self._reset_request = self._reset_s = None

    def _plan_reset(self, now_s: float) -> None:
        outbound = self._outbound
        if not self._resets or self._reset_request is not None or outbound is None:
            return
        if not outbound.is_idle(frozenset(self._resets)):
            return
        streams, self._resets = tuple(sorted(self._resets)), set()
        request = OutgoingReset(
            self._next_request & 0xFFFFFFFF, (self._peer_request or 0) & 0xFFFFFFFF, outbound.last_tsn, streams
        )
        self._next_request += 1
        self._send_reset(request, now_s)

    def _send_reset(self, request: OutgoingReset, now_s: float) -> None:
        self._reset_request = request
        self._reset_s = now_s + (self._outbound.timer.rto_s if self._outbound is not None else RTO_INITIAL_S)
        self._control.append(Chunk(Kind.RE_CONFIG, 0, request.value()))

    # --- packets out ------------------------------------------------------------------------

    def _plan_sack(self, now_s: float) -> None:
        if self._inbound is not None and (self._unacked >= 2 or self._inbound.has_gaps):
            self._acknowledge()
        elif self._sack_s is None:
            self._sack_s = now_s + SACK_DELAY_S

    def _acknowledge(self) -> None:
        self._sack_s = None
        self._unacked = 0
        if self._inbound is not None:
            self._control.append(self._inbound.sack().chunk())

    def take_packets(self, now_s: float) -> list[bytes]:
        """The packets to send now, in order."""
        packets, self._packets = self._packets, []
        peer = self._peer
        if peer is None or self._state == "over":
            self._control = []
            return packets
        ready, self._control = self._control, []
        if self._outbound is not None and self.established:
            self._plan_reset(now_s)
            flight = self._outbound.flight(now_s)
            ready.extend(self._control)
            self._control = []
            if flight.forward is not None:
                ready.append(flight.forward.chunk())
            ready.extend(data.chunk() for data in flight.chunks)
        bundle: list[Chunk] = []
        size = wire.HEADER_BYTES
        for chunk in ready:
            needed = 4 + len(chunk.value) + (-len(chunk.value) % 4)
            if bundle and size + needed > MTU_BYTES:
                packets.append(wire.packet(peer.tag, bundle))
                bundle, size = [], wire.HEADER_BYTES
            bundle.append(chunk)
            size += needed
        if bundle:
            packets.append(wire.packet(peer.tag, bundle))
        return packets


_HANDLERS: dict[int, Callable[[Association, Chunk, float], None]] = {
    Kind.INIT_ACK: Association._on_init_ack,
    Kind.COOKIE_ECHO: Association._on_cookie_echo,
    Kind.COOKIE_ACK: Association._on_cookie_ack,
    Kind.DATA: Association._on_data,
    Kind.SACK: Association._on_sack,
    Kind.HEARTBEAT: Association._on_heartbeat,
    Kind.ABORT: Association._on_abort,
    Kind.SHUTDOWN: Association._on_shutdown,
    Kind.SHUTDOWN_ACK: Association._on_shutdown_complete,
    Kind.SHUTDOWN_COMPLETE: Association._on_shutdown_complete,
    Kind.RE_CONFIG: Association._on_reconfig,
    Kind.FORWARD_TSN: Association._on_forward,
}
