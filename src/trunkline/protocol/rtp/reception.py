"""What a receiver keeps of one source: counts for its reports, jitter, and which packets to ask for again.

RFC 3550 sections 6.4.1 and A.3 (loss), A.8 (jitter); RFC 4585 section 6.2.1 (NACK). Not here: the packets themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.base.wrapping import Unwrapper
from trunkline.protocol.rtp.rtcp import ReportBlock, SenderReport

MAX_MISSING = 512
"""Packets asked for at the same time; when more are missing, a key frame is cheaper."""
GIVE_UP_S = 1.0
"""A packet is asked for as long as it may still be of use."""
HOPELESS_S = 0.4
"""From this age on it likely never comes, and something else should be done as well."""
QUICK_ASKS, BACKOFF, MOST_AGAIN_S = 8, 1.5, 0.1
"""So many requests follow each other after a round trip, the next ones after more and more time."""
MAX_HOPELESS = 16
HOLE_ASKS = 3
"""A packet asked for so often may be none that can be sent again: a sender without a retransmission format pads with
empty packets of the source itself, and keeps none of them."""
FIRST_ASK_S = 0.005
"""A packet that was merely overtaken arrives within this time."""
ASK_AGAIN_S = 0.05
"""When the round trip is not known."""


@dataclass(slots=True)
class _Missing:
    noticed_s: float
    next_ask_s: float
    asks: int = 0
    asked_s: float = 0.0
    hopeless: bool = False


class Reception:
    """One source as we receive it.

    Args:
        ssrc: the source.
        clock_rate: of its timestamps.

    Attributes:
        packets: received, without duplicates.
        octets: of payload.
        gave_up: packets that were asked for in vain.
        repair_s: from asking to getting, smoothed: a round trip as repairs see it; None before one.
    """

    __slots__ = (
        "_base",
        "_clock_rate",
        "_expected_before",
        "_holes",
        "_hopeless",
        "_jitter",
        "_last_report",
        "_last_report_s",
        "_last_transit",
        "_least_transit_s",
        "_missing",
        "_received_before",
        "_sequences",
        "gave_up",
        "octets",
        "packets",
        "repair_s",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self._clock_rate = clock_rate
        self._sequences = Unwrapper()
        self._base = 0
        self._missing: dict[int, _Missing] = {}
        self._holes: list[int] = []
        self._hopeless: list[int] = []
        self._jitter = 0.0
        self._last_transit: float | None = None
        self._least_transit_s: float | None = None
        self.repair_s: float | None = None
        self._expected_before = self._received_before = 0
        self._last_report = 0
        self._last_report_s = 0.0
        self.packets = 0
        self.octets = 0
        self.gave_up = 0

    @property
    def expected(self) -> int:
        """Packets that were sent, as far as their numbers tell."""
        highest = self._sequences.highest
        return 0 if highest is None else highest - self._base + 1

    @property
    def highest(self) -> int:
        """Extended number of the newest packet; -1 before one."""
        return -1 if self._sequences.highest is None else self._sequences.highest

    @property
    def jitter_s(self) -> float:
        """Variation of the time under way."""
        return self._jitter / self._clock_rate

    def restore(
        self, expected: int, packets: int, octets: int, jitter: float, gave_up: int, transit_s: float | None
    ) -> None:
        """Take over counts that were kept elsewhere; ``jitter`` in clock units, ``transit_s``: the least of late."""
        if transit_s is not None and (self._least_transit_s is None or transit_s < self._least_transit_s):
            self._least_transit_s = transit_s
        self._base = 0
        self._sequences.highest = expected - 1 if expected else None
        self.packets, self.octets, self.gave_up = packets, octets, gave_up
        self._jitter = jitter

    def on_packet(self, sequence: int, timestamp: int, size_bytes: int, now_s: float) -> int | None:
        """A packet arrived: its extended number, or None when it is a duplicate or far too old."""
        highest = self._sequences.highest
        number = self._sequences.nearest(sequence)
        if highest is None:
            self._base = number
        elif number > highest:
            self._note_missing(highest, number, now_s)
        else:
            missing = self._missing.pop(number, None)
            if missing is None:
                return None
            self._note_repair(missing, now_s)
        self._sequences.unwrap(sequence)
        self.packets += 1
        self.octets += size_bytes
        if highest is None or number > highest:
            self._note_jitter(timestamp, now_s)
        return number

    def _note_missing(self, highest: int, number: int, now_s: float) -> None:
        if number - highest - 1 > MAX_MISSING:
            # A jump: the source was paused or restarted. What lies between never comes.
            self._missing.clear()
            self.gave_up += 1
            return
        for missing in range(highest + 1, number):
            self._missing[missing] = _Missing(now_s, now_s + FIRST_ASK_S)
        while len(self._missing) > MAX_MISSING:
            del self._missing[next(iter(self._missing))]
            self.gave_up += 1

    def _note_repair(self, missing: _Missing, now_s: float) -> None:
        if missing.asks == 1:
            took_s = now_s - missing.asked_s
            self.repair_s = took_s if self.repair_s is None else self.repair_s + (took_s - self.repair_s) / 8

    def take_holes(self) -> list[int]:
        """Numbers that have been asked for in vain so often that those behind need not wait for them."""
        holes, self._holes = self._holes, []
        return holes

    def take_hopeless(self) -> list[int]:
        """Extended numbers asked for in vain for ``HOPELESS_S``, each once: a key frame may be cheaper."""
        hopeless, self._hopeless = self._hopeless, []
        return hopeless

    def forget(self, sequence: int) -> None:
        """A missing packet is not needed: nobody asks for it any more."""
        number = self._sequences.nearest(sequence)
        self._missing.pop(number, None)

    @property
    def oldest_missing_s(self) -> float | None:
        """When the first of the packets that are still asked for was noticed missing; None when none is."""
        return next((missing.noticed_s for missing in self._missing.values()), None)

    def take_transit_s(self) -> float | None:
        """The least of arrival minus timestamp since this was last asked; None when nothing arrived."""
        least_s, self._least_transit_s = self._least_transit_s, None
        return least_s

    def _note_jitter(self, timestamp: int, now_s: float) -> None:
        transit = now_s * self._clock_rate - timestamp
        if self._last_transit is not None:
            difference = abs(transit - self._last_transit)
            if difference < self._clock_rate:  # a wrap of the timestamp or a pause is not jitter
                self._jitter += (difference - self._jitter) / 16
        self._last_transit = transit
        transit_s = transit / self._clock_rate
        if self._least_transit_s is None or transit_s < self._least_transit_s:
            self._least_transit_s = transit_s

    def to_ask(self, now_s: float, round_trip_s: float | None = None) -> list[int]:
        """Sequence numbers to put into a NACK now; each comes again after a round trip, for a limited time."""
        measured_s = round_trip_s if round_trip_s is not None else self.repair_s
        again_s = max(measured_s, 0.01) if measured_s is not None else ASK_AGAIN_S
        asked: list[int] = []
        for number in [number for number, missing in self._missing.items() if missing.next_ask_s <= now_s]:
            missing = self._missing[number]
            age_s = now_s - missing.noticed_s
            if age_s >= GIVE_UP_S:
                del self._missing[number]
                self.gave_up += 1
                continue
            missing.asks += 1
            if missing.asks >= HOLE_ASKS:
                self._holes.append(number & 0xFFFF)
            if age_s >= HOPELESS_S and not missing.hopeless and len(self._hopeless) < MAX_HOPELESS:
                missing.hopeless = True
                self._hopeless.append(number)
            missing.asked_s = now_s
            pause_s = again_s * BACKOFF ** max(missing.asks - QUICK_ASKS, 0)
            missing.next_ask_s = now_s + min(pause_s, max(again_s, MOST_AGAIN_S))
            asked.append(number & 0xFFFF)
        return asked

    def on_sender_report(self, report: SenderReport, now_s: float) -> None:
        """The source told its clock."""
        self._last_report = report.ntp >> 16 & 0xFFFFFFFF
        self._last_report_s = now_s

    def report(self, now_s: float) -> ReportBlock | None:
        """The block for our next report; None before anything arrived."""
        highest = self._sequences.highest
        if highest is None:
            return None
        expected = highest - self._base + 1
        expected_now, received_now = expected - self._expected_before, self.packets - self._received_before
        self._expected_before, self._received_before = expected, self.packets
        lost_now = max(expected_now - received_now, 0)
        fraction = min(lost_now * 256 // expected_now, 255) if expected_now > 0 else 0
        lost = max(min(expected - self.packets, 0x7FFFFF), -0x800000)
        delay = int((now_s - self._last_report_s) * 65_536) if self._last_report else 0
        return ReportBlock(
            self.ssrc,
            fraction,
            lost,
            highest & 0xFFFFFFFF,
            int(self._jitter) & 0xFFFFFFFF,
            self._last_report,
            min(delay, 0xFFFFFFFF),
        )
