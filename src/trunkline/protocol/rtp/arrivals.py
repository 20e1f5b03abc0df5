"""The receiver of transport-wide congestion control: remembers arrivals and makes feedback of them.

Not here: the feedback's bytes (``transport_cc``); what a sender concludes from feedback.
"""

from __future__ import annotations

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.rtp.transport_cc import Feedback

MAX_SPAN = 2000
"""Packets in one feedback; browsers keep no more history than a few thousand."""
MAX_DISTANCE_US = 4_000_000
"""Arrivals in one feedback lie this close to the last one at most: less than 8.19 s apart, or a difference does not fit."""


class Arrivals:
    """Arrivals of one peer's packets by transport number.

    Numbers that were reported missing and arrive later are reported again, as browsers expect.
    """

    __slots__ = ("_arrived", "_count", "_next", "_numbers", "_origin_s")

    def __init__(self, origin_s: float) -> None:
        self._origin_s = origin_s
        self._numbers = Unwrapper()
        self._arrived: dict[int, int] = {}
        self._next: int | None = None
        self._count = 0

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

    def feedback(self) -> Feedback | None:
        """Everything since the last feedback; None when nothing arrived."""
        if self._next is None:
            return None
        fresh = sorted(number for number in self._arrived if number >= self._next)
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
        arrivals = tuple(self._arrived.get(number) for number in range(base, end + 1))
        self._count = (self._count + 1) & 0xFF
        self._next = end + 1
        for number in [number for number in self._arrived if number < end - MAX_SPAN]:
            del self._arrived[number]
        quantised = tuple(None if arrival is None else arrival - arrival % 250 for arrival in arrivals)
        return Feedback(base & 0xFFFF, self._count, quantised)
