"""RTCP packets: reports (RFC 3550 section 6), feedback (RFC 4585, RFC 5104) and REMB, each way.

A datagram is a compound of packets; types we do not know are skipped by their length. Transport-wide congestion
feedback has its own module (``transport_cc``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

SR, RR, SDES, BYE, APP, RTPFB, PSFB = 200, 201, 202, 203, 204, 205, 206
FMT_NACK, FMT_TRANSPORT_CC = 1, 15
FMT_PLI, FMT_FIR, FMT_ALFB = 1, 4, 15
MAX_REPORTS = 31


class RtcpError(ValueError):
    """The bytes are not RTCP."""


@dataclass(slots=True, frozen=True)
class ReportBlock:
    """What a receiver saw of one source (RFC 3550 section 6.4.1).

    Attributes:
        fraction_lost: of the last interval, in 1/256.
        packets_lost: since the beginning; negative when duplicates outweigh losses.
        highest_sequence: extended: cycles in the upper 16 bits.
        jitter: in timestamp units.
        last_sr: middle 32 bits of the NTP time of the last sender report; 0 without one.
        delay_since_last_sr: in 1/65,536 s.
    """

    ssrc: int
    fraction_lost: int = 0
    packets_lost: int = 0
    highest_sequence: int = 0
    jitter: int = 0
    last_sr: int = 0
    delay_since_last_sr: int = 0

    def serialize(self) -> bytes:
        """24 bytes."""
        lost = self.packets_lost & 0xFFFFFF
        return struct.pack(
            "!IIIIII",
            self.ssrc,
            self.fraction_lost << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


@dataclass(slots=True, frozen=True)
class SenderReport:
    """A sender's clock and counts. ``ntp`` is 64 bits: seconds since 1900 and their fraction."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(slots=True, frozen=True)
class ReceiverReport:
    """What ``ssrc`` received of others."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(slots=True, frozen=True)
class SourceDescription:
    """Canonical names by source; other items of SDES are left out."""

    cnames: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Goodbye:
    """Sources that end."""

    ssrcs: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Nack:
    """Sequence numbers of ``media_ssrc`` that are asked for again (RFC 4585 section 6.2.1)."""

    ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class PictureLoss:
    """A key frame is asked for (RFC 4585 section 6.3.1)."""

    ssrc: int
    media_ssrc: int


@dataclass(slots=True, frozen=True)
class FullIntraRequest:
    """A key frame is asked for, each request with its number (RFC 5104 section 4.3.1)."""

    ssrc: int
    requests: tuple[tuple[int, int], ...]
    """Media source and request number."""


@dataclass(slots=True, frozen=True)
class ReceiverEstimate:
    """REMB: the bitrate a receiver thinks it can take (draft-alvestrand-rmcat-remb-03)."""

    ssrc: int
    bitrate_bps: int
    media_ssrcs: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class TransportFeedback:
    """The body of a transport-wide feedback packet, after both sources; see ``transport_cc``."""

    ssrc: int
    media_ssrc: int
    body: bytes


Packet = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLoss
    | FullIntraRequest
    | ReceiverEstimate
    | TransportFeedback
)


def parse(datagram: bytes) -> list[Packet]:
    """The packets of a compound, in order. Reduced-size RTCP (RFC 5506) is taken too.

    Raises:
        RtcpError: a length or a count does not fit.
    """
    packets: list[Packet] = []
    position, end = 0, len(datagram)
    while position < end:
        if position + 4 > end:
            raise RtcpError("a header is cut short")
        first, kind, words = struct.unpack_from("!BBH", datagram, position)
        if first >> 6 != 2:
            raise RtcpError("not version 2")
        following = position + 4 + 4 * words
        if following > end:
            raise RtcpError("a packet is cut short")
        body = datagram[position + 4 : following]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise RtcpError("the padding does not fit")
            body = body[: -body[-1]]
        packet = _parse_one(kind, first & 0x1F, body)
        if packet is not None:
            packets.append(packet)
        position = following
    return packets


def _parse_one(kind: int, count: int, body: bytes) -> Packet | None:
    if kind == SR:
        return _parse_sender_report(count, body)
    if kind == RR:
        if len(body) < 4 + 24 * count:
            raise RtcpError("a receiver report is cut short")
        return ReceiverReport(_u32(body, 0), _reports(body, 4, count))
    if kind == SDES:
        return _parse_description(count, body)
    if kind == BYE:
        if len(body) < 4 * count:
            raise RtcpError("a goodbye is cut short")
        return Goodbye(struct.unpack_from(f"!{count}I", body))
    if kind in (RTPFB, PSFB):
        if len(body) < 8:
            raise RtcpError("feedback is cut short")
        return _parse_feedback(kind, count, body)
    return None


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < 24 + 24 * count:
        raise RtcpError("a sender report is cut short")
    ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
    return SenderReport(ssrc, ntp, timestamp, packets, octets, _reports(body, 24, count))


def _reports(body: bytes, position: int, count: int) -> tuple[ReportBlock, ...]:
    found: list[ReportBlock] = []
    for offset in range(position, position + 24 * count, 24):
        ssrc, loss, highest, jitter, last, delay = struct.unpack_from("!IIIIII", body, offset)
        lost = loss & 0xFFFFFF
        if lost >= 0x800000:
            lost -= 0x1000000
        found.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last, delay))
    return tuple(found)


def _parse_description(count: int, body: bytes) -> SourceDescription:
    names: dict[int, str] = {}
    position = 0
    for _ in range(count):
        if position + 4 > len(body):
            raise RtcpError("a source description is cut short")
        ssrc = _u32(body, position)
        position += 4
        while position < len(body) and body[position]:
            if position + 2 > len(body) or position + 2 + body[position + 1] > len(body):
                raise RtcpError("a source description is cut short")
            kind, length = body[position], body[position + 1]
            if kind == 1:
                names[ssrc] = body[position + 2 : position + 2 + length].decode("utf-8", "replace")
            position += 2 + length
        position += 4 - position % 4  # the list ends with one to four zero bytes
    return SourceDescription(names)


def _parse_feedback(kind: int, form: int, body: bytes) -> Packet | None:
    ssrc, media = struct.unpack_from("!II", body)
    rest = body[8:]
    if kind == RTPFB and form == FMT_NACK:
        return Nack(ssrc, media, _parse_nacks(rest))
    if kind == RTPFB and form == FMT_TRANSPORT_CC:
        return TransportFeedback(ssrc, media, rest)
    if kind == PSFB and form == FMT_PLI:
        return PictureLoss(ssrc, media)
    if kind == PSFB and form == FMT_FIR:
        if len(rest) % 8:
            raise RtcpError("a full intra request has entries of 8 bytes")
        requests = tuple((_u32(rest, offset), rest[offset + 4]) for offset in range(0, len(rest), 8))
        return FullIntraRequest(ssrc, requests)
    if kind == PSFB and form == FMT_ALFB and rest[:4] == b"REMB":
        return _parse_estimate(ssrc, rest)
    return None


def _parse_nacks(rest: bytes) -> tuple[int, ...]:
    if len(rest) % 4:
        raise RtcpError("a NACK has entries of 4 bytes")
    lost: list[int] = []
    for offset in range(0, len(rest), 4):
        first, mask = struct.unpack_from("!HH", rest, offset)
        lost.append(first)
        lost.extend((first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)
    return tuple(lost)


def _parse_estimate(ssrc: int, rest: bytes) -> ReceiverEstimate:
    if len(rest) < 8 or len(rest) < 8 + 4 * rest[4]:
        raise RtcpError("an estimate is cut short")
    exponent = rest[5] >> 2
    mantissa = (rest[5] & 3) << 16 | rest[6] << 8 | rest[7]
    return ReceiverEstimate(ssrc, mantissa << exponent, struct.unpack_from(f"!{rest[4]}I", rest, 8))


def serialize(packets: Iterable[Packet]) -> bytes:
    """A compound of packets, in order."""
    return b"".join(_serialize_one(packet) for packet in packets)


def _serialize_one(packet: Packet) -> bytes:
    if isinstance(packet, SenderReport):
        body = struct.pack("!IQIII", packet.ssrc, packet.ntp, packet.rtp_timestamp, packet.packets, packet.octets)
        return _packet(SR, len(packet.reports), body + b"".join(r.serialize() for r in packet.reports))
    if isinstance(packet, ReceiverReport):
        body = struct.pack("!I", packet.ssrc) + b"".join(r.serialize() for r in packet.reports)
        return _packet(RR, len(packet.reports), body)
    if isinstance(packet, SourceDescription):
        return _packet(SDES, len(packet.cnames), b"".join(_chunk(*item) for item in packet.cnames.items()))
    if isinstance(packet, Goodbye):
        return _packet(BYE, len(packet.ssrcs), struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs))
    return _serialize_feedback(packet)


def _serialize_feedback(
    packet: Nack | PictureLoss | FullIntraRequest | ReceiverEstimate | TransportFeedback,
) -> bytes:
    if isinstance(packet, Nack):
        return _packet(RTPFB, FMT_NACK, struct.pack("!II", packet.ssrc, packet.media_ssrc) + _nacks(packet.lost))
    if isinstance(packet, PictureLoss):
        return _packet(PSFB, FMT_PLI, struct.pack("!II", packet.ssrc, packet.media_ssrc))
    if isinstance(packet, FullIntraRequest):
        entries = b"".join(struct.pack("!IBxxx", media, number & 0xFF) for media, number in packet.requests)
        return _packet(PSFB, FMT_FIR, struct.pack("!II", packet.ssrc, 0) + entries)
    if isinstance(packet, TransportFeedback):
        head = struct.pack("!II", packet.ssrc, packet.media_ssrc)
        return _packet(RTPFB, FMT_TRANSPORT_CC, head + packet.body)
    mantissa, exponent = packet.bitrate_bps, 0
    while mantissa >= 1 << 18:
        mantissa, exponent = mantissa >> 1, exponent + 1
    count = len(packet.media_ssrcs)
    head = struct.pack("!II4sBBH", packet.ssrc, 0, b"REMB", count, exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return _packet(PSFB, FMT_ALFB, head + struct.pack(f"!{count}I", *packet.media_ssrcs))


def _nacks(lost: Iterable[int]) -> bytes:
    entries: list[bytes] = []
    first, mask = -1, 0
    for sequence in lost:
        distance = (sequence - first - 1) & 0xFFFF
        if first >= 0 and distance < 16:
            mask |= 1 << distance
            continue
        if first >= 0:
            entries.append(struct.pack("!HH", first, mask))
        first, mask = sequence, 0
    if first >= 0:
        entries.append(struct.pack("!HH", first, mask))
    return b"".join(entries)


def _chunk(ssrc: int, name: str) -> bytes:
    value = name.encode()[:255]
    chunk = struct.pack("!IBB", ssrc, 1, len(value)) + value
    return chunk + bytes(4 - len(chunk) % 4)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    padding = -len(body) % 4
    if padding:  # only transport feedback has lengths that are not whole words: padded as RFC 3550 section 6.4.1 says
        body += bytes(padding - 1) + bytes((padding,))
    return struct.pack("!BBH", 0x80 | (0x20 if padding else 0) | count, kind, len(body) // 4) + body


def _u32(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "big")
