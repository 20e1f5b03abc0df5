"""What was sent to a peer, by transport number, so that feedback becomes packets with both times (TWCC, sender side).

Not here: the feedback's bytes (``protocol/rtp/transport_cc``), and what follows from delay and loss (``estimate``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.rtp.transport_cc import Feedback

MAX_PACKETS = 8192
CLOCK_US = (1 << 24) * 64_000
"""The receiver's reference time wraps here."""


Tell = Callable[[bool, float], None]


@dataclass(slots=True, frozen=True)
class Reported:
    """A packet the receiver reported on.

    Attributes:
        arrived_us: on the receiver's clock, unwrapped; None when it did not arrive.
        cluster: the probe it belonged to; 0 for none.
        copies: how often it went out under this number, at once.
        again: it was asked for and went out under this number again: when it arrived says nothing about the path.
        known: it was reported missing before.
        tell: wants to know whether it arrived, and the time now.
    """

    number: int
    sent_s: float
    size_bytes: int
    arrived_us: int | None
    cluster: int = 0
    copies: int = 1
    again: bool = False
    known: bool = False
    tell: Tell | None = None

    @property
    def passed(self) -> bool | None:
        """Whether it arrived as it was sent first; None when its loss was told before, and it was repaired."""
        if self.again and self.known:
            return None
        return self.arrived_us is not None and not self.again


@dataclass(slots=True)
class _Sent:
    sent_s: float
    size_bytes: int
    cluster: int
    copies: int
    tell: Tell | None
    lost: bool = False
    again: bool = False


class SendHistory:
    """Packets sent to one peer, until they are reported on.

    Attributes:
        in_flight_bytes: sent and not yet reported on.
    """

    __slots__ = ("_clock_us", "_highest_us", "_next", "_numbers", "_sent", "in_flight_bytes")

    def __init__(self) -> None:
        self._sent: dict[int, _Sent] = {}
        self._numbers = Unwrapper()
        self._next = 0
        self._clock_us = 0
        self._highest_us: int | None = None
        self.in_flight_bytes = 0

    def on_sent(
        self, size_bytes: int, now_s: float, cluster: int = 0, tell: Tell | None = None, *, copies: int = 1
    ) -> int:
        """A packet goes out: its transport number (16 bits)."""
        number = self._next
        self._next += 1
        self._numbers.unwrap(number & 0xFFFF)
        self._sent[number] = _Sent(now_s, size_bytes, cluster, copies, tell)
        self.in_flight_bytes += size_bytes
        if len(self._sent) > MAX_PACKETS:
            oldest = self._sent.pop(next(iter(self._sent)))
            if not oldest.lost:
                self.in_flight_bytes -= oldest.size_bytes
        return number & 0xFFFF

    def on_sent_again(self, number: int) -> None:
        """What went out under a transport number goes out once more, as the same bytes."""
        sent = self._sent.get(self._numbers.nearest(number))
        if sent is not None:
            sent.again = True

    def on_feedback(self, feedback: Feedback) -> list[Reported]:
        """The packets reported on for the first time, in order of sending.

        One that was reported missing and comes after all is reported once more, as arrived.
        """
        if not self._sent:
            return []
        first = self._numbers.nearest(feedback.base)
        found: list[Reported] = []
        for number, arrived_us in enumerate(feedback.arrivals_us, first):
            sent = self._sent.get(number)
            if sent is None or (arrived_us is None and sent.lost):
                continue
            known = sent.lost
            if not known:
                self.in_flight_bytes -= sent.size_bytes
            if arrived_us is None:
                sent.lost = True
            else:
                del self._sent[number]
            arrived_us = self._unwrap(arrived_us)
            one = (number, sent.sent_s, sent.size_bytes, arrived_us, sent.cluster, sent.copies, sent.again, known)
            found.append(Reported(*one, sent.tell))
        # What lies before and was in no feedback never will be: that feedback was lost on its way.
        for number in [number for number in self._sent if number < first - MAX_PACKETS // 4]:
            old = self._sent.pop(number)
            if not old.lost:
                self.in_flight_bytes -= old.size_bytes
        return found

    def _unwrap(self, arrived_us: int | None) -> int | None:
        if arrived_us is None:
            return None
        if self._highest_us is not None:
            while arrived_us + self._clock_us < self._highest_us - CLOCK_US // 2:
                self._clock_us += CLOCK_US
        extended = arrived_us + self._clock_us
        self._highest_us = max(self._highest_us or extended, extended)
        return extended
