"""The durable mark: a small record of how far the journal is known to be on disk.

Lives here: its bytes, and choosing between its two slots. Does not live here: the file.

The mark is written after an fsync has returned and is itself not fsynced on every append, so after a
power loss it may be old, but it never claims too much. It exists for one case: damage to the very
last frames (or their removal) looks just like an interrupted append, unless something else remembers
that they were durable. Two slots in separate sectors are used in turn, so that a torn write of one
leaves the other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from trunkline.protocol.journal.errors import JournalUnsupported
from trunkline.protocol.journal.format import FORMAT_VERSION, crc32c_extend

MARK_FILE_NAME: Final = "DURABLE"
MARK_SLOT_STRIDE: Final = 4096
MARK_FILE_SIZE: Final = 2 * MARK_SLOT_STRIDE
MARK_SIZE: Final = 64
_MAGIC: Final = b"\x89TLDM\r\n\x1a"
_FIELDS: Final = struct.Struct("<8sHH16sQ16s8x")
_U32: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class DurableMark:
    """Every frame up to ``lsn`` is on disk, and ``chain`` is the chain of that frame."""

    store_id: bytes
    lsn: int
    chain: bytes


def encode_mark(store_id: bytes, lsn: int, chain: bytes) -> bytes:
    """Pack one slot."""
    fields = _FIELDS.pack(_MAGIC, FORMAT_VERSION, 0, store_id, lsn, chain)
    return fields + _U32.pack(crc32c_extend(0, fields))


def mark_offset(lsn: int) -> int:
    """File offset of the slot that the mark for ``lsn`` goes to: they alternate."""
    return (lsn & 1) * MARK_SLOT_STRIDE


def decode_marks(data: bytes) -> DurableMark | None:
    """The highest sound mark in the file; None when neither slot is sound.

    Raises:
        JournalUnsupported: a sound mark of a newer format.
    """
    best: DurableMark | None = None
    for start in (0, MARK_SLOT_STRIDE):
        slot = data[start : start + MARK_SIZE]
        if len(slot) < MARK_SIZE or slot[: len(_MAGIC)] != _MAGIC:
            continue
        fields = slot[: MARK_SIZE - 4]
        if _U32.unpack_from(slot, MARK_SIZE - 4)[0] != crc32c_extend(0, fields):
            continue
        _, version, _, store_id, lsn, chain = _FIELDS.unpack(fields)
        if version != FORMAT_VERSION:
            raise JournalUnsupported(f"the durable mark has format {version}; use the version that wrote it")
        if best is None or lsn > best.lsn:
            best = DurableMark(store_id, lsn, chain)
    return best
