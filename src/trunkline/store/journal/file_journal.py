"""``FileJournal``: the journal port on segment files in one directory.

Lives here: appending, rolling, reading, pins and trimming. Does not live here: bytes and verdicts
(``protocol/journal``), opening after a crash (``recovery``).

Threads: one thread appends; ``read``, ``trim``, ``pin`` and the properties may be used from any other
meanwhile. ``trim`` and rolling share a lock; appending takes none.
"""

from __future__ import annotations

import bisect
import errno
import os
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.protocol.journal.errors import (
    JournalClosed,
    JournalCorrupt,
    JournalError,
    JournalFailed,
    JournalNotApplied,
    JournalTooShort,
    JournalTrimmed,
)
from trunkline.protocol.journal.format import (
    FRAME_HEADER_SIZE,
    SALT_SIZE,
    SEGMENT_HEADER_SIZE,
    STORE_ID_SIZE,
    SegmentHeader,
    encode_frame,
)
from trunkline.services.log.journal_port import SegmentInfo
from trunkline.store.journal.file_io import FileIo, OsFileIo, WithoutSync
from trunkline.store.journal.lock import LOCK_FILE_NAME
from trunkline.store.journal.recovery import OpenOptions, Recovered, RecoveryReport, recover
from trunkline.store.journal.segment import Segment, create_segment, read_frames
from trunkline.store.journal.spare import Spare

DEFAULT_SEGMENT_SIZE_BYTES: Final = 64 * 1024 * 1024
DEFAULT_PREALLOCATE_BYTES: Final = 4 * 1024 * 1024
SPARE_AFTER_BYTES: Final = 512 * 1024
"""Appended since the opening: a journal that is less busy than that, or has smaller segments, prepares none."""


class FileJournal:
    """One directory of segments, exclusively locked while open. Create it with ``open``."""

    def __init__(
        self,
        io: FileIo,
        directory: str,
        lock_fd: int,
        recovered: Recovered,
        *,
        segment_size_bytes: int,
        preallocate_bytes: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._io = io
        self._directory = directory
        self._lock_fd = lock_fd
        self._segment_size_bytes = segment_size_bytes
        self._preallocate_bytes = preallocate_bytes
        self._entropy = entropy
        self._store_id = recovered.store_id
        self._report = recovered.report
        self._mark = recovered.mark
        self._pwrite = io.pwrite
        self._fdatasync = io.fdatasync
        self._segments: tuple[Segment, ...] = tuple(recovered.segments)
        self._active = self._segments[-1]
        self._fd = recovered.active_fd
        self._seed = self._active.header.seed
        self._allocated_bytes = recovered.allocated_bytes
        self._chain = recovered.chain
        self._last_lsn = self._active.last_lsn
        self._spare = Spare(io, directory, segment_size_bytes)
        # Whether the active segment consists of zeros that were written, not of space that is reserved.
        self._prepared = False
        self._appended_bytes = 0
        self._pins: dict[str, int] = {}
        self._structure_lock = threading.Lock()
        self._failure: str | None = None
        self._closed = False
        # False from the start of an append to its end, so that whatever interrupts one leaves the
        # journal refusing the next.
        self._ready = True

    @classmethod
    def open(
        cls,
        directory: str | os.PathLike[str],
        io: FileIo | None = None,
        *,
        segment_size_bytes: int = DEFAULT_SEGMENT_SIZE_BYTES,
        preallocate_bytes: int = DEFAULT_PREALLOCATE_BYTES,
        fsync: bool = True,
        store_id: bytes | None = None,
        first_lsn: int = 1,
        verify_after_lsn: int = 0,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> FileJournal:
        """Open the journal in ``directory``, or create it.

        Args:
            directory: where the segments are; created when missing. It must not be shared.
            io: the file system; the operating system's by default.
            segment_size_bytes: a new segment is begun rather than growing past this size.
            preallocate_bytes: disk space is reserved in steps of this size; 0 reserves none.
            fsync: False makes appends survive a killed process but not a power loss.
            store_id: 16 bytes. Created with it; an existing journal must have it. None accepts any.
            first_lsn: number of the first frame of a new journal (a restored store goes on counting).
            verify_after_lsn: segments whose frames all lie at or below this are not read through.
            entropy: source of random bytes, for the store id and the salt of segments.

        Raises:
            DataDirectoryLocked: another process has it open.
            JournalCorrupt: committed bytes are damaged or missing; nothing was changed.
            JournalUnsupported: a newer version wrote it.
            JournalWrongStore: it belongs to another store.
            JournalFailed: it is sound, but the disk does not make it durable.
            OSError: the directory cannot be created, read or written.
        """
        if store_id is not None and len(store_id) != STORE_ID_SIZE:
            raise ValueError(f"store_id must have {STORE_ID_SIZE} bytes, not {len(store_id)}")
        if first_lsn < 1 or segment_size_bytes < SEGMENT_HEADER_SIZE or preallocate_bytes < 0:
            raise ValueError(
                "first_lsn must be positive, segment_size_bytes hold a header, preallocate_bytes not be negative"
            )
        path = os.fspath(directory)
        files: FileIo = OsFileIo() if io is None else io
        if not fsync:
            files = WithoutSync(files)
        files.make_directory(path)
        lock_fd = files.take_lock(f"{path}/{LOCK_FILE_NAME}")
        try:
            options = OpenOptions(store_id, first_lsn, verify_after_lsn, entropy, use_mark=fsync)
            recovered = recover(files, path, options)
        except BaseException:
            files.close(lock_fd)
            raise
        return cls(
            files,
            path,
            lock_fd,
            recovered,
            segment_size_bytes=segment_size_bytes,
            preallocate_bytes=preallocate_bytes,
            entropy=entropy,
        )

    @property
    def directory(self) -> str:
        """Where the segments are."""
        return self._directory

    @property
    def store_id(self) -> bytes:
        """Identity of the store, random at its creation."""
        return self._store_id

    @property
    def report(self) -> RecoveryReport:
        """What opening found and did."""
        return self._report

    @property
    def failure(self) -> str | None:
        """Why the journal takes no more appends; None while it does."""
        return self._failure

    @property
    def first_lsn(self) -> int:
        """The oldest frame that can be read, or the first to come when there is none."""
        return self._segments[0].first_lsn

    @property
    def last_lsn(self) -> int:
        """The newest durable frame; ``first_lsn - 1`` when there is none."""
        return self._last_lsn

    @property
    def size_bytes(self) -> int:
        """Bytes in use, over all segments, without preallocated space."""
        return sum(segment.end_offset for segment in self._segments)

    @property
    def segment_size_bytes(self) -> int:
        """The size a segment may grow to."""
        return self._segment_size_bytes

    def segments(self) -> tuple[SegmentInfo, ...]:
        """The segments, oldest first."""
        return tuple(
            SegmentInfo(segment.name, segment.first_lsn, segment.last_lsn, segment.end_offset)
            for segment in self._segments
        )

    # ------------------------------------------------------------------ appending

    def append(self, payload: bytes) -> int:
        """Write one commit group and return its lsn once it is durable. Blocks.

        Raises:
            JournalNotApplied: it was definitely not written; the same journal may be used on.
            JournalFailed: it is unknown whether it was; every later append raises this as well.
            JournalClosed: the journal was closed.
        """
        if not self._ready:
            raise self._refusal()
        self._ready = False
        hit(FaultPoint.JOURNAL_BEFORE_WRITE)
        size = FRAME_HEADER_SIZE + len(payload)
        start = self._active.end_offset
        full = start + size > self._segment_size_bytes or (self._spare.ready and not self._prepared)
        if full and start > SEGMENT_HEADER_SIZE:
            self._roll()
            start = SEGMENT_HEADER_SIZE
        end = start + size
        lsn = self._last_lsn + 1
        try:
            frame, chain = encode_frame(self._seed, self._chain, lsn, payload)
        except (JournalNotApplied, TypeError):
            self._ready = True
            raise
        if end > self._allocated_bytes:
            self._preallocate(end)
        try:
            written = self._pwrite(self._fd, frame, start)
            if written != size:
                self._write_rest(frame, written, start)
        except OSError as error:
            raise self._restore(start, error) from error
        hit(FaultPoint.JOURNAL_AFTER_WRITE)
        try:
            self._fdatasync(self._fd)
        except OSError as error:
            raise self._fail("fsync", error) from error
        hit(FaultPoint.JOURNAL_AFTER_FSYNC)
        self._chain = chain
        self._appended_bytes += size
        self._active.extend(lsn, end, chain)
        self._last_lsn = lsn
        if self._mark is not None:
            self._mark.advance(lsn, chain)
            hit(FaultPoint.JOURNAL_AFTER_MARK)
        self._ready = True
        return lsn

    def _write_rest(self, frame: bytes, written: int, start: int) -> None:
        """Go on after a short write: the system either takes the rest or says why not."""
        while written < len(frame):
            more = self._pwrite(self._fd, frame[written:], start + written)
            if more <= 0:
                raise OSError(errno.EIO, "the system accepts no more bytes and gives no reason")
            written += more

    def _preallocate(self, end: int) -> None:
        """Reserve space in a large step, so that most fsyncs need not write metadata."""
        step_end = max(end, min(self._allocated_bytes + self._preallocate_bytes, self._segment_size_bytes))
        if self._preallocate_bytes:
            try:
                self._io.fallocate(self._fd, self._allocated_bytes, step_end - self._allocated_bytes)
            except OSError:
                # Only an optimisation: without it, what matters is whether the write itself succeeds.
                step_end = end
        self._allocated_bytes = step_end if self._preallocate_bytes else end

    def _restore(self, start: int, cause: OSError) -> JournalError:
        """After a failed write: bring the file back to its earlier end, durably.

        Durably, because else a power loss could show old bytes behind the next, shorter frame, where
        recovery would have to take them for evidence of damage.
        """
        hit(FaultPoint.JOURNAL_BEFORE_RESTORE)
        try:
            self._io.ftruncate(self._fd, start)
            self._fdatasync(self._fd)
        except OSError as error:
            return self._fail("cutting off a failed write", error)
        hit(FaultPoint.JOURNAL_AFTER_RESTORE)
        self._allocated_bytes = start
        self._prepared = False
        return self._not_applied("writing", cause)

    def _roll(self) -> None:
        """Complete the active segment and begin the next one."""
        hit(FaultPoint.JOURNAL_BEFORE_ROLL)
        active = self._active
        try:
            # All its frames are durable; that the reserved space is given back need not be.
            self._io.ftruncate(self._fd, active.end_offset)
            self._allocated_bytes = active.end_offset
            # From here on the loss of a completed segment cannot pass for a crash.
            if self._mark is not None:
                self._mark.sync()
        except OSError as error:
            raise self._fail("completing a segment", error) from error
        hit(FaultPoint.JOURNAL_AFTER_SEAL)
        header = SegmentHeader(self._store_id, self._entropy(SALT_SIZE), self._last_lsn + 1, self._chain)
        spare_fd = self._spare.take()
        spare = None if spare_fd < 0 else (spare_fd, self._spare.path)
        try:
            segment, fd = create_segment(self._io, self._directory, header, spare)
        except OSError as error:
            if error.errno in _SPACE_ERRORS:
                raise self._not_applied("beginning a segment", error) from error
            raise self._fail("beginning a segment", error) from error
        hit(FaultPoint.JOURNAL_AFTER_ROLL)
        with self._structure_lock:
            self._segments = (*self._segments, segment)
        self._io.close(self._fd)
        self._active, self._fd, self._seed = segment, fd, header.seed
        self._prepared = spare is not None
        self._allocated_bytes = SEGMENT_HEADER_SIZE if spare is None else self._segment_size_bytes

    @property
    def wants_spare(self) -> bool:
        """Whether a prepared segment would be of use soon: appends are many, and this one is not, or a quarter full."""
        busy = min(self._appended_bytes, self._segment_size_bytes) >= SPARE_AFTER_BYTES
        if self._spare.ready or not busy or not self._preallocate_bytes:
            return False
        # Making one takes seconds; with what is left of this one there is time even at the highest rates.
        return not self._prepared or 4 * self._active.end_offset > self._segment_size_bytes

    def make_spare(self, pause: Callable[[], None] = lambda: None) -> bool:
        """Prepare the file of the next segment; from any thread, but from one at a time. Blocks.

        The next append that finds it begins that segment, unless the one it has was prepared as well.

        Args:
            pause: called between its pieces.

        Returns:
            False when the journal was closed meanwhile.

        Raises:
            OSError: the system refused; appends go on without it.
        """
        return self._spare.make(pause)

    def _not_applied(self, doing: str, error: OSError) -> JournalNotApplied:
        self._ready = True
        return JournalNotApplied(
            f"{doing} failed ({error}); nothing was stored, retry when the cause is gone", error.errno
        )

    def _fail(self, doing: str, error: OSError) -> JournalFailed:
        self._failure = f"{doing} failed ({error})"
        return self._refusal()

    def _refusal(self) -> JournalFailed:
        if self._closed:
            raise JournalClosed("the journal is closed")
        cause = self._failure or "an earlier append was interrupted or is still running"
        return JournalFailed(f"{cause}; it is unknown what is on disk, so the journal must be opened again")

    # ------------------------------------------------------------------ reading

    def read(self, after_lsn: int) -> Iterator[tuple[int, bytes]]:
        """Yield ``(lsn, payload)`` of every durable frame behind ``after_lsn``, in order.

        Ends at the newest frame that is durable when it gets there.

        Raises:
            JournalTrimmed: the frame behind ``after_lsn`` is gone.
            JournalTooShort: ``after_lsn`` is behind the end, so frames the caller knew are missing.
            JournalCorrupt: stored bytes are damaged.
        """
        if self._closed:
            raise JournalClosed("the journal is closed")
        if after_lsn > self._last_lsn:
            raise JournalTooShort(
                f"frame {after_lsn} is known elsewhere, but the journal ends at {self._last_lsn}: committed frames "
                "are missing. Restore the store from a backup."
            )
        self._require_kept(after_lsn + 1)
        return self._read_from(after_lsn + 1)

    def _read_from(self, lsn: int) -> Iterator[tuple[int, bytes]]:
        while lsn <= self._last_lsn:
            segments = self._segments
            index = bisect.bisect_right(segments, lsn, key=lambda segment: segment.first_lsn) - 1
            if index < 0:
                self._require_kept(lsn)
            try:
                for frame in read_frames(self._io, segments[index], lsn):
                    lsn = frame.lsn + 1
                    yield frame.lsn, frame.payload
            except FileNotFoundError:
                # Trimming takes a segment off the list before it removes the file.
                self._require_kept(lsn)
                raise JournalCorrupt(segments[index].name, 0, "the file is gone") from None

    def _require_kept(self, lsn: int) -> None:
        first_lsn = self.first_lsn
        if lsn < first_lsn:
            raise JournalTrimmed(f"frame {lsn} was trimmed, the journal starts at {first_lsn}; start from a snapshot")

    # ------------------------------------------------------------------ trimming

    def pin(self, name: str, lsn: int) -> None:
        """Keep frame ``lsn`` and all later ones; the same name moves its pin. Pins are not durable.

        Raises:
            JournalTrimmed: that frame is gone already.
        """
        with self._structure_lock:
            self._require_kept(lsn)
            self._pins[name] = lsn

    def unpin(self, name: str) -> None:
        """Remove a pin; unknown names are ignored."""
        with self._structure_lock:
            self._pins.pop(name, None)

    def trim(self, before_lsn: int) -> int:
        """Remove whole segments that hold only frames below ``before_lsn`` and below every pin.

        Returns:
            How many segments were removed. The segment being written is never removed.

        Raises:
            OSError: the system refused; what was removed by then stays removed.
            JournalClosed: the journal was closed.
        """
        removed = 0
        with self._structure_lock:
            if self._closed:
                raise JournalClosed("the journal is closed")
            keep_from = min([before_lsn, *self._pins.values()])
            while len(self._segments) > 1 and self._segments[0].last_lsn < keep_from:
                hit(FaultPoint.JOURNAL_BEFORE_TRIM)
                oldest = self._segments[0]
                self._segments = self._segments[1:]
                self._io.unlink(oldest.path)
                hit(FaultPoint.JOURNAL_AFTER_TRIM_UNLINK)
                # One by one, oldest first: a power loss must not leave a hole between segments.
                self._io.fsync_dir(self._directory)
                removed += 1
        return removed

    # ------------------------------------------------------------------ closing

    def close(self) -> None:
        """Release files and lock; may be called twice. Give back preallocated space when sound."""
        if self._closed:
            return
        tidy = self._ready
        with self._structure_lock:
            self._closed = True
        self._ready = False
        self._spare.discard()
        try:
            if tidy:
                self._io.ftruncate(self._fd, self._active.end_offset)
                self._fdatasync(self._fd)
                if self._mark is not None:
                    self._mark.sync()
        except OSError as error:
            # All frames are durable already; only tidiness and a fresh mark are lost.
            self._failure = f"closing failed ({error})"
        finally:
            if self._mark is not None:
                self._mark.close()
            self._io.close(self._fd)
            self._io.close(self._lock_fd)

    def __enter__(self) -> FileJournal:
        """The journal is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


_SPACE_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE})
