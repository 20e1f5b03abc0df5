"""The receiver of transport-wide congestion control: remembers arrivals and makes feedback of them.

Not here: the feedback's bytes (``transport_cc``); what a sender concludes from feedback.
"""

from __future__ import annotations

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.rtp.transport_cc import Feedback

MAX_SPAN = 2000
"""Packets in one feedback; browsers keep no more history than a few thousand."""
MASK_LAG_S, MOST_LAG_S = 0.15, 0.45
"""Time to notice that a packet is missing, and to ask for it, before it is reported as received."""
MAX_DISTANCE_US = 4_000_000
"""Arrivals in one feedback lie this close to the last one: less than 8.19 s apart, or a difference does not fit."""


class Arrivals:
    """Arrivals of one peer's packets by transport number.

    Numbers that were reported missing and arrive later are reported again, as browsers expect.

    Attributes:
        lost: of the numbers in the latest feedback, those that had not arrived.
        masked: report them as received all the same (``media/recovery/randomness`` says when). Feedback then lags by
            ``MASK_LAG_S``: a sender forgets what it is told to have arrived, and could not send it again.
        missing_s: since when packets are asked for in vain; masked feedback waits for them, up to ``MOST_LAG_S``.
    """

    __slots__ = ("_arrived", "_count", "_next", "_numbers", "_origin_s", "lost", "masked", "missing_s")

    def __init__(self, origin_s: float) -> None:
        self._origin_s = origin_s
        self._numbers = Unwrapper()
        self._arrived: dict[int, int] = {}
        self._next: int | None = None
        self._count = 0
        self.lost = 0
        self.masked = False
        self.missing_s: float | None = None

    def on_packet(self, number: int, now_s: float) -> None:
        """A packet with this transport number arrived."""
        extended = self._numbers.unwrap(number)
        arrived_us = int((now_s - self._origin_s) * 1_000_000)
        if extended not in self._arrived:
            self._arrived[extended] = arrived_us
        if self._next is None or self._next - MAX_SPAN // 4 < extended < self._next:
            self._next = extended
        if len(self._arrived) > 2 * MAX_SPAN:
            del self._arrived[min(self._arrived)]

    def feedback(self, now_s: float | None = None) -> Feedback | None:
        """Everything since the last feedback; None when nothing arrived."""
        if self._next is None:
            return None
        until_us = 1 << 62
        if self.masked and now_s is not None:
            until_s = now_s if self.missing_s is None else min(now_s, self.missing_s)
            until_us = int((max(until_s - MASK_LAG_S, now_s - MOST_LAG_S) - self._origin_s) * 1_000_000)
        fresh = sorted(number for number, at_us in self._arrived.items() if number >= self._next and at_us <= until_us)
        if not fresh:
            return None
        end = fresh[-1]
        last_us = self._arrived[end]
        left_out = [
            position
            for position, number in enumerate(fresh)
            if number <= end - MAX_SPAN or abs(last_us - self._arrived[number]) > MAX_DISTANCE_US
        ]
        # Where something had to be left out, what is told begins with an arrival.
        whole = not left_out and self._next > end - MAX_SPAN
        base = self._next if whole else fresh[left_out[-1] + 1 if left_out else 0]
        # One that came only now, long after those around it, cannot be told with them.
        times_us = (self._arrived.get(number) for number in range(base, end + 1))
        arrivals = tuple(at if at is not None and abs(last_us - at) <= MAX_DISTANCE_US else None for at in times_us)
        self.lost = sum(1 for arrival in arrivals if arrival is None)
        if self.masked and self.lost:
            arrivals = filled(arrivals)
        self._count = (self._count + 1) & 0xFF
        self._next = end + 1
        for number in [number for number in self._arrived if number < end - MAX_SPAN]:
            del self._arrived[number]
        quantised = tuple(None if arrival is None else arrival - arrival % 250 for arrival in arrivals)
        return Feedback(base & 0xFFFF, self._count, quantised)


def filled(arrivals: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The same with a time for every number: that of the one before it; before the first, that of the first."""
    first = next((arrival for arrival in arrivals if arrival is not None), None)
    found: list[int | None] = []
    for arrival in arrivals:
        found.append(arrival if arrival is not None else (found[-1] if found else first))
    return tuple(found)
