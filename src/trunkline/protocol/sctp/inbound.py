"""The receiving half: which numbers have arrived, messages put together, and order within streams.

Numbers (TSN, stream sequence) are extended, so that nothing here wraps. Bounded: what is buffered counts against the
window we advertise, and a message longer than ``max_message_bytes`` ends the association.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.sctp.chunks import Data, ForwardTsn, Sack

WINDOW_BYTES = 1 << 20
MAX_AHEAD = 1 << 15
"""Numbers beyond the cumulative one that are kept: a SACK's gaps cannot say more than 65,535."""
FRAGMENT_COST_BYTES = 128
"""What keeping a fragment or a message costs besides its bytes; without it, tiny ones would cost nothing."""
MAX_GAPS = 64
MAX_DUPLICATES = 16


class InboundError(ValueError):
    """The peer broke a rule that ends the association."""


@dataclass(slots=True, frozen=True)
class Message:
    """A whole message of a stream."""

    stream: int
    ppid: int
    data: bytes


@dataclass(slots=True)
class _Stream:
    expected: int = 0
    numbers: Unwrapper = field(default_factory=lambda: _unwrapper(0))
    waiting: dict[int, Message] = field(default_factory=dict)
    """Whole messages that came before their turn, by extended sequence number."""


def _unwrapper(first: int, bits: int = 16) -> Unwrapper:
    unwrapper = Unwrapper(bits)
    unwrapper.unwrap(first)
    return unwrapper


class Inbound:
    """Everything received.

    Args:
        first_tsn: the peer's first number, as in its INIT.
        max_message_bytes: the longest message taken.
    """

    __slots__ = ("_ahead", "_buffered", "_duplicates", "_fragments", "_max_message", "_streams", "_tsns", "cumulative")

    def __init__(self, first_tsn: int, max_message_bytes: int) -> None:
        self._tsns = Unwrapper(32)
        # One round up, so that numbers before the first do not go below zero.
        self._tsns.highest = (1 << 32) + first_tsn - 1
        self.cumulative = self._tsns.highest
        self._max_message = max_message_bytes
        self._ahead: set[int] = set()
        self._fragments: dict[int, Data] = {}
        self._streams: dict[int, _Stream] = {}
        self._buffered = 0
        self._duplicates: list[int] = []

    @property
    def window_bytes(self) -> int:
        """How much more we take."""
        return max(WINDOW_BYTES - self._buffered, 0)

    @property
    def has_gaps(self) -> bool:
        """Whether something is missing, so that acknowledging must not wait."""
        return bool(self._ahead)

    def sack(self) -> Sack:
        """What has arrived; duplicates are reported once."""
        gaps: list[tuple[int, int]] = []
        start = last = 0
        for tsn in sorted(self._ahead):
            if start and tsn == last + 1:
                last = tsn
                continue
            if start:
                gaps.append((start - self.cumulative, last - self.cumulative))
                if len(gaps) == MAX_GAPS:
                    break
            start = last = tsn
        else:
            if start:
                gaps.append((start - self.cumulative, last - self.cumulative))
        duplicates, self._duplicates = tuple(self._duplicates), []
        return Sack(self.cumulative & 0xFFFFFFFF, self.window_bytes, tuple(gaps), duplicates)

    def on_data(self, chunk: Data) -> list[Message]:
        """A fragment arrived: the messages that are whole and in their turn now.

        Raises:
            InboundError: the message is too long.
        """
        tsn = self._tsns.nearest(chunk.tsn)
        if tsn <= self.cumulative or tsn in self._ahead:
            if len(self._duplicates) < MAX_DUPLICATES:
                self._duplicates.append(chunk.tsn)
            return []
        if tsn > self.cumulative + MAX_AHEAD or (self._buffered >= WINDOW_BYTES and tsn != self.cumulative + 1):
            return []  # it will be sent again
        if self._buffered > 2 * WINDOW_BYTES:
            raise InboundError("messages pile up that wait for others which were never sent")
        self._tsns.unwrap(chunk.tsn)
        self._fragments[tsn] = chunk
        self._buffered += FRAGMENT_COST_BYTES + len(chunk.data)
        self._ahead.add(tsn)
        self._advance()
        message = self._assemble(tsn)
        if message is None:
            return []
        return [message] if chunk.unordered else self._in_order(chunk, message)

    def on_forward(self, forward: ForwardTsn) -> list[Message]:
        """The peer gave up on messages: those after them that were waiting."""
        target = self._tsns.nearest(forward.cumulative)
        if target <= self.cumulative or target > self.cumulative + (1 << 31):
            return []
        self._tsns.unwrap(forward.cumulative)
        for tsn in [tsn for tsn in self._fragments if tsn <= target]:
            self._take_out(tsn)
        self._ahead = {tsn for tsn in self._ahead if tsn > target}
        self.cumulative = target
        self._advance()
        ready: list[Message] = []
        for number, ssn in forward.streams:
            stream = self._stream(number)
            skipped = stream.numbers.nearest(ssn)
            overtaken = sorted(key for key in stream.waiting if key <= skipped)
            ready.extend(self._release(stream, key) for key in overtaken)
            if skipped >= stream.expected:
                stream.numbers.unwrap(ssn)
                stream.expected = skipped + 1
            ready.extend(self._turn(stream))
        return ready

    def reset(self, streams: tuple[int, ...]) -> None:
        """Streams begin again at number 0; none named means all."""
        for number in streams or tuple(self._streams):
            stream = self._streams.pop(number, _Stream())
            for waiting in tuple(stream.waiting):
                self._release(stream, waiting)

    def reached(self, tsn: int) -> bool:
        """Whether everything up to this number has arrived."""
        return self.cumulative >= self._tsns.nearest(tsn)

    def _advance(self) -> None:
        while self.cumulative + 1 in self._ahead:
            self.cumulative += 1
            self._ahead.discard(self.cumulative)

    def _assemble(self, tsn: int) -> Message | None:
        """The whole message around a fragment, taken out of the buffer; None while parts are missing."""
        fragments = self._fragments
        this = fragments[tsn]
        first = last = tsn
        size = len(this.data)
        while not fragments[first].begin:
            before = fragments.get(first - 1)
            if before is None or before.end or before.stream != this.stream:
                break
            first -= 1
            size += len(before.data)
        while not fragments[last].end:
            after = fragments.get(last + 1)
            if after is None or after.begin or after.stream != this.stream:
                break
            last += 1
            size += len(after.data)
        if size > self._max_message:
            raise InboundError(f"a message has more than {self._max_message} bytes")
        if not fragments[first].begin or not fragments[last].end:
            return None
        data = b"".join(self._take_out(number) for number in range(first, last + 1))
        return Message(this.stream, this.ppid, data)

    def _stream(self, number: int) -> _Stream:
        stream = self._streams.get(number)
        if stream is None:
            stream = self._streams[number] = _Stream()
        return stream

    def _in_order(self, chunk: Data, message: Message) -> list[Message]:
        stream = self._stream(chunk.stream)
        number = stream.numbers.nearest(chunk.ssn)
        if number < stream.expected or number in stream.waiting:
            # Its turn is over (the peer gave it up, then it came after all), or the peer reuses numbers.
            return []
        stream.numbers.unwrap(chunk.ssn)
        stream.waiting[number] = message
        self._buffered += FRAGMENT_COST_BYTES + len(message.data)
        return self._turn(stream)

    def _turn(self, stream: _Stream) -> list[Message]:
        ready: list[Message] = []
        while stream.expected in stream.waiting:
            ready.append(self._release(stream, stream.expected))
            stream.expected += 1
        return ready

    def _release(self, stream: _Stream, number: int) -> Message:
        message = stream.waiting.pop(number)
        self._buffered -= FRAGMENT_COST_BYTES + len(message.data)
        return message

    def _take_out(self, tsn: int) -> bytes:
        data = self._fragments.pop(tsn).data
        self._buffered -= FRAGMENT_COST_BYTES + len(data)
        return data
