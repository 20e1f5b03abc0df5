"""The numbers of one forwarded stream: however its source changes, the receiver sees one stream without holes.

A source is one layer of a track. Sequence numbers continue densely over switches of the source and over packets that
are left out on purpose; timestamps continue with the time that passed; VP8's picture numbers continue too. Packets of
a source from before the switch to it are not sent.

Not here: when to switch (``media/sfu``), encryption.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.rtp.codecs import Vp8Descriptor

LEFT_OUT_MEMORY = 512
"""How many packets back an overtaken one still gets the number it should have."""


@dataclass(slots=True, frozen=True)
class Numbers:
    """What a packet is sent as."""

    sequence: int
    timestamp: int
    picture_id: int = 0
    tl0_index: int = 0


@dataclass(slots=True)
class _Source:
    ssrc: int
    first: int
    sequence_offset: int
    timestamp_offset: int
    picture_offset: int = 0
    tl0_offset: int = 0


class Rewriter:
    """Numbers of one forwarded stream.

    Args:
        sequence: the first sequence number to send.
        timestamp: the first timestamp to send.
        clock_rate: of the timestamps.
    """

    __slots__ = (
        "_last",
        "_left_out",
        "_numbers",
        "_source",
        "_start",
        "clock_rate",
        "highest",
        "last_s",
    )

    def __init__(self, sequence: int, timestamp: int, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self._start = Numbers(sequence, timestamp)
        self._last: Numbers | None = None
        self.last_s = 0.0
        self._source: _Source | None = None
        self._numbers = Unwrapper()
        self._left_out: list[int] = []
        self.highest = sequence - 1

    @property
    def ssrc(self) -> int | None:
        """The present source; None before the first packet."""
        return self._source.ssrc if self._source is not None else None

    @property
    def last(self) -> Numbers | None:
        """The newest numbers sent."""
        return self._last

    def switch(self, ssrc: int, sequence: int, timestamp: int, now_s: float, vp8: Vp8Descriptor | None = None) -> None:
        """The packet with these numbers begins a key frame of another source, which is sent from here on."""
        self._numbers = Unwrapper()
        first = self._numbers.unwrap(sequence)
        self._left_out.clear()
        last = self._last
        if last is None:
            next_timestamp, next_picture, next_tl0 = self._start.timestamp, 0, 0
        else:
            passed = max(int((now_s - self.last_s) * self.clock_rate), 1)
            next_timestamp = last.timestamp + passed
            next_picture, next_tl0 = last.picture_id + 1, last.tl0_index + 1
        self._source = _Source(ssrc, first, self.highest + 1 - first, next_timestamp - timestamp)
        if vp8 is not None:
            self._source.picture_offset = next_picture - (vp8.picture_id or 0)
            self._source.tl0_offset = next_tl0 - (vp8.tl0_index or 0)

    def leave_out(self, sequence: int) -> None:
        """A packet of the present source is not sent; those after it move up."""
        source = self._source
        if source is None:
            return
        number = self._numbers.unwrap(sequence)
        if number >= source.first and number == self._numbers.highest:
            source.sequence_offset -= 1
            self._left_out.append(number)
            if len(self._left_out) > LEFT_OUT_MEMORY:
                del self._left_out[0]

    def rewrite(self, sequence: int, timestamp: int, now_s: float, vp8: Vp8Descriptor | None = None) -> Numbers | None:
        """What a packet of the present source is sent as; None when it comes from before the switch or was left out."""
        source = self._source
        if source is None:
            return None
        number = self._numbers.unwrap(sequence)
        if number < source.first or (self._left_out and number in self._left_out):
            return None
        # A packet overtaken by ones that were left out gets the number it would have had.
        later = sum(1 for left_out in self._left_out if left_out > number) if self._left_out else 0
        extended = number + source.sequence_offset + later
        numbers = Numbers(extended & 0xFFFF, (timestamp + source.timestamp_offset) & 0xFFFFFFFF)
        if vp8 is not None:
            numbers = replace(
                numbers,
                picture_id=((vp8.picture_id or 0) + source.picture_offset) & 0x7FFF,
                tl0_index=((vp8.tl0_index or 0) + source.tl0_offset) & 0xFF,
            )
        if extended > self.highest:
            self.highest = extended
            self._last, self.last_s = numbers, now_s
        return numbers
