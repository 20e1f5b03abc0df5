"""Byte layout of a journal segment: one header, then frames back to back.

Lives here: the constants, and packing and unpacking of a segment header and of a frame.
Does not live here: deciding what a bad frame means (``scan``), and files.

All integers are little-endian. Checksums are CRC-32C seeded with the segment's random salt, so that
neither stale disk blocks nor a payload that imitates a frame can pass for one. The chain of a frame
is SHA-256, cut to 16 bytes, over the chain of the frame before it, this frame's fields and its
payload: a frame that was removed, repeated or exchanged breaks every later link.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

import google_crc32c

from trunkline.protocol.journal.errors import JournalPayloadTooLarge

FORMAT_VERSION: Final = 1
STORE_ID_SIZE: Final = 16
SALT_SIZE: Final = 16
CHAIN_SIZE: Final = 16
SEGMENT_SUFFIX: Final = ".tlj"

SEGMENT_MAGIC: Final = b"\x89TLJRN\r\n"
SEGMENT_HEADER_SIZE: Final = 96
_SEGMENT_FIELDS: Final = struct.Struct("<8sHHI16s16sQ16s20x")

FRAME_MAGIC: Final = b"\xf5TLF"
FRAME_HEADER_SIZE: Final = 48
MAX_PAYLOAD_BYTES: Final = 64 * 1024 * 1024
_FRAME_FIELDS: Final = struct.Struct("<IIQHHI")
_FRAME_FIELDS_START: Final = 8
_FRAME_CHAIN_START: Final = 32
_U32: Final = struct.Struct("<I")
_MAGIC_AND_CRC: Final = struct.Struct("<4sI")

crc32c_extend: Final[Callable[[int, bytes], int]] = google_crc32c.extend


class SegmentHeader(NamedTuple):
    """What the first bytes of a segment say."""

    store_id: bytes
    salt: bytes
    first_lsn: int
    prev_chain: bytes
    key_id: int = 0
    version: int = FORMAT_VERSION

    @property
    def seed(self) -> int:
        """Start value of every frame checksum in this segment."""
        return crc32c_extend(0, self.salt)


class FrameHeader(NamedTuple):
    """What the bytes before a payload say, once their own checksum has proved right."""

    length: int
    payload_crc: int
    lsn: int
    version: int
    flags: int
    key_id: int
    chain: bytes


def segment_name(first_lsn: int) -> str:
    """File name of the segment that starts at ``first_lsn``; sorts as the numbers do."""
    return f"{first_lsn:020d}{SEGMENT_SUFFIX}"


def parse_segment_name(name: str) -> int | None:
    """The first lsn a file name stands for, or None when it is not a segment's name."""
    digits = name.removesuffix(SEGMENT_SUFFIX)
    if len(digits) != 20 or digits == name or not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits)


def genesis_chain(store_id: bytes) -> bytes:
    """The chain that the first frame of a store builds upon."""
    return sha256(b"trunkline journal" + store_id).digest()[:CHAIN_SIZE]


def encode_segment_header(header: SegmentHeader) -> bytes:
    """Pack a segment header; its last four bytes are its checksum."""
    fields = _SEGMENT_FIELDS.pack(
        SEGMENT_MAGIC,
        header.version,
        SEGMENT_HEADER_SIZE,
        header.key_id,
        header.store_id,
        header.salt,
        header.first_lsn,
        header.prev_chain,
    )
    return fields + _U32.pack(crc32c_extend(0, fields))


def decode_segment_header(data: bytes) -> SegmentHeader | None:
    """Unpack a segment header; None when it is short or its magic or checksum is wrong.

    The version is returned, not judged: the caller distinguishes newer files from damaged ones.
    """
    if len(data) < SEGMENT_HEADER_SIZE or data[: len(SEGMENT_MAGIC)] != SEGMENT_MAGIC:
        return None
    fields = data[: SEGMENT_HEADER_SIZE - 4]
    if _U32.unpack_from(data, SEGMENT_HEADER_SIZE - 4)[0] != crc32c_extend(0, fields):
        return None
    _, version, _, key_id, store_id, salt, first_lsn, prev_chain = _SEGMENT_FIELDS.unpack(fields)
    return SegmentHeader(store_id, salt, first_lsn, prev_chain, key_id, version)


def encode_frame(seed: int, prev_chain: bytes, lsn: int, payload: bytes, key_id: int = 0) -> tuple[bytes, bytes]:
    """Pack one frame.

    Args:
        seed: the segment's checksum seed (``SegmentHeader.seed``).
        prev_chain: chain of the frame before this one.
        lsn: number of this frame.
        payload: one commit group, opaque here.
        key_id: key the payload is encrypted with; 0 means not encrypted.

    Returns:
        The frame's bytes, and its chain for the next frame.

    Raises:
        JournalPayloadTooLarge: the payload exceeds ``MAX_PAYLOAD_BYTES``.
    """
    length = len(payload)
    if length > MAX_PAYLOAD_BYTES:
        raise JournalPayloadTooLarge(
            f"a commit group of {length} bytes exceeds {MAX_PAYLOAD_BYTES}; commit fewer records at once"
        )
    fields = _FRAME_FIELDS.pack(length, crc32c_extend(seed, payload), lsn, FORMAT_VERSION, 0, key_id)
    chain = next_chain(prev_chain, fields, payload)
    covered = fields + chain
    head = _MAGIC_AND_CRC.pack(FRAME_MAGIC, crc32c_extend(seed, covered))
    return b"".join((head, covered, payload)), chain


def next_chain(prev_chain: bytes, fields: bytes, payload: bytes) -> bytes:
    """The chain of a frame with these header fields and payload, behind a frame with ``prev_chain``."""
    digest = sha256(prev_chain + fields)
    digest.update(payload)
    return digest.digest()[:CHAIN_SIZE]


def decode_frame_header(seed: int, data: bytes, start: int = 0) -> FrameHeader | None:
    """Unpack the frame header at ``start``; None unless it is whole, magic and checksum included.

    A header that passes was written by this journal into this segment: its length can be trusted.
    """
    end = start + FRAME_HEADER_SIZE
    if len(data) < end:
        return None
    magic, crc = _MAGIC_AND_CRC.unpack_from(data, start)
    if magic != FRAME_MAGIC or crc != crc32c_extend(seed, data[start + _FRAME_FIELDS_START : end]):
        return None
    length, payload_crc, lsn, version, flags, key_id = _FRAME_FIELDS.unpack_from(data, start + _FRAME_FIELDS_START)
    return FrameHeader(length, payload_crc, lsn, version, flags, key_id, data[start + _FRAME_CHAIN_START : end])


def frame_fields(data: bytes, start: int = 0) -> bytes:
    """The header bytes that the hash chain covers, of the frame at ``start``."""
    return data[start + _FRAME_FIELDS_START : start + _FRAME_CHAIN_START]
