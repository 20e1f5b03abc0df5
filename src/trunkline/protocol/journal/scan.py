"""Reads frames back, and tells a torn tail from a corrupt middle.

Lives here: ``FrameScanner``, fed with the bytes of one segment in chunks of any size, and the
verdicts on how a segment ends. Does not live here: files, and repairing anything.

What the verdicts rest on: appends are serial and each is fsynced before the next one starts. So at
any time at most *one* frame, the last, may be incomplete, and **a frame header anywhere proves that
every byte before it was durable**. Therefore, at the first place that is not a good frame:

* zeros to the end of the file are preallocated space: a *clean end*;
* a valid frame header anywhere behind it proves damage: *corrupt*;
* a sound header with the wrong number, a whole frame off the hash chain, or anything but zeros behind
  the length that a sound header declares, is not something a crash can leave: *corrupt*;
* else it is an append that a crash interrupted: a *torn tail*, never acknowledged, safe to cut off.

The last frame has nothing behind it, so here alone damage looks like a crash. The durable mark
(``mark``) closes that gap: a segment that ends before the mark is damaged, however it ends.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from trunkline.protocol.journal.errors import JournalCorrupt, JournalUnsupported
from trunkline.protocol.journal.format import (
    FORMAT_VERSION,
    FRAME_HEADER_SIZE,
    FRAME_MAGIC,
    MAX_PAYLOAD_BYTES,
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    crc32c_extend,
    decode_frame_header,
    frame_fields,
    next_chain,
)
from trunkline.protocol.journal.mark import DurableMark

_ZEROS = bytes(4 * 1024 * 1024)
"""To compare with: a prepared segment has tens of megabytes of them behind its frames."""


class Frame(NamedTuple):
    """One good frame: its number, where it lies in the file, its chain and its payload."""

    lsn: int
    offset: int
    end: int
    chain: bytes
    payload: bytes


class EndKind(enum.Enum):
    """How the bytes of a segment end."""

    CLEAN = "clean"
    TORN_TAIL = "torn tail"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """Where the good frames end and what follows them."""

    kind: EndKind
    offset: int
    next_lsn: int
    chain: bytes
    dropped_bytes: int = 0
    reason: str = ""


class FrameScanner:
    """Splits the bytes behind a segment header into frames.

    Feed chunks in file order, take frames after each, and ask ``finish`` once all were fed. With
    ``next_lsn``, ``chain`` and ``offset`` the scan starts at a known frame in the middle.
    """

    __slots__ = (
        "_buffer",
        "_chain",
        "_declared_end",
        "_evidence",
        "_fault",
        "_header",
        "_last_nonzero",
        "_next_lsn",
        "_offset",
        "_position",
        "_search_offset",
        "_seed",
        "_stray",
    )

    def __init__(
        self,
        header: SegmentHeader,
        *,
        next_lsn: int | None = None,
        chain: bytes | None = None,
        offset: int = SEGMENT_HEADER_SIZE,
    ) -> None:
        self._header = header
        self._seed = header.seed
        self._next_lsn = header.first_lsn if next_lsn is None else next_lsn
        self._chain = header.prev_chain if chain is None else chain
        self._offset = offset
        self._buffer = b""
        self._position = 0
        self._fault: str | None = None
        self._stray = False
        self._declared_end: int | None = None
        self._evidence: tuple[int, int] | None = None
        self._last_nonzero = offset
        self._search_offset = offset

    @property
    def next_lsn(self) -> int:
        """Number of the frame that is expected next."""
        return self._next_lsn

    @property
    def offset(self) -> int:
        """File offset behind the last good frame."""
        return self._offset

    @property
    def chain(self) -> bytes:
        """Chain of the last good frame."""
        return self._chain

    @property
    def stopped(self) -> bool:
        """Whether something that is not a good frame was met, so that no more frames will come."""
        return self._fault is not None

    def feed(self, data: bytes) -> None:
        """Add the next bytes of the file."""
        if self._position:
            self._buffer = self._buffer[self._position :]
            self._position = 0
        self._buffer = self._buffer + data if self._buffer else data
        if self._fault is not None:
            self._search()

    def frames(self) -> Iterator[Frame]:
        """All frames that are complete in what was fed so far."""
        while (frame := self.next_frame()) is not None:
            yield frame

    def next_frame(self) -> Frame | None:
        """The next frame, or None when more bytes are needed or ``stopped``.

        Raises:
            JournalUnsupported: a sound frame of a newer format.
        """
        if self._fault is not None:
            return None
        buffer, start = self._buffer, self._position
        body = start + FRAME_HEADER_SIZE
        if len(buffer) < body:
            return None
        header = decode_frame_header(self._seed, buffer, start)
        if header is None:
            self._stop("no frame header")
            return None
        if header.version != FORMAT_VERSION or header.flags or header.key_id:
            raise JournalUnsupported(
                f"frame {header.lsn} has format {header.version}, flags {header.flags}, key {header.key_id}; "
                f"this version reads format {FORMAT_VERSION} without either. Use the version that wrote it."
            )
        if header.lsn != self._next_lsn or header.length > MAX_PAYLOAD_BYTES:
            self._stop(f"frame {header.lsn} stands where {self._next_lsn} belongs", stray=True)
            return None
        end = body + header.length
        if len(buffer) < end:
            return None
        payload = buffer[body:end]
        if crc32c_extend(self._seed, payload) != header.payload_crc:
            self._stop("the payload does not match its checksum", declared_size=end - start)
            return None
        if next_chain(self._chain, frame_fields(buffer, start), payload) != header.chain:
            self._stop(f"frame {header.lsn} does not continue the hash chain", stray=True)
            return None
        offset = self._offset
        self._offset = offset + end - start
        self._position = end
        self._chain = header.chain
        self._next_lsn = header.lsn + 1
        return Frame(header.lsn, offset, self._offset, header.chain, payload)

    def finish(self) -> SegmentEnd:
        """The verdict, once the whole segment was fed and all frames were taken."""
        if self._fault is None and len(self._buffer) > self._position:
            self._stop("the file ends within a frame")
        self._search(final=True)
        kind, dropped, reason = EndKind.CLEAN, 0, ""
        if self._last_nonzero > self._offset:
            kind = EndKind.TORN_TAIL
            dropped = self._last_nonzero - self._offset
            reason = f"{self._fault or 'no frame'} where frame {self._next_lsn} was expected"
            if self._evidence is not None:
                kind = EndKind.CORRUPT
                lsn, offset = self._evidence
                reason += f", although frame {lsn} was written behind it at byte {offset}"
            elif self._declared_end is not None and self._last_nonzero > self._declared_end:
                kind = EndKind.CORRUPT
                reason += f", and more was written behind its end at byte {self._declared_end}"
            elif self._stray:
                kind = EndKind.CORRUPT
        return SegmentEnd(kind, self._offset, self._next_lsn, self._chain, dropped, reason)

    def _stop(self, fault: str, *, stray: bool = False, declared_size: int | None = None) -> None:
        """No more frames: from here on only look for evidence that something durable follows."""
        self._fault = fault
        self._stray = stray
        self._declared_end = None if declared_size is None else self._offset + declared_size
        self._search_offset = self._offset
        self._search()

    def _search(self, *, final: bool = False) -> None:
        """Look through the buffered bytes for a header that lies behind the fault."""
        buffer, start = self._buffer, self._position
        base = self._search_offset - start
        at = start
        if _ZEROS.startswith(buffer[start:] if start else buffer):
            at = len(buffer)
        elif len(used := buffer.rstrip(b"\0")) > start:
            self._last_nonzero = self._search_offset + len(used) - start
        while self._evidence is None and (at := buffer.find(FRAME_MAGIC, at)) >= 0:
            if base + at > self._offset and (header := decode_frame_header(self._seed, buffer, at)) is not None:
                self._evidence = (header.lsn, base + at)
            at += 1
        # A header may be cut by the end of this chunk: keep what could be the start of one.
        keep = 0 if final else min(FRAME_HEADER_SIZE - 1, len(buffer) - start)
        self._search_offset = base + len(buffer) - keep
        self._buffer = buffer[len(buffer) - keep :]
        self._position = 0


def require_sealed(file: str, end: SegmentEnd, successor: SegmentHeader) -> None:
    """Check that a segment which has a successor is complete and that the two belong together.

    Raises:
        JournalCorrupt: anything else than a clean end that the successor continues.
    """
    if end.kind is not EndKind.CLEAN:
        raise JournalCorrupt(file, end.offset, f"{end.reason}, in a segment that was completed long ago")
    if end.next_lsn != successor.first_lsn:
        raise JournalCorrupt(
            file,
            end.offset,
            f"it ends before frame {end.next_lsn}, but the next segment starts at {successor.first_lsn}",
        )
    if end.chain != successor.prev_chain:
        raise JournalCorrupt(file, end.offset, "the next segment does not continue its hash chain")


def require_recoverable(file: str, end: SegmentEnd, mark: DurableMark | None) -> None:
    """Check that the last segment ends in a way a crash can explain.

    Raises:
        JournalCorrupt: evidence says that durable bytes are damaged or missing.
    """
    if end.kind is EndKind.CORRUPT:
        raise JournalCorrupt(file, end.offset, end.reason)
    if mark is not None and mark.lsn >= end.next_lsn:
        what = end.reason or "the file holds no more frames"
        raise JournalCorrupt(file, end.offset, f"{what}, although frame {mark.lsn} was durable already")
