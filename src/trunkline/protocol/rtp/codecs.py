"""What a forwarder reads in video payloads: is this a key frame, does a frame begin here, and VP8's running numbers.

VP8: RFC 7741 section 4.2. H.264: RFC 6184 section 5. VP9: RFC 9628 section 4.2. AV1: the RTP specification of the
Alliance for Open Media, section 4.4. The bytes after these headers stay opaque (they may be end-to-end encrypted).
"""

from __future__ import annotations

from dataclasses import dataclass


class PayloadError(ValueError):
    """The payload is too short for its own header."""


@dataclass(slots=True, frozen=True)
class Vp8Descriptor:
    """VP8's payload descriptor.

    Attributes:
        start: the first packet of a frame's first partition.
        picture_id: 7 or 15 bits; None when absent.
        wide: whether the picture id has 15 bits.
        tl0_index: TL0PICIDX; None when absent.
        temporal: temporal layer; None when absent.
        key_frame: the payload header says so (only on ``start``).
        size: bytes of the descriptor.
    """

    start: bool
    picture_id: int | None
    wide: bool
    tl0_index: int | None
    temporal: int | None
    sync: bool
    key_frame: bool
    size: int


def parse_vp8(payload: bytes) -> Vp8Descriptor:
    """Read the descriptor and the frame type.

    Raises:
        PayloadError: cut short.
    """
    try:
        return _parse_vp8(payload)
    except IndexError as error:
        raise PayloadError("a VP8 descriptor is cut short") from error


def _parse_vp8(payload: bytes) -> Vp8Descriptor:
    first = payload[0]
    position = 1
    picture_id = tl0_index = temporal = None
    wide = sync = False
    if first & 0x80:
        flags = payload[1]
        position = 2
        if flags & 0x80:
            wide = bool(payload[position] & 0x80)
            picture_id = payload[position] & 0x7F
            if wide:
                picture_id = picture_id << 8 | payload[position + 1]
            position += 2 if wide else 1
        if flags & 0x40:
            tl0_index = payload[position]
            position += 1
        if flags & 0x30:
            if flags & 0x20:
                temporal = payload[position] >> 6
                sync = bool(payload[position] & 0x20)
            position += 1
    start = bool(first & 0x10) and not first & 0x07
    key_frame = start and not payload[position] & 0x01
    return Vp8Descriptor(start, picture_id, wide, tl0_index, temporal, sync, key_frame, position)


def rewrite_vp8(payload: bytes, descriptor: Vp8Descriptor, picture_id: int, tl0_index: int) -> bytes:
    """The payload with other running numbers, in the same widths (so the packet keeps its length)."""
    if descriptor.picture_id is None and descriptor.tl0_index is None:
        return payload
    changed = bytearray(payload)
    position = 2
    if descriptor.picture_id is not None:
        if descriptor.wide:
            changed[position] = 0x80 | picture_id >> 8 & 0x7F
            changed[position + 1] = picture_id & 0xFF
            position += 2
        else:
            changed[position] = picture_id & 0x7F
            position += 1
    if descriptor.tl0_index is not None:
        changed[position] = tl0_index & 0xFF
    return bytes(changed)


def is_h264_key_frame(payload: bytes) -> bool:
    """Whether the packet begins a key frame: it carries a sequence parameter set or the start of an IDR slice."""
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind in (5, 7):
        return True
    if kind == 24:  # STAP-A: several units with their lengths
        position = 1
        while position + 3 <= len(payload):
            if payload[position + 2] & 0x1F in (5, 7):
                return True
            position += 2 + int.from_bytes(payload[position : position + 2], "big")
        return False
    if kind in (28, 29):  # fragments: the first one tells the type
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F in (5, 7)
    return False


def is_vp9_key_frame(payload: bytes) -> bool:
    """Whether the packet begins a frame that depends on no other, in the lowest spatial layer."""
    if not payload:
        return False
    first = payload[0]
    begins, inter, layers = first & 0x08, first & 0x40, first & 0x20
    if not begins or inter:
        return False
    position = 1
    if first & 0x80:
        if position >= len(payload):
            return False
        position += 2 if payload[position] & 0x80 else 1
    if not layers:
        return True
    return position < len(payload) and not payload[position] >> 1 & 0x07


def is_av1_key_frame(payload: bytes) -> bool:
    """Whether the packet begins a coded video sequence (the N bit of the aggregation header)."""
    return bool(payload) and bool(payload[0] & 0x08)


def is_key_frame(codec: str, payload: bytes) -> bool:
    """Whether a payload begins a key frame. ``codec`` is the lower-case name of the MIME type, such as ``vp8``."""
    if codec == "vp8":
        try:
            return parse_vp8(payload).key_frame
        except PayloadError:
            return False
    test = {"h264": is_h264_key_frame, "vp9": is_vp9_key_frame, "av1": is_av1_key_frame}.get(codec)
    return test is not None and test(payload)


def begins_frame(codec: str, payload: bytes) -> bool:
    """Whether a payload surely begins a frame; False where its codec does not tell."""
    if codec == "vp8":
        return bool(payload) and bool(payload[0] & 0x10) and not payload[0] & 0x07
    return codec == "vp9" and bool(payload) and bool(payload[0] & 0x08)


def picture_of(codec: str, payload: bytes) -> int | None:
    """The running number of a payload's frame, at least its last 7 bits; None where its codec does not tell."""
    if codec == "vp8":
        try:
            return parse_vp8(payload).picture_id
        except PayloadError:
            return None
    if codec == "vp9" and len(payload) > 2 and payload[0] & 0x80:
        return payload[2] if payload[1] & 0x80 else payload[1] & 0x7F
    return None
