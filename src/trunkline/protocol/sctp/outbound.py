"""The sending half: fragments, what is in flight, retransmission, congestion control, and giving up.

RFC 9260 section 7 for the window, section 6.3 for the timer; RFC 3758 for messages that may be given up after so many
retransmissions or so much time. Numbers are extended, so that nothing here wraps.

Not here: SACKs for the other direction, the handshake (``association``).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.sctp.chunks import DATA_HEADER_BYTES, Data, ForwardTsn, Sack

MTU_BYTES = 1160
"""What fits a datagram of 1,200 bytes, less 40 for the DTLS record, its tag and its explicit nonce."""
FRAGMENT_BYTES = 1120
RTO_INITIAL_S, RTO_MIN_S, RTO_MAX_S = 1.0, 0.4, 8.0
MAX_FAST_MISSES = 3


@dataclass(slots=True)
class Outgoing:
    """A message on its way.

    Attributes:
        max_retransmits: retransmissions before it is given up; None: never.
        expires_s: when it is given up; None: never.
    """

    stream: int
    ppid: int
    data: bytes
    unordered: bool
    max_retransmits: int | None
    expires_s: float | None
    ssn: int = 0
    position: int = 0
    abandoned: bool = False


@dataclass(slots=True)
class _Sent:
    tsn: int
    chunk: Data
    message: Outgoing
    sent_s: float
    times: int = 1
    in_flight: bool = True
    acked: bool = False
    misses: int = 0
    again: bool = False


@dataclass(slots=True)
class Congestion:
    """The congestion window (RFC 9260 section 7.2)."""

    window: int = 10 * MTU_BYTES
    threshold: int = 1 << 30
    partial: int = 0
    recover: int | None = None
    """While in fast recovery: the number that ends it."""

    def acked(self, size_bytes: int, was_full: bool) -> None:
        """The cumulative number advanced and so many bytes left the flight."""
        if self.recover is not None or not was_full:
            return
        if self.window <= self.threshold:
            self.window += min(size_bytes, MTU_BYTES)
            return
        self.partial += size_bytes
        if self.partial >= self.window:
            self.partial -= self.window
            self.window += MTU_BYTES

    def lost(self, highest: int) -> None:
        """A gap was reported often enough: halve, once per flight."""
        if self.recover is None:
            self.threshold = max(self.window // 2, 4 * MTU_BYTES)
            self.window = self.threshold
            self.partial = 0
            self.recover = highest

    def timed_out(self) -> None:
        """Nothing came back: begin again from one packet."""
        self.threshold = max(self.window // 2, 4 * MTU_BYTES)
        self.window = MTU_BYTES
        self.partial = 0
        self.recover = None


@dataclass(slots=True)
class RetransmissionTimer:
    """Round trip and time-out (RFC 9260 section 6.3.1)."""

    rto_s: float = RTO_INITIAL_S
    smoothed_s: float | None = None
    variation_s: float = 0.0

    def measured(self, rtt_s: float) -> None:
        """A round trip of something sent once."""
        if self.smoothed_s is None:
            self.smoothed_s, self.variation_s = rtt_s, rtt_s / 2
        else:
            self.variation_s += (abs(self.smoothed_s - rtt_s) - self.variation_s) / 4
            self.smoothed_s += (rtt_s - self.smoothed_s) / 8
        self.rto_s = min(max(self.smoothed_s + 4 * self.variation_s, RTO_MIN_S), RTO_MAX_S)

    def backed_off(self) -> None:
        """Expired: wait twice as long."""
        self.rto_s = min(2 * self.rto_s, RTO_MAX_S)


@dataclass(slots=True)
class Flight:
    """What to put into packets now."""

    chunks: list[Data] = field(default_factory=list)
    forward: ForwardTsn | None = None


class Outbound:
    """Everything sent.

    Args:
        first_tsn: our first number, as in our INIT.
        peer_window_bytes: what the peer takes, as in its INIT.
        partial: whether the peer understands that we give messages up.

    Attributes:
        buffered_bytes: bytes accepted and not yet acknowledged or given up.
        expires_s: when the retransmission timer runs out; None when nothing is in flight.
        failures: time-outs in a row.
    """

    __slots__ = (
        "_cumulative",
        "_flight_bytes",
        "_next_ssn",
        "_next_tsn",
        "_partial",
        "_peer_window",
        "_queue",
        "_sent",
        "_tsns",
        "abandoned_point",
        "buffered_bytes",
        "congestion",
        "expires_s",
        "failures",
        "forward_due",
        "timer",
    )

    def __init__(self, first_tsn: int, peer_window_bytes: int, partial: bool) -> None:
        self._tsns = Unwrapper(32)
        self._next_tsn = (1 << 32) + first_tsn
        self._cumulative = self._next_tsn - 1
        self._tsns.highest = self._cumulative
        self.abandoned_point = self._cumulative
        self._peer_window = peer_window_bytes
        self._partial = partial
        self._queue: deque[Outgoing] = deque()
        self._sent: dict[int, _Sent] = {}
        self._next_ssn: dict[int, int] = {}
        self._flight_bytes = 0
        self.buffered_bytes = 0
        self.congestion = Congestion()
        self.timer = RetransmissionTimer()
        self.expires_s: float | None = None
        self.failures = 0
        self.forward_due = False

    @property
    def last_tsn(self) -> int:
        """The last number given out (32 bits)."""
        return (self._next_tsn - 1) & 0xFFFFFFFF

    def is_idle(self, streams: frozenset[int]) -> bool:
        """Whether nothing of these streams waits to be sent for the first time."""
        return not any(message.stream in streams for message in self._queue)

    def put(self, message: Outgoing) -> None:
        """Take a message."""
        if not self._partial:
            message.max_retransmits = message.expires_s = None
        if not message.unordered:
            message.ssn = self._next_ssn.get(message.stream, 0)
            self._next_ssn[message.stream] = (message.ssn + 1) & 0xFFFF
        self._queue.append(message)
        self.buffered_bytes += len(message.data)

    def reset(self, streams: tuple[int, ...]) -> None:
        """Our streams begin again at number 0."""
        for stream in streams:
            self._next_ssn.pop(stream, None)

    # --- what comes back --------------------------------------------------------------------

    def on_sack(self, sack: Sack, now_s: float) -> None:
        """The peer says what has arrived; anything impossible is ignored."""
        cumulative = self._tsns.nearest(sack.cumulative)
        if cumulative < self._cumulative or cumulative >= self._next_tsn:
            return
        was_full = self._flight_bytes + MTU_BYTES > self.congestion.window
        advanced = cumulative > self._cumulative
        acked_bytes, highest = self._take_acked(cumulative, sack, now_s)
        self._count_misses(highest)
        congestion = self.congestion
        if congestion.recover is not None and cumulative >= congestion.recover:
            congestion.recover = None
        if advanced:
            congestion.acked(acked_bytes, was_full)
        if acked_bytes:
            self.failures = 0
        self._peer_window = max(sack.window_bytes - self._flight_bytes, 0)
        self.abandoned_point = max(self.abandoned_point, cumulative)
        if acked_bytes and self.abandoned_point > cumulative:
            self.forward_due = True  # the one before may be lost (RFC 3758 section 3.5, C3)
        if not self._sent:
            self.expires_s = None
        elif advanced or self.expires_s is None:
            self.expires_s = now_s + self.timer.rto_s

    def _take_acked(self, cumulative: int, sack: Sack, now_s: float) -> tuple[int, int]:
        """Bytes that arrived for the first time, and the highest number among them."""
        acked_bytes = highest = 0
        for tsn in range(self._cumulative + 1, cumulative + 1):
            sent = self._sent.pop(tsn, None)
            if sent is not None:
                acked_bytes += self._ack(sent, now_s)
                highest = tsn
        self._cumulative = cumulative
        self._tsns.highest = max(self._tsns.highest or 0, cumulative)
        for first, last in sack.gaps:
            for tsn in range(cumulative + first, min(cumulative + last, self._next_tsn - 1) + 1):
                sent = self._sent.get(tsn)
                if sent is not None and not sent.acked:
                    acked_bytes += self._ack(sent, now_s)
                    highest = max(highest, tsn)
        return acked_bytes, highest

    def _ack(self, sent: _Sent, now_s: float) -> int:
        if sent.acked:
            return 0
        sent.acked, sent.again = True, False
        size = len(sent.chunk.data)
        if sent.in_flight:
            sent.in_flight = False
            self._flight_bytes -= size
        if not sent.message.abandoned:
            self.buffered_bytes -= size
        if sent.times == 1:
            self.timer.measured(now_s - sent.sent_s)
        return size

    def _count_misses(self, highest: int) -> None:
        """Fragments below one that arrived: asked for again after three reports (RFC 9260 section 7.2.4)."""
        for tsn, sent in self._sent.items():
            if tsn >= highest:
                break
            if sent.acked or not sent.in_flight:
                continue
            sent.misses += 1
            if sent.misses >= MAX_FAST_MISSES:
                self._lose(sent)
                self.congestion.lost(self._next_tsn - 1)

    def _lose(self, sent: _Sent) -> None:
        if sent.in_flight:
            sent.in_flight = False
            self._flight_bytes -= len(sent.chunk.data)
        sent.misses = 0
        sent.again = True

    def on_timeout(self, now_s: float) -> None:
        """The retransmission timer ran out: everything in flight counts as lost."""
        self.failures += 1
        self.timer.backed_off()
        self.congestion.timed_out()
        for sent in self._sent.values():
            if not sent.acked:
                self._lose(sent)
        self.expires_s = now_s + self.timer.rto_s
        self.forward_due = self.abandoned_point > self._cumulative

    # --- what goes out ----------------------------------------------------------------------

    def flight(self, now_s: float) -> Flight:
        """What may be sent now: lost fragments first, then new ones, as far as both windows allow."""
        self._give_up(now_s)
        flight = Flight()
        if self.forward_due:
            self.forward_due = False
            flight.forward = self._forward()
        for sent in self._sent.values():
            if not sent.again:
                continue
            if self._flight_bytes and self._flight_bytes >= self.congestion.window:
                break
            sent.again, sent.in_flight, sent.sent_s = False, True, now_s
            sent.times += 1
            self._flight_bytes += len(sent.chunk.data)
            flight.chunks.append(sent.chunk)
        while self._queue and self._may_send():
            flight.chunks.append(self._next_fragment(now_s))
        if (flight.chunks or flight.forward is not None) and self.expires_s is None:
            self.expires_s = now_s + self.timer.rto_s
        return flight

    def _may_send(self) -> bool:
        if not self._flight_bytes:
            return True  # a probe also when the peer's window is closed (RFC 9260 section 6.1)
        size = min(FRAGMENT_BYTES, len(self._queue[0].data))
        return self._flight_bytes < self.congestion.window and self._peer_window >= size

    def _next_fragment(self, now_s: float) -> Data:
        message = self._queue[0]
        data = message.data[message.position : message.position + FRAGMENT_BYTES]
        begin = message.position == 0
        message.position += len(data)
        end = message.position == len(message.data)
        if end:
            self._queue.popleft()
        tsn = self._next_tsn
        self._next_tsn += 1
        chunk = Data(tsn & 0xFFFFFFFF, message.stream, message.ssn, message.ppid, data, message.unordered, begin, end)
        self._sent[tsn] = _Sent(tsn, chunk, message, now_s)
        self._flight_bytes += len(data)
        self._peer_window = max(self._peer_window - len(data) - DATA_HEADER_BYTES, 0)
        return chunk

    # --- giving up --------------------------------------------------------------------------

    def _give_up(self, now_s: float) -> None:
        for sent in self._sent.values():
            message = sent.message
            if message.abandoned or sent.acked:
                continue
            exhausted = sent.again and message.max_retransmits is not None and sent.times > message.max_retransmits
            if exhausted or (message.expires_s is not None and now_s >= message.expires_s):
                self._abandon(message)
        while self._queue:
            message = self._queue[0]
            if message.position or message.expires_s is None or now_s < message.expires_s:
                break
            # Never sent: it takes no number, but its place in the stream is given up with the next one.
            self._queue.popleft()
            self.buffered_bytes -= len(message.data)
            self._renumber(message)
        self._move_point()

    def _abandon(self, message: Outgoing) -> None:
        message.abandoned = True
        self.buffered_bytes -= len(message.data) - message.position
        if self._queue and self._queue[0] is message:
            self._queue.popleft()
        for sent in self._sent.values():
            if sent.message is message and not sent.acked:
                if sent.in_flight:
                    sent.in_flight = False
                    self._flight_bytes -= len(sent.chunk.data)
                sent.again = False
                sent.acked = True
                self.buffered_bytes -= len(sent.chunk.data)
        self.forward_due = True

    def _renumber(self, dropped: Outgoing) -> None:
        """Close the hole a message leaves in its stream that was never sent."""
        if dropped.unordered:
            return
        for message in self._queue:
            if message.stream == dropped.stream and not message.unordered:
                message.ssn = (message.ssn - 1) & 0xFFFF
        self._next_ssn[dropped.stream] = (self._next_ssn[dropped.stream] - 1) & 0xFFFF

    def _move_point(self) -> None:
        point = self.abandoned_point
        while (sent := self._sent.get(point + 1)) is not None and sent.message.abandoned:
            point += 1
        if point > self.abandoned_point:
            self.abandoned_point = point
            self.forward_due = True

    def _forward(self) -> ForwardTsn | None:
        streams: dict[int, int] = {}
        for tsn in range(self._cumulative + 1, self.abandoned_point + 1):
            sent = self._sent.get(tsn)
            if sent is not None and not sent.message.unordered:
                streams[sent.message.stream] = sent.message.ssn
        if self.abandoned_point <= self._cumulative:
            return None
        return ForwardTsn(self.abandoned_point & 0xFFFFFFFF, tuple(streams.items()))
