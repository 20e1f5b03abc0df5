"""RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285), one-byte and two-byte form.

``RtpPacket`` is a view over a datagram: the fixed fields are read at once, the rest on demand, because a forwarder
copies most packets without looking inside.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

HEADER_BYTES = 12
ONE_BYTE = 0xBEDE
TWO_BYTE = 0x1000
MAX_EXTENSION_VALUE_BYTES = 255


class RtpError(ValueError):
    """The bytes are not an RTP packet."""


@dataclass(slots=True)
class RtpPacket:
    """One packet.

    Attributes:
        extensions: header extension id to value, in order of appearance.
        payload: what follows the header, without padding.
        padding_bytes: how many padding bytes follow the payload (the last one holds the count).
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extensions: dict[int, bytes] = field(default_factory=dict)
    payload: bytes = b""
    padding_bytes: int = 0

    def serialize(self) -> bytes:
        """The packet as bytes; the extension block takes the one-byte form when every value fits it."""
        block = serialize_extensions(self.extensions)
        first = 0x80 | (0x20 if self.padding_bytes else 0) | (0x10 if block else 0) | len(self.csrcs)
        second = (0x80 if self.marker else 0) | self.payload_type
        header = struct.pack("!BBHII", first, second, self.sequence, self.timestamp, self.ssrc)
        if self.csrcs:
            header += struct.pack(f"!{len(self.csrcs)}I", *self.csrcs)
        data = header + block + self.payload
        if self.padding_bytes:
            data += bytes(self.padding_bytes - 1) + bytes((self.padding_bytes,))
        return data


def is_rtp_or_rtcp(datagram: bytes) -> bool:
    """Whether a datagram is RTP or RTCP by its first byte (RFC 7983 section 7)."""
    return len(datagram) >= 8 and 128 <= datagram[0] <= 191


def is_rtcp(datagram: bytes) -> bool:
    """Whether it is RTCP by its second byte (RFC 5761 section 4)."""
    return len(datagram) >= 8 and 192 <= datagram[1] <= 223


def parse(datagram: bytes) -> RtpPacket:
    """Read a packet.

    Raises:
        RtpError: it is cut short, of another version, or its counts do not fit its length.
    """
    size = len(datagram)
    if size < HEADER_BYTES:
        raise RtpError("shorter than a header")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", datagram)
    if first >> 6 != 2:
        raise RtpError("not version 2")
    count = first & 0x0F
    position = HEADER_BYTES + 4 * count
    if position > size:
        raise RtpError("contributing sources are cut short")
    csrcs = struct.unpack_from(f"!{count}I", datagram, HEADER_BYTES) if count else ()
    extensions: dict[int, bytes] = {}
    if first & 0x10:
        if position + 4 > size:
            raise RtpError("the header extension is cut short")
        profile, words = struct.unpack_from("!HH", datagram, position)
        position += 4
        if position + 4 * words > size:
            raise RtpError("the header extension is cut short")
        extensions = parse_extensions(profile, datagram[position : position + 4 * words])
        position += 4 * words
    padding = 0
    if first & 0x20:
        padding = datagram[-1] if size > position else 0
        if not 0 < padding <= size - position:
            raise RtpError("the padding does not fit")
    payload = datagram[position : size - padding]
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, second >= 0x80, csrcs, extensions, payload, padding)


def parse_extensions(profile: int, block: bytes) -> dict[int, bytes]:
    """The elements of an extension block. Unknown profiles have none (RFC 8285 section 4.1.1: ignore).

    Raises:
        RtpError: an element is longer than the block.
    """
    if profile == ONE_BYTE:
        return _parse_one_byte(block)
    if profile & 0xFFF0 == TWO_BYTE:
        return _parse_two_byte(block)
    return {}


def _parse_one_byte(block: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position, end = 0, len(block)
    while position < end:
        head = block[position]
        if head == 0:  # padding
            position += 1
            continue
        if head >> 4 == 15:  # reserved: what follows is not to be processed
            break
        value_end = position + 2 + (head & 0x0F)
        if value_end > end:
            raise RtpError("a header extension element is cut short")
        found[head >> 4] = block[position + 1 : value_end]
        position = value_end
    return found


def _parse_two_byte(block: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position, end = 0, len(block)
    while position < end:
        if block[position] == 0:
            position += 1
            continue
        if position + 2 > end or position + 2 + block[position + 1] > end:
            raise RtpError("a header extension element is cut short")
        found[block[position]] = block[position + 2 : position + 2 + block[position + 1]]
        position += 2 + block[position + 1]
    return found


def serialize_extensions(extensions: dict[int, bytes]) -> bytes:
    """An extension block with its header; empty without elements.

    Raises:
        ValueError: an id or a value does not fit either form.
    """
    if not extensions:
        return b""
    for identifier, value in extensions.items():
        if not 0 < identifier <= 255 or len(value) > MAX_EXTENSION_VALUE_BYTES:
            raise ValueError(f"header extension {identifier} with {len(value)} bytes")
    if all(identifier < 15 and 0 < len(value) <= 16 for identifier, value in extensions.items()):
        profile = ONE_BYTE
        body = b"".join(bytes((i << 4 | len(value) - 1,)) + value for i, value in extensions.items())
    else:
        profile = TWO_BYTE
        body = b"".join(bytes((i, len(value))) + value for i, value in extensions.items())
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", profile, len(body) // 4) + body


def audio_level(value: bytes) -> tuple[bool, int]:
    """Voice activity and level in -dBov, 0 loudest to 127 silent (RFC 6464 section 3).

    Raises:
        RtpError: the value is empty.
    """
    if not value:
        raise RtpError("an audio level has a byte")
    return bool(value[0] & 0x80), value[0] & 0x7F
