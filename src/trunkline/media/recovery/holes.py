"""Which missing video packets were empty: padding that a publisher without a retransmission format sends as the source.

It keeps no copy of padding, so asking for it is in vain, and a receiver that counts numbers would wait for it until the
next key frame. Padding only follows the last packet of a frame; when the packet before a gap ends a frame, and the one
after it begins the next one (by its number where the codec has numbers, else by when it was due), then nothing is
missing and the gap was padding.

Not here: asking (``protocol/rtp/reception``), what subscribers get instead (``sfu/downtrack``).
"""

from __future__ import annotations

MEMORY = 512
SLACK = 1.4
"""Of the usual interval between frames."""
MAX_GAP = 16


class Holes:
    """The latest packets of one layer."""

    __slots__ = ("_interval", "_packets", "_timestamp")

    def __init__(self) -> None:
        self._packets: dict[int, tuple[int, bool, bool, int | None]] = {}
        self._timestamp: int | None = None
        self._interval = 0.0

    def on_packet(self, sequence: int, timestamp: int, *, begins: bool, ends: bool, picture: int | None = None) -> None:
        """A packet with payload arrived; whether a frame begins or ends with it, and the frame's number."""
        self._packets[sequence] = (timestamp, begins, ends, picture)
        if len(self._packets) > MEMORY:
            del self._packets[next(iter(self._packets))]
        if self._timestamp is not None:
            passed = (timestamp - self._timestamp) & 0xFFFFFFFF
            if 0 < passed < 90_000:
                # The usual interval is the short one: frames that were left out or lost make longer ones.
                self._interval = passed if not self._interval else min(self._interval * 1.01, passed)
            if passed == 0 or passed >= 1 << 31:
                return
        self._timestamp = timestamp

    def was_padding(self, sequence: int) -> bool:
        """Whether the missing packet with this number was empty."""
        before = after = None
        for distance in range(1, MAX_GAP):
            before = before or self._packets.get((sequence - distance) & 0xFFFF)
            after = after or self._packets.get((sequence + distance) & 0xFFFF)
        if before is None or after is None or not before[2] or not after[1]:
            return False
        if before[3] is not None and after[3] is not None:
            return (after[3] - before[3]) & 0x7F == 1  # the short numbers have 7 bits
        return self._interval > 0 and 0 < (after[0] - before[0]) & 0xFFFFFFFF <= SLACK * self._interval
