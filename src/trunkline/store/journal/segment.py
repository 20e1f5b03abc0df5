"""One segment file: creating it whole or not at all, and reading its frames.

Lives here: the in-memory description of a segment, its creation, and reading a range of frames from
it. Does not live here: which segments there are (``file_journal``) and repairing (``recovery``).
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Final

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.protocol.journal.errors import JournalCorrupt, JournalUnsupported
from trunkline.protocol.journal.format import (
    FORMAT_VERSION,
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    decode_segment_header,
    encode_segment_header,
    segment_name,
)
from trunkline.protocol.journal.scan import Frame, FrameScanner, SegmentEnd
from trunkline.store.journal.file_io import FileIo

UNFINISHED_SUFFIX: Final = ".new"
READ_CHUNK_BYTES: Final = 1024 * 1024
WAYPOINT_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Segment:
    """What is known of one segment.

    The writer publishes ``end_offset`` before ``last_lsn``; a reader takes them in the other order, so
    that all frames it looks for lie before the end it uses.
    """

    header: SegmentHeader
    path: str
    end_offset: int = SEGMENT_HEADER_SIZE
    last_lsn: int = 0
    # (lsn, offset, chain before it), ascending: places a reader can start at.
    waypoints: list[tuple[int, int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start empty: the last frame is the one before the first."""
        self.last_lsn = self.header.first_lsn - 1
        self.waypoints.append((self.header.first_lsn, SEGMENT_HEADER_SIZE, self.header.prev_chain))

    @property
    def name(self) -> str:
        """File name."""
        return segment_name(self.header.first_lsn)

    @property
    def first_lsn(self) -> int:
        """Number of the first frame, present or to come."""
        return self.header.first_lsn

    def extend(self, lsn: int, end_offset: int, chain: bytes) -> None:
        """Publish that ``lsn`` is durable and ends at ``end_offset``; ``chain`` is its own chain."""
        self.end_offset = end_offset
        if end_offset - self.waypoints[-1][1] >= WAYPOINT_BYTES:
            self.waypoints.append((lsn + 1, end_offset, chain))
        self.last_lsn = lsn


def create_segment(
    io: FileIo, directory: str, header: SegmentHeader, spare: tuple[int, str] | None = None
) -> tuple[Segment, int]:
    """Create a segment durably under its final name.

    It is written under another name first: a file with a segment's name always has a sound header,
    so a bad one is damage and never a crash.

    Args:
        io: the file system.
        directory: of the journal.
        header: of the segment.
        spare: descriptor and path of a file of zeros to make it of.

    Raises:
        OSError: as the system says; before the rename nothing of the attempt remains in the way.
    """
    segment = Segment(header, f"{directory}/{segment_name(header.first_lsn)}")
    if spare is None:
        unfinished = segment.path + UNFINISHED_SUFFIX
        fd = io.open(unfinished, create=True, truncate=True)
    else:
        fd, unfinished = spare
    try:
        data = encode_segment_header(header)
        while data:
            written = io.pwrite(fd, data, SEGMENT_HEADER_SIZE - len(data))
            data = data[written:]
        io.fdatasync(fd)
        hit(FaultPoint.JOURNAL_AFTER_CREATE_SEGMENT)
        io.rename(unfinished, segment.path)
    except OSError:
        io.close(fd)
        with contextlib.suppress(OSError):
            io.unlink(unfinished)
        raise
    hit(FaultPoint.JOURNAL_AFTER_RENAME_SEGMENT)
    io.fsync_dir(directory)
    return segment, fd


@contextlib.contextmanager
def opened(io: FileIo, path: str) -> Iterator[int]:
    """A descriptor of an existing file, for the length of a ``with`` block."""
    fd = io.open(path)
    try:
        yield fd
    finally:
        io.close(fd)


def read_header(io: FileIo, fd: int, name: str, first_lsn: int) -> SegmentHeader:
    """Read and check the header of a segment file.

    Raises:
        JournalCorrupt: it is not sound, or does not match the file's name.
        JournalUnsupported: it is sound but newer than this version, or encrypted.
    """
    header = decode_segment_header(read_exactly(io, fd, name, SEGMENT_HEADER_SIZE, 0))
    if header is None:
        raise JournalCorrupt(name, 0, "the segment header does not match its checksum")
    if header.version != FORMAT_VERSION or header.key_id:
        raise JournalUnsupported(
            f"journal file {name} has format {header.version} and key {header.key_id}; "
            f"this version reads format {FORMAT_VERSION} unencrypted. Use the version that wrote it."
        )
    if header.first_lsn != first_lsn:
        raise JournalCorrupt(name, 0, f"the header says it starts at frame {header.first_lsn}; was it renamed?")
    return header


def read_exactly(io: FileIo, fd: int, name: str, size: int, offset: int) -> bytes:
    """Read ``size`` bytes, or fewer when the file ends.

    Raises:
        JournalCorrupt: the medium does not give the bytes back.
    """
    parts: list[bytes] = []
    while size:
        try:
            data = io.pread(fd, size, offset)
        except OSError as error:
            raise JournalCorrupt(name, offset, f"it cannot be read ({error})") from error
        if not data:
            break
        parts.append(data)
        size -= len(data)
        offset += len(data)
    return b"".join(parts)


def scan_segment(io: FileIo, fd: int, segment: Segment) -> Generator[Frame, None, SegmentEnd]:
    """Yield every good frame of a segment, publishing each into ``segment``.

    The generator's return value says how the segment ends.
    """
    scanner = FrameScanner(segment.header)
    offset = SEGMENT_HEADER_SIZE
    while data := read_exactly(io, fd, segment.name, READ_CHUNK_BYTES, offset):
        offset += len(data)
        scanner.feed(data)
        for frame in scanner.frames():
            segment.extend(frame.lsn, frame.end, frame.chain)
            yield frame
    return scanner.finish()


def read_frames(io: FileIo, segment: Segment, from_lsn: int) -> Iterator[Frame]:
    """Yield the durable frames of a segment from ``from_lsn`` on, checking each.

    Raises:
        FileNotFoundError: the file was removed meanwhile.
        JournalCorrupt: stored bytes are damaged.
    """
    upto_lsn = segment.last_lsn
    end_offset = segment.end_offset
    waypoints = segment.waypoints
    lsn, offset, chain = waypoints[bisect.bisect_right(waypoints, from_lsn, key=lambda point: point[0]) - 1]
    with opened(io, segment.path) as fd:
        scanner = FrameScanner(segment.header, next_lsn=lsn, chain=chain, offset=offset)
        while scanner.next_lsn <= upto_lsn:
            frame = scanner.next_frame()
            if frame is not None:
                if frame.lsn >= from_lsn:
                    yield frame
                continue
            size = 0 if scanner.stopped else min(READ_CHUNK_BYTES, end_offset - offset)
            data = read_exactly(io, fd, segment.name, size, offset)
            if not data:
                end = scanner.finish()
                raise JournalCorrupt(segment.name, end.offset, end.reason or f"frame {end.next_lsn} is missing")
            offset += len(data)
            scanner.feed(data)
