"""Opening a journal directory after whatever happened to it.

Lives here: finding the segments, checking that they form one unbroken log, cutting off an append that
a crash interrupted, and making sure that what is left is on disk before anybody may rely on it.
Does not live here: the verdicts (``protocol/journal/scan``) and appending (``file_journal``).

Nothing is changed before everything was checked, so a refused directory stays as it was found.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.protocol.journal.errors import JournalCorrupt, JournalFailed, JournalWrongStore
from trunkline.protocol.journal.format import (
    SALT_SIZE,
    STORE_ID_SIZE,
    SegmentHeader,
    genesis_chain,
    parse_segment_name,
    segment_name,
)
from trunkline.protocol.journal.mark import MARK_FILE_NAME, DurableMark
from trunkline.protocol.journal.scan import EndKind, Frame, SegmentEnd, require_recoverable, require_sealed
from trunkline.store.journal.file_io import FileIo
from trunkline.store.journal.mark_file import MarkFile, read_mark
from trunkline.store.journal.segment import (
    UNFINISHED_SUFFIX,
    Segment,
    create_segment,
    opened,
    read_exactly,
    read_header,
    scan_segment,
)
from trunkline.store.journal.spare import SPARE_FILE_NAME


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What opening the journal found and did; an operator wants to see it when ``notable``."""

    created: bool
    first_lsn: int
    last_lsn: int
    segment_count: int
    truncated_file: str = ""
    truncated_at_offset: int = 0
    truncated_bytes: int = 0
    truncated_reason: str = ""
    removed_unfinished: tuple[str, ...] = ()
    mark_state: str = "sound"

    @property
    def notable(self) -> bool:
        """Whether anything but a clean start happened."""
        return bool(self.truncated_bytes or self.removed_unfinished or self.mark_state not in ("sound", "off"))

    def describe(self) -> str:
        """One line for the log."""
        text = f"journal {'created' if self.created else 'opened'}: frames {self.first_lsn} to {self.last_lsn}"
        text += f" in {self.segment_count} segment(s)"
        if self.truncated_bytes:
            text += (
                f"; an append that was never acknowledged ended in a crash: {self.truncated_bytes} bytes cut off "
                f"{self.truncated_file} at byte {self.truncated_at_offset} ({self.truncated_reason})"
            )
        if self.removed_unfinished:
            text += f"; removed unfinished {', '.join(self.removed_unfinished)}"
        if self.mark_state in ("missing", "damaged"):
            text += (
                f"; the file {MARK_FILE_NAME} was {self.mark_state}, so loss of the last frames could not be ruled out"
            )
        return text


@dataclass(slots=True)
class Recovered:
    """An opened directory, ready to append to."""

    store_id: bytes
    segments: list[Segment]
    active_fd: int
    allocated_bytes: int
    chain: bytes
    mark: MarkFile | None
    report: RecoveryReport


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """What the caller of ``FileJournal.open`` decides about a directory."""

    store_id: bytes | None
    first_lsn: int
    verify_after_lsn: int
    entropy: Callable[[int], bytes]
    use_mark: bool


def recover(io: FileIo, directory: str, options: OpenOptions) -> Recovered:
    """Open or create the journal in ``directory``, which the caller has locked.

    Raises:
        JournalCorrupt: committed bytes are damaged or missing; nothing was changed.
        JournalUnsupported: a newer version wrote the files.
        JournalWrongStore: the files are not those of ``options.store_id``.
        JournalFailed: a sound journal could not be made durable again.
        OSError: files could not be created or opened.
    """
    names = sorted(io.listdir(directory))
    unfinished = tuple(name for name in names if name.endswith(UNFINISHED_SUFFIX) or name == SPARE_FILE_NAME)
    first_lsns = sorted(lsn for lsn in map(parse_segment_name, names) if lsn is not None)
    mark, mark_state = None, "missing"
    if MARK_FILE_NAME in names:
        mark = read_mark(io, directory)
        mark_state = "damaged" if mark is None else "sound"
    if not options.use_mark and mark_state != "sound":
        mark_state = "off"
    if not first_lsns:
        return _create(io, directory, options, mark, unfinished)
    inspection = _Inspection(io, directory, first_lsns, mark, options)
    try:
        inspection.run()
        return _repair(io, directory, options, inspection, unfinished, mark_state)
    except BaseException:
        inspection.close()
        raise


def _create(
    io: FileIo, directory: str, options: OpenOptions, mark: DurableMark | None, unfinished: tuple[str, ...]
) -> Recovered:
    """Start a journal where there is none; a crash in here is repeated by the next open."""
    store_id = options.store_id or (mark.store_id if mark is not None else options.entropy(STORE_ID_SIZE))
    if mark is not None and mark.chain != genesis_chain(mark.store_id):
        raise JournalCorrupt(MARK_FILE_NAME, 0, f"frame {mark.lsn} was durable, but all segment files are gone")
    for name in unfinished:
        io.unlink(f"{directory}/{name}")
    chain = genesis_chain(store_id)
    last_lsn = options.first_lsn - 1
    marks = MarkFile.create(io, directory, DurableMark(store_id, last_lsn, chain)) if options.use_mark else None
    try:
        header = SegmentHeader(store_id, options.entropy(SALT_SIZE), options.first_lsn, chain)
        segment, fd = create_segment(io, directory, header)
    except BaseException:
        if marks is not None:
            marks.close()
        raise
    report = RecoveryReport(
        created=True,
        first_lsn=options.first_lsn,
        last_lsn=last_lsn,
        segment_count=1,
        mark_state="sound" if options.use_mark else "off",
    )
    return Recovered(store_id, [segment], fd, segment.end_offset, chain, marks, report)


class _Inspection:
    """Reads a directory's segments and checks that they form one log; changes nothing."""

    def __init__(
        self, io: FileIo, directory: str, first_lsns: list[int], mark: DurableMark | None, options: OpenOptions
    ) -> None:
        self._io = io
        self._directory = directory
        self._first_lsns = first_lsns
        self._verify_after_lsn = options.verify_after_lsn
        self._wanted_store_id = options.store_id
        self.mark = mark
        self.segments: list[Segment] = []
        self.active_fd = -1
        self.last_frame: Frame | None = None
        self.end: SegmentEnd

    def run(self) -> None:
        """Check everything, oldest segment first; the last one stays open as ``active_fd``."""
        for first_lsn in self._first_lsns:
            name = segment_name(first_lsn)
            path = f"{self._directory}/{name}"
            with opened(self._io, path) as fd:
                self.segments.append(Segment(read_header(self._io, fd, name, first_lsn), path))
        self._check_store()
        for segment, successor in itertools.pairwise(self.segments):
            with opened(self._io, segment.path) as fd:
                if successor.first_lsn - 1 > self._verify_after_lsn:
                    require_sealed(segment.name, self._scan(fd, segment), successor.header)
                else:
                    segment.end_offset = self._io.size(fd)
                    segment.last_lsn = successor.first_lsn - 1
        active = self.segments[-1]
        self.active_fd = self._io.open(active.path)
        self.end = self._scan(self.active_fd, active)
        require_recoverable(active.name, self.end, self.mark)

    def close(self) -> None:
        """Give the last segment's file up, after a failure."""
        if self.active_fd >= 0:
            self._io.close(self.active_fd)

    def _check_store(self) -> None:
        store_id = self.segments[0].header.store_id
        if self._wanted_store_id not in (None, store_id):
            raise JournalWrongStore(
                f"the journal in {self._directory} belongs to store {store_id.hex()}; check the data directory"
            )
        for segment in self.segments:
            if segment.header.store_id != store_id:
                raise JournalWrongStore(f"journal file {segment.name} belongs to another store than the first one")
        if self.mark is not None and self.mark.store_id != store_id:
            raise JournalWrongStore(f"{MARK_FILE_NAME} belongs to another store than the segments beside it")

    def _scan(self, fd: int, segment: Segment) -> SegmentEnd:
        frames = scan_segment(self._io, fd, segment)
        mark = self.mark
        while True:
            try:
                frame = next(frames)
            except StopIteration as stop:
                end: SegmentEnd = stop.value
                return end
            self.last_frame = frame
            if mark is not None and frame.lsn == mark.lsn and frame.chain != mark.chain:
                raise JournalCorrupt(
                    segment.name, frame.offset, f"frame {frame.lsn} is not the one that was made durable"
                )


def _repair(
    io: FileIo,
    directory: str,
    options: OpenOptions,
    inspection: _Inspection,
    unfinished: tuple[str, ...],
    mark_state: str,
) -> Recovered:
    """Cut a torn tail off and make the rest durable."""
    segment, fd, end = inspection.segments[-1], inspection.active_fd, inspection.end
    durable_lsn = 0 if inspection.mark is None else inspection.mark.lsn
    torn = end.kind is EndKind.TORN_TAIL
    frame = inspection.last_frame
    hit(FaultPoint.JOURNAL_BEFORE_RECOVERY)
    try:
        for name in unfinished:
            io.unlink(f"{directory}/{name}")
        if torn:
            io.ftruncate(fd, end.offset)
            hit(FaultPoint.JOURNAL_AFTER_RECOVERY_TRUNCATE)
        if frame is not None and frame.lsn >= segment.first_lsn and frame.lsn > durable_lsn:
            # After a failed fsync the system may show bytes that it will never write. Only writing them
            # again makes the next fsync mean something; only the last frame can be concerned.
            _rewrite(io, fd, segment.name, frame)
            hit(FaultPoint.JOURNAL_AFTER_RECOVERY_REWRITE)
        for older in inspection.segments[:-1]:
            # Durable already, unless the journal ran with fsync switched off.
            if older.last_lsn > durable_lsn:
                with opened(io, older.path) as older_fd:
                    io.fdatasync(older_fd)
        io.fdatasync(fd)
        hit(FaultPoint.JOURNAL_AFTER_RECOVERY_FSYNC)
        store_id = segment.header.store_id
        last_lsn = end.next_lsn - 1
        marks = MarkFile.create(io, directory, DurableMark(store_id, last_lsn, end.chain)) if options.use_mark else None
        # A crash may have come between the renaming of the last segment and this.
        io.fsync_dir(directory)
    except OSError as error:
        raise JournalFailed(f"the journal is sound but cannot be made durable ({error}); check the disk") from error
    report = RecoveryReport(
        created=False,
        first_lsn=inspection.segments[0].first_lsn,
        last_lsn=last_lsn,
        segment_count=len(inspection.segments),
        truncated_file=segment.name if torn else "",
        truncated_at_offset=end.offset if torn else 0,
        truncated_bytes=end.dropped_bytes,
        truncated_reason=end.reason,
        # A spare is nothing that anybody needs to hear of.
        removed_unfinished=tuple(name for name in unfinished if name != SPARE_FILE_NAME),
        mark_state=mark_state,
    )
    return Recovered(store_id, inspection.segments, fd, io.size(fd), end.chain, marks, report)


def _rewrite(io: FileIo, fd: int, name: str, frame: Frame) -> None:
    """Write the bytes of a frame over themselves."""
    data = read_exactly(io, fd, name, frame.end - frame.offset, frame.offset)
    while data:
        data = data[io.pwrite(fd, data, frame.end - len(data)) :]
