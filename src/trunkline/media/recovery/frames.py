"""The latest audio frames of a published track, and redundant payloads (RFC 2198) made of them for one subscriber.

Frames are kept by timestamp, wherever they came from: as a packet of their own, in the redundancy of a later packet,
or by retransmission. Not here: how deep the redundancy is (``depth``), numbers and sending (``sfu/downtrack``).
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.protocol.rtp import red

MAX_FRAMES = 40
"""341 ms, which is as far back as an offset reaches, in frames of 10 ms, and a few more."""
MAX_PAYLOAD_BYTES = 1100
"""With headers and the SRTP tag it fits 1,200 bytes, which every path takes (RFC 8831 section 5)."""
MASK = 0xFFFFFFFF


@dataclass(slots=True, frozen=True)
class Frame:
    """One encoded frame."""

    timestamp: int
    data: bytes


class FrameStore:
    """The latest frames of one track."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}

    def add(self, timestamp: int, data: bytes) -> bool:
        """Keep a frame; False when it is empty or known already."""
        if not data or timestamp in self._frames:
            return False
        self._frames[timestamp] = Frame(timestamp, data)
        if len(self._frames) > MAX_FRAMES:
            del self._frames[next(iter(self._frames))]
        return True

    def before(self, timestamp: int) -> list[Frame]:
        """The frames that redundancy of a packet with this timestamp can hold, newest first."""
        found = [
            ((timestamp - frame.timestamp) & MASK, frame)
            for frame in self._frames.values()
            if 0 < (timestamp - frame.timestamp) & MASK <= red.MAX_OFFSET and len(frame.data) <= red.MAX_BLOCK_BYTES
        ]
        found.sort(key=lambda pair: pair[0])
        return [frame for _, frame in found]


def pack(payload_type: int, primary: Frame, earlier: list[Frame]) -> bytes:
    """A redundant payload: ``earlier`` is newest first, and loses its oldest where they do not fit.

    Frames that cannot be named (too far back, too large) are left out.
    """
    size = 1 + len(primary.data)
    blocks = [red.Block(payload_type, 0, primary.data)]
    for frame in earlier:
        offset = (primary.timestamp - frame.timestamp) & MASK
        if not 0 < offset <= red.MAX_OFFSET or len(frame.data) > red.MAX_BLOCK_BYTES:
            continue
        size += 4 + len(frame.data)
        if size > MAX_PAYLOAD_BYTES or len(blocks) >= red.MAX_BLOCKS:
            break
        blocks.append(red.Block(payload_type, offset, frame.data))
    blocks.sort(key=lambda block: -block.offset)
    return red.serialize(blocks)


def unpack(payload: bytes, timestamp: int) -> list[Frame]:
    """The frames of a redundant payload, oldest first; the last is the packet's own.

    Raises:
        RedError: it is malformed.
    """
    return [Frame((timestamp - block.offset) & MASK, block.data) for block in red.parse(payload)]


class Repacker:
    """Makes the payloads of one subscriber: each frame goes out as often as the depth says, and whatever was never sent
    goes along.

    What reached us only as redundancy, because its own packet was lost on the way here, has not been sent yet: it goes
    into the next packet however shallow the redundancy is. It is late, and packets that are lost on the way here carry
    nothing on: so what was sent less often than the depth promises may be up to twice as far back.
    """

    __slots__ = ("_begun", "_sent")

    def __init__(self) -> None:
        self._sent: dict[int, int] = {}
        """How often each of the latest frames was sent."""
        self._begun = False

    def note(self, timestamp: int) -> None:
        """A frame is sent."""
        self._sent[timestamp] = self._sent.get(timestamp, 0) + 1
        self._begun = True
        if len(self._sent) > 2 * MAX_FRAMES:
            del self._sent[next(iter(self._sent))]

    def has_sent(self, timestamp: int) -> bool:
        """Whether a frame was sent lately."""
        return timestamp in self._sent

    def is_new(self, timestamp: int) -> bool:
        """Whether a frame belongs to what this subscriber gets, and was not sent."""
        return self._begun and timestamp not in self._sent and self._after_first(timestamp)

    def owes(self, timestamp: int, depth: int) -> bool:
        """Whether a frame that belongs to what this subscriber gets was sent less often than the depth promises."""
        return self._begun and self._sent.get(timestamp, 0) <= depth and self._after_first(timestamp)

    def _after_first(self, timestamp: int) -> bool:
        """Frames from before the first one sent are from before the subscription: nobody waits for them."""
        first = next(iter(self._sent))
        return 0 < (timestamp - first) & MASK < 1 << 31

    def pack(self, store: FrameStore, payload_type: int, primary: Frame, depth: int) -> bytes:
        """The redundant payload of a packet, with ``depth`` earlier frames at least where there are so many."""
        chosen = [
            frame
            for position, frame in enumerate(store.before(primary.timestamp))
            if position < depth
            or self.is_new(frame.timestamp)
            or (position < 2 * depth and self.owes(frame.timestamp, depth))
        ]
        for frame in chosen:
            self.note(frame.timestamp)
        self.note(primary.timestamp)
        return pack(payload_type, primary, chosen)
