"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

Every packet of a peer carries one running number, whatever its track; the receiver reports when each arrived. From
that a sender sees loss and growing delay of the whole path. Here: the feedback as bytes, each way.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

TICK_US = 250
REFERENCE_TICKS = 256
"""The reference time counts in 64 ms: 256 ticks of 250 us."""
MAX_STATUSES = 0xFFFF
MAX_RUN = 0x1FFF
MAX_RECONSTRUCTED = 1 << 15


class FeedbackError(ValueError):
    """The bytes are not transport feedback."""


@dataclass(slots=True, frozen=True)
class Feedback:
    """Arrivals of consecutive transport numbers.

    Attributes:
        base: the first number reported (16 bits).
        count: which feedback this is (8 bits), to notice lost ones.
        arrivals_us: per number, microseconds on the receiver's clock (a multiple of 250, wrapping after 12 days), or
            None for one that has not arrived.
    """

    base: int
    count: int
    arrivals_us: tuple[int | None, ...]


def serialize(feedback: Feedback) -> bytes:
    """The feedback's body (what follows both sources).

    The first arrival's 64 ms are the reference; arrivals must lie within 8 s of one another.

    Raises:
        ValueError: nothing to report, too much, or deltas that do not fit.
    """
    arrivals = feedback.arrivals_us
    if not 0 < len(arrivals) <= MAX_STATUSES:
        raise ValueError(f"{len(arrivals)} packets")
    first = next((arrival for arrival in arrivals if arrival is not None), 0)
    reference = first // (TICK_US * REFERENCE_TICKS)
    last_ticks = reference * REFERENCE_TICKS
    symbols: list[int] = []
    deltas: list[bytes] = []
    for arrival in arrivals:
        if arrival is None:
            symbols.append(0)
            continue
        delta = arrival // TICK_US - last_ticks
        last_ticks += delta
        if 0 <= delta <= 255:
            symbols.append(1)
            deltas.append(bytes((delta,)))
        elif -32768 <= delta <= 32767:
            symbols.append(2)
            deltas.append(struct.pack("!h", delta))
        else:
            raise ValueError("arrivals lie too far apart")
    head = struct.pack("!HHI", feedback.base, len(arrivals), (reference & 0xFFFFFF) << 8 | feedback.count & 0xFF)
    return head + _chunks(symbols) + b"".join(deltas)


def _chunks(symbols: Sequence[int]) -> bytes:
    out: list[bytes] = []
    position = 0
    while position < len(symbols):
        run = 1
        while position + run < len(symbols) and run < MAX_RUN and symbols[position + run] == symbols[position]:
            run += 1
        if run >= 7 or position + run == len(symbols):
            out.append(struct.pack("!H", symbols[position] << 13 | run))
            position += run
            continue
        seven = list(symbols[position : position + 7])
        fourteen = list(symbols[position : position + 14])
        if 2 not in fourteen:
            bits = 0
            for symbol in fourteen + [0] * (14 - len(fourteen)):
                bits = bits << 1 | symbol
            out.append(struct.pack("!H", 0x8000 | bits))
            position += len(fourteen)
        else:
            bits = 0
            for symbol in seven + [0] * (7 - len(seven)):
                bits = bits << 2 | symbol
            out.append(struct.pack("!H", 0xC000 | bits))
            position += len(seven)
    return b"".join(out)


def parse(body: bytes) -> Feedback:
    """Read a feedback's body.

    Raises:
        FeedbackError: it is cut short, or a status is of the reserved kind.
    """
    if len(body) < 10:
        raise FeedbackError("shorter than a header")
    base, expected, rest = struct.unpack_from("!HHI", body)
    position = 8
    symbols: list[int] = []
    while len(symbols) < expected:
        if position + 2 > len(body):
            raise FeedbackError("the statuses are cut short")
        symbols.extend(_symbols(struct.unpack_from("!H", body, position)[0]))
        position += 2
    ticks = (rest >> 8) * REFERENCE_TICKS
    arrivals: list[int | None] = []
    for symbol in symbols[:expected]:
        if symbol == 0:
            arrivals.append(None)
            continue
        if symbol == 3:
            raise FeedbackError("a reserved status")
        if position + symbol > len(body):
            raise FeedbackError("the arrivals are cut short")
        ticks += body[position] if symbol == 1 else struct.unpack_from("!h", body, position)[0]
        position += symbol
        arrivals.append(ticks * TICK_US)
    return Feedback(base, rest & 0xFF, tuple(arrivals))


def _symbols(chunk: int) -> list[int]:
    if not chunk & 0x8000:
        return [chunk >> 13 & 3] * (chunk & 0x1FFF)
    if chunk & 0x4000:
        return [chunk >> shift & 3 for shift in range(12, -1, -2)]
    return [chunk >> shift & 1 for shift in range(13, -1, -1)]
