"""STUN messages as bytes: header, attributes, integrity and fingerprint (RFC 8489 sections 5 and 14).

Parsing checks the frame only; whether a message is authentic is asked with ``verify``. Only what ICE needs is
understood; other attributes are kept as bytes, so that unknown comprehension-required ones can be named in a reply.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

MAGIC_COOKIE = 0x2112A442
HEADER_BYTES = 20
BINDING = 0x001
FINGERPRINT_XOR = 0x5354554E
MAX_MESSAGE_BYTES = 1500
"""No request of ICE comes near; anything longer is not worth parsing."""


class StunError(ValueError):
    """The bytes are not a STUN message."""


class MessageClass(IntEnum):
    """Request, indication or one of the two answers (RFC 8489 section 5)."""

    REQUEST = 0b00
    INDICATION = 0b01
    SUCCESS = 0b10
    ERROR = 0b11


class Attribute(IntEnum):
    """Attribute types ICE uses (RFC 8489 section 18.3, RFC 8445 section 16.1)."""

    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


@dataclass(slots=True)
class StunMessage:
    """One message.

    Attributes:
        kind: request, indication, success or error.
        method: 1 is Binding, the only one ICE uses.
        transaction: 12 bytes that a reply repeats.
        attributes: type and value, in order, without integrity and fingerprint.
    """

    kind: MessageClass
    method: int
    transaction: bytes
    attributes: list[tuple[int, bytes]] = field(default_factory=list)
    _signed: bytes = b""
    """What the integrity attribute covers, with the length as if it were the last attribute."""
    _integrity: bytes = b""

    def get(self, kind: int) -> bytes | None:
        """The first attribute of a type; None without one."""
        for candidate, value in self.attributes:
            if candidate == kind:
                return value
        return None

    @property
    def username(self) -> str | None:
        """USERNAME as text; None when absent or not UTF-8."""
        value = self.get(Attribute.USERNAME)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None

    @property
    def error_code(self) -> int | None:
        """The number of ERROR-CODE, such as 487."""
        value = self.get(Attribute.ERROR_CODE)
        if value is None or len(value) < 4:
            return None
        return (value[2] & 7) * 100 + value[3]

    @property
    def has_integrity(self) -> bool:
        """Whether MESSAGE-INTEGRITY is there (its truth is asked with ``verify``)."""
        return bool(self._integrity)

    def verify(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with this short-term password (RFC 8489 section 14.5)."""
        if not self._integrity:
            return False
        expected = hmac.digest(password.encode(), self._signed, "sha1")
        return hmac.compare_digest(expected, self._integrity)

    def serialize(self, password: str | None = None) -> bytes:
        """The message as bytes, with integrity when a password is given, and always with a fingerprint."""
        body = b"".join(_attribute(kind, value) for kind, value in self.attributes)
        if password is not None:
            signed = self._header(len(body) + 24) + body
            body += _attribute(Attribute.MESSAGE_INTEGRITY, hmac.digest(password.encode(), signed, "sha1"))
        covered = self._header(len(body) + 8) + body
        checksum = zlib.crc32(covered) ^ FINGERPRINT_XOR
        return covered + _attribute(Attribute.FINGERPRINT, struct.pack("!I", checksum))

    def _header(self, length: int) -> bytes:
        # The two class bits sit between the method's bits (RFC 8489 figure 3).
        kind, method = int(self.kind), self.method
        first = (method & 0x0F) | (kind & 1) << 4 | (method & 0x70) << 1 | (kind & 2) << 7 | (method & 0xF80) << 2
        return struct.pack("!HHI", first, length, MAGIC_COOKIE) + self.transaction


def is_stun(datagram: bytes) -> bool:
    """Whether a datagram can be STUN: its first byte is 0 to 3 and the cookie is there (RFC 7983 section 7)."""
    return len(datagram) >= HEADER_BYTES and datagram[0] < 4 and datagram[4:8] == b"\x21\x12\xa4\x42"


def peek_username(datagram: bytes) -> bytes | None:
    """USERNAME of a message that is not parsed yet, to find whom it is for; None without one or when malformed."""
    position, end = HEADER_BYTES, len(datagram)
    while position + 4 <= end:
        kind, length = struct.unpack_from("!HH", datagram, position)
        if position + 4 + length > end:
            return None
        if kind == Attribute.USERNAME:
            return datagram[position + 4 : position + 4 + length]
        position += 4 + length + (-length % 4)
    return None


def parse(datagram: bytes) -> StunMessage:
    """Read a message.

    Raises:
        StunError: it is cut short, too long, has a wrong length or a wrong fingerprint.
    """
    if not is_stun(datagram):
        raise StunError("not a STUN header")
    if len(datagram) > MAX_MESSAGE_BYTES:
        raise StunError("too long")
    first, length = struct.unpack_from("!HH", datagram)
    if length % 4 or HEADER_BYTES + length != len(datagram):
        raise StunError("the length field does not match")
    kind = MessageClass((first >> 4 & 1) | (first >> 7 & 2))
    method = (first & 0x0F) | (first >> 1 & 0x70) | (first >> 2 & 0xF80)
    message = StunMessage(kind, method, datagram[8:20])
    position, end = HEADER_BYTES, len(datagram)
    while position < end:
        if position + 4 > end:
            raise StunError("an attribute is cut short")
        attribute, size = struct.unpack_from("!HH", datagram, position)
        value_end = position + 4 + size
        if value_end + (-size % 4) > end:
            raise StunError("an attribute is cut short")
        value = datagram[position + 4 : value_end]
        if attribute == Attribute.FINGERPRINT:
            _check_fingerprint(datagram, position, value)
            break
        if not message._integrity:  # what follows the integrity counts for nothing (RFC 8489 section 14.5)
            if attribute == Attribute.MESSAGE_INTEGRITY:
                if size != 20:
                    raise StunError("the integrity has 20 bytes")
                message._integrity = value
                covered = struct.pack("!HH", first, position - HEADER_BYTES + 24)
                message._signed = covered + datagram[4:position]
            else:
                message.attributes.append((attribute, value))
        position = value_end + (-size % 4)
    return message


def _check_fingerprint(datagram: bytes, position: int, value: bytes) -> None:
    if len(value) != 4 or position + 8 != len(datagram):
        raise StunError("the fingerprint is the last attribute and has 4 bytes")
    if zlib.crc32(datagram[:position]) ^ FINGERPRINT_XOR != struct.unpack("!I", value)[0]:
        raise StunError("the fingerprint is wrong")


def xor_address(host: str, port: int, transaction: bytes) -> bytes:
    """An XOR-MAPPED-ADDRESS value (RFC 8489 section 14.2). ``host`` is a literal IPv4 or IPv6 address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    mask = struct.pack("!I", MAGIC_COOKIE) + transaction
    packed = bytes(byte ^ key for byte, key in zip(address.packed, mask, strict=False))
    family = 1 if address.version == 4 else 2
    return struct.pack("!BBH", 0, family, port ^ (MAGIC_COOKIE >> 16)) + packed


def parse_xor_address(value: bytes, transaction: bytes) -> tuple[str, int]:
    """Host and port of an XOR-MAPPED-ADDRESS value.

    Raises:
        StunError: it is not one.
    """
    if len(value) < 4 or len(value) != {1: 8, 2: 20}.get(value[1]):
        raise StunError("not an address")
    mask = struct.pack("!I", MAGIC_COOKIE) + transaction
    packed = bytes(byte ^ key for byte, key in zip(value[4:], mask, strict=False))
    port = struct.unpack_from("!H", value, 2)[0] ^ (MAGIC_COOKIE >> 16)
    return str(ipaddress.ip_address(packed)), port


def error_value(code: int, reason: str) -> bytes:
    """An ERROR-CODE value (RFC 8489 section 14.8)."""
    return struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
