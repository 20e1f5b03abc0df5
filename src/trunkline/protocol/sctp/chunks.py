"""SCTP packets as bytes: the common header and the chunks WebRTC uses (RFC 9260 section 3, RFC 3758, RFC 6525)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import google_crc32c

HEADER_BYTES = 12
DATA_HEADER_BYTES = 16
FORWARD_TSN_SUPPORTED = 0xC000
SUPPORTED_EXTENSIONS = 0x8008
STATE_COOKIE = 7
OUTGOING_RESET = 13
RECONFIG_RESPONSE = 16


class SctpError(ValueError):
    """The bytes are not an SCTP packet, or its checksum is wrong."""


class Kind(IntEnum):
    """Chunk types."""

    DATA = 0
    INIT = 1
    INIT_ACK = 2
    SACK = 3
    HEARTBEAT = 4
    HEARTBEAT_ACK = 5
    ABORT = 6
    SHUTDOWN = 7
    SHUTDOWN_ACK = 8
    ERROR = 9
    COOKIE_ECHO = 10
    COOKIE_ACK = 11
    SHUTDOWN_COMPLETE = 14
    RE_CONFIG = 130
    FORWARD_TSN = 192


@dataclass(slots=True, frozen=True)
class Chunk:
    """A chunk as it is on the wire: type, flags and value without padding."""

    kind: int
    flags: int = 0
    value: bytes = b""

    def serialize(self) -> bytes:
        """The chunk with its header, padded to whole words."""
        value = self.value
        return struct.pack("!BBH", self.kind, self.flags, 4 + len(value)) + value + bytes(-len(value) % 4)


@dataclass(slots=True, frozen=True)
class Data:
    """A fragment of a message (RFC 9260 section 3.3.1); the first has ``begin``, the last ``end``."""

    tsn: int
    stream: int
    ssn: int
    ppid: int
    data: bytes
    unordered: bool = False
    begin: bool = True
    end: bool = True
    immediate: bool = False

    def chunk(self) -> Chunk:
        """As a chunk."""
        flags = self.end | self.begin << 1 | self.unordered << 2 | self.immediate << 3
        return Chunk(Kind.DATA, flags, struct.pack("!IHHI", self.tsn, self.stream, self.ssn, self.ppid) + self.data)


@dataclass(slots=True, frozen=True)
class Init:
    """INIT and INIT ACK (RFC 9260 section 3.3.2).

    Attributes:
        cookie: only in INIT ACK.
        partial: the sender understands FORWARD TSN.
    """

    tag: int
    window_bytes: int
    streams_out: int
    streams_in: int
    tsn: int
    cookie: bytes = b""
    partial: bool = False

    def chunk(self, kind: Kind) -> Chunk:
        """As a chunk of either type."""
        value = struct.pack("!IIHHI", self.tag, self.window_bytes, self.streams_out, self.streams_in, self.tsn)
        if self.partial:
            value += parameter(FORWARD_TSN_SUPPORTED, b"")
            value += parameter(SUPPORTED_EXTENSIONS, bytes((Kind.RE_CONFIG, Kind.FORWARD_TSN)))
        if self.cookie:
            value += parameter(STATE_COOKIE, self.cookie)
        return Chunk(kind, 0, value)


@dataclass(slots=True, frozen=True)
class Sack:
    """What has arrived (RFC 9260 section 3.3.4). Gaps are offsets from ``cumulative``, first and last inclusive."""

    cumulative: int
    window_bytes: int
    gaps: tuple[tuple[int, int], ...] = ()
    duplicates: tuple[int, ...] = ()

    def chunk(self) -> Chunk:
        """As a chunk."""
        value = struct.pack("!IIHH", self.cumulative, self.window_bytes, len(self.gaps), len(self.duplicates))
        value += b"".join(struct.pack("!HH", *gap) for gap in self.gaps)
        return Chunk(Kind.SACK, 0, value + struct.pack(f"!{len(self.duplicates)}I", *self.duplicates))


@dataclass(slots=True, frozen=True)
class ForwardTsn:
    """The sender gave up up to ``cumulative``; per ordered stream the last number given up (RFC 3758 section 3.2)."""

    cumulative: int
    streams: tuple[tuple[int, int], ...] = ()

    def chunk(self) -> Chunk:
        """As a chunk."""
        value = struct.pack("!I", self.cumulative) + b"".join(struct.pack("!HH", *pair) for pair in self.streams)
        return Chunk(Kind.FORWARD_TSN, 0, value)


@dataclass(slots=True, frozen=True)
class OutgoingReset:
    """The sender's streams begin again at number 0 (RFC 6525 section 4.1)."""

    request: int
    response: int
    last_tsn: int
    streams: tuple[int, ...]

    def value(self) -> bytes:
        """As a parameter of RE-CONFIG."""
        head = struct.pack("!III", self.request, self.response, self.last_tsn)
        return parameter(OUTGOING_RESET, head + struct.pack(f"!{len(self.streams)}H", *self.streams))


@dataclass(slots=True, frozen=True)
class ReconfigResponse:
    """Answer to a request of RE-CONFIG: 0 nothing to do, 1 done, 6 in progress, others refused."""

    request: int
    result: int

    def value(self) -> bytes:
        """As a parameter of RE-CONFIG."""
        return parameter(RECONFIG_RESPONSE, struct.pack("!II", self.request, self.result))


def parameter(kind: int, value: bytes) -> bytes:
    """A parameter, padded to whole words."""
    return struct.pack("!HH", kind, 4 + len(value)) + value + bytes(-len(value) % 4)


def parameters(value: bytes) -> list[tuple[int, bytes]]:
    """The parameters in a value.

    Raises:
        SctpError: one is cut short.
    """
    found: list[tuple[int, bytes]] = []
    position = 0
    while position < len(value):
        if position + 4 > len(value):
            raise SctpError("a parameter is cut short")
        kind, length = struct.unpack_from("!HH", value, position)
        if length < 4 or position + length > len(value):
            raise SctpError("a parameter is cut short")
        found.append((kind, value[position + 4 : position + length]))
        position += length + (-length % 4)
    return found


def packet(tag: int, chunks: Iterable[Chunk], port: int = 5000) -> bytes:
    """A packet with its checksum (RFC 9260 section 6.8: CRC32c, least significant byte first)."""
    body = b"".join(chunk.serialize() for chunk in chunks)
    head = struct.pack("!HHI", port, port, tag)
    checksum = google_crc32c.value(head + bytes(4) + body)
    return head + struct.pack("<I", checksum) + body


def parse(datagram: bytes) -> tuple[int, list[Chunk]]:
    """The verification tag and the chunks of a packet.

    Raises:
        SctpError: cut short, or the checksum is wrong.
    """
    if len(datagram) < HEADER_BYTES + 4:
        raise SctpError("shorter than a header and a chunk")
    (checksum,) = struct.unpack_from("<I", datagram, 8)
    if google_crc32c.value(datagram[:8] + bytes(4) + datagram[12:]) != checksum:
        raise SctpError("the checksum is wrong")
    (tag,) = struct.unpack_from("!I", datagram, 4)
    chunks: list[Chunk] = []
    position = HEADER_BYTES
    while position + 4 <= len(datagram):
        kind, flags, length = struct.unpack_from("!BBH", datagram, position)
        if length < 4 or position + length > len(datagram):
            raise SctpError("a chunk is cut short")
        chunks.append(Chunk(kind, flags, datagram[position + 4 : position + length]))
        position += length + (-length % 4)
    return tag, chunks


def parse_data(chunk: Chunk) -> Data:
    """A DATA chunk.

    Raises:
        SctpError: cut short or empty (RFC 9260 section 6.2 forbids messages without data).
    """
    if len(chunk.value) <= 12:
        raise SctpError("data without data")
    tsn, stream, ssn, ppid = struct.unpack_from("!IHHI", chunk.value)
    flags = chunk.flags
    return Data(
        tsn, stream, ssn, ppid, chunk.value[12:], bool(flags & 4), bool(flags & 2), bool(flags & 1), bool(flags & 8)
    )


def parse_init(chunk: Chunk) -> Init:
    """INIT or INIT ACK.

    Raises:
        SctpError: cut short, or a value that RFC 9260 section 3.3.2 forbids.
    """
    if len(chunk.value) < 16:
        raise SctpError("an INIT is cut short")
    tag, window, out, into, tsn = struct.unpack_from("!IIHHI", chunk.value)
    if not tag or not out or not into:
        raise SctpError("an INIT with a zero where none may be")
    found = dict(parameters(chunk.value[16:]))
    return Init(tag, window, out, into, tsn, found.get(STATE_COOKIE, b""), FORWARD_TSN_SUPPORTED in found)


def parse_sack(chunk: Chunk) -> Sack:
    """A SACK.

    Raises:
        SctpError: cut short.
    """
    if len(chunk.value) < 12:
        raise SctpError("a SACK is cut short")
    cumulative, window, gap_count, duplicate_count = struct.unpack_from("!IIHH", chunk.value)
    if len(chunk.value) < 12 + 4 * (gap_count + duplicate_count):
        raise SctpError("a SACK is cut short")
    numbers = struct.unpack_from(f"!{2 * gap_count}H", chunk.value, 12)
    duplicates = struct.unpack_from(f"!{duplicate_count}I", chunk.value, 12 + 4 * gap_count)
    return Sack(cumulative, window, tuple(zip(numbers[::2], numbers[1::2], strict=True)), duplicates)


def parse_forward(chunk: Chunk) -> ForwardTsn:
    """A FORWARD TSN.

    Raises:
        SctpError: cut short.
    """
    if len(chunk.value) < 4 or len(chunk.value) % 4:
        raise SctpError("a FORWARD TSN is cut short")
    pairs = struct.unpack_from(f"!{(len(chunk.value) - 4) // 2}H", chunk.value, 4)
    return ForwardTsn(struct.unpack_from("!I", chunk.value)[0], tuple(zip(pairs[::2], pairs[1::2], strict=True)))


def parse_reconfig(chunk: Chunk) -> list[OutgoingReset | ReconfigResponse]:
    """The requests and responses of a RE-CONFIG that we know.

    Raises:
        SctpError: cut short.
    """
    found: list[OutgoingReset | ReconfigResponse] = []
    for kind, value in parameters(chunk.value):
        if kind == OUTGOING_RESET:
            if len(value) < 12:
                raise SctpError("a reset is cut short")
            streams = struct.unpack_from(f"!{(len(value) - 12) // 2}H", value, 12)
            request, response, last_tsn = struct.unpack_from("!III", value)
            found.append(OutgoingReset(request, response, last_tsn, streams))
        elif kind == RECONFIG_RESPONSE:
            if len(value) < 8:
                raise SctpError("a response is cut short")
            found.append(ReconfigResponse(*struct.unpack_from("!II", value)))
    return found
