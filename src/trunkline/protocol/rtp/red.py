"""Redundant audio (RFC 2198): several Opus frames in one packet, the newest last.

Not here: how deep the redundancy is (``domain/media/depth``) and the store of frames it is built from.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_OFFSET = (1 << 14) - 1
"""Timestamp units a redundant frame may lie behind the packet's own: 341 ms at 48 kHz."""
MAX_BLOCK_BYTES = (1 << 10) - 1
MAX_BLOCKS = 32
"""Browsers refuse more in one packet."""


class RedError(ValueError):
    """The payload is not redundant audio."""


@dataclass(slots=True, frozen=True)
class Block:
    """One frame: payload type inside, timestamp units behind the packet's timestamp, and the frame itself."""

    payload_type: int
    offset: int
    data: bytes


def parse(payload: bytes) -> list[Block]:
    """The frames of a payload, oldest first; the last is the packet's own, with offset 0.

    Raises:
        RedError: headers or frames are cut short, or there are too many.
    """
    headers: list[tuple[int, int, int]] = []
    position = 0
    while True:
        if position >= len(payload):
            raise RedError("the headers are cut short")
        head = payload[position]
        if not head & 0x80:
            headers.append((head, 0, -1))
            position += 1
            break
        if position + 4 > len(payload):
            raise RedError("the headers are cut short")
        bits = int.from_bytes(payload[position + 1 : position + 4], "big")
        headers.append((head & 0x7F, bits >> 10, bits & 0x3FF))
        position += 4
        if len(headers) >= MAX_BLOCKS:
            raise RedError("too many frames")
    blocks: list[Block] = []
    for payload_type, offset, length in headers:
        end = len(payload) if length < 0 else position + length
        if end > len(payload):
            raise RedError("a frame is cut short")
        blocks.append(Block(payload_type, offset, payload[position:end]))
        position = end
    return blocks


def serialize(blocks: list[Block]) -> bytes:
    """A payload from frames, oldest first; the last one must have offset 0.

    Raises:
        ValueError: no frame, too many, or one that does not fit its header.
    """
    if not 0 < len(blocks) <= MAX_BLOCKS or blocks[-1].offset:
        raise ValueError(f"{len(blocks)} frames")
    parts: list[bytes] = []
    for block in blocks[:-1]:
        if not 0 <= block.offset <= MAX_OFFSET or len(block.data) > MAX_BLOCK_BYTES:
            raise ValueError(f"a frame of {len(block.data)} bytes, {block.offset} back")
        parts.append(struct.pack("!I", 1 << 31 | block.payload_type << 24 | block.offset << 10 | len(block.data)))
    parts.append(bytes((blocks[-1].payload_type,)))
    parts.extend(block.data for block in blocks)
    return b"".join(parts)
