"""The next segment's file, filled with zeros before it is needed.

A frame that is written over zeros changes nothing but data, so its fdatasync waits for the device alone. In space that
is only reserved, each frame changes the file system's own records as well, and its fdatasync has to wait for those of
every other file that was written meanwhile, the index foremost: tens of milliseconds, where the device needs one.

Lives here: making and handing over that file, and the thread that makes it. Does not live here: when a segment is begun
(``file_journal``).
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.store.journal.file_io import FileIo

SPARE_FILE_NAME: Final = "spare"
_PIECE: Final = bytes(256 * 1024)
_PAUSE_S: Final = 0.01
"""Between two pieces: messages that are on their way to the disk go first. In larger pieces, or with less between them,
half a second in ten was bad for everybody's latency."""
_NICE: Final = 5
"""Copying zeros can wait a little."""
_RETRY_S: Final = 60.0
_ROOM_SEGMENTS: Final = 4
"""A disk that has less room than so many segments is left alone."""

_log = logging.getLogger(__name__)


class Spare:
    """The file. One thread makes it, the one that appends takes it; after ``discard`` there is none any more.

    Args:
        io: the file system.
        directory: of the journal.
        size_bytes: of a segment.
    """

    def __init__(self, io: FileIo, directory: str, size_bytes: int) -> None:
        self.path = f"{directory}/{SPARE_FILE_NAME}"
        self.ready = False
        self._io = io
        self._size_bytes = size_bytes
        self._fd = -1
        self._making = threading.Lock()
        self._discarded = threading.Event()

    def make(self, pause: Callable[[], None]) -> bool:
        """Make the file, calling ``pause`` between its pieces; False when it was discarded meanwhile.

        Raises:
            OSError: as the system says; nothing of it is left.
        """
        with self._making:
            if self.ready or self._discarded.is_set():
                return self.ready
            io = self._io
            fd = io.open(self.path, create=True, truncate=True)
            try:
                self._fill(fd, pause)
            except OSError:
                self._remove(fd)
                raise
            if self._discarded.is_set():
                self._remove(fd)
            else:
                self._fd, self.ready = fd, True
            return self.ready

    def _fill(self, fd: int, pause: Callable[[], None]) -> None:
        # All at once and in order, so that it lies in one piece.
        self._io.fallocate(fd, 0, self._size_bytes)
        at = 0
        while at < self._size_bytes and not self._discarded.is_set():
            at += self._io.pwrite(fd, _PIECE[: self._size_bytes - at], at)
            # Piece by piece: what waits for the device at the same time waits for one of them at most.
            self._io.fdatasync(fd)
            hit(FaultPoint.JOURNAL_INSIDE_MAKE_SPARE)
            pause()
        hit(FaultPoint.JOURNAL_AFTER_MAKE_SPARE)

    def _remove(self, fd: int) -> None:
        self._io.close(fd)
        with contextlib.suppress(OSError):
            self._io.unlink(self.path)

    def take(self) -> int:
        """The file's descriptor, which is the caller's from now on; -1 when there is none."""
        if not self.ready:
            return -1
        self.ready = False
        return self._fd

    def discard(self) -> None:
        """Remove the file, and make none any more; waits for one that is being made."""
        self._discarded.set()
        with self._making:
            fd = self.take()
            if fd >= 0:
                self._remove(fd)


class TakesSpares(Protocol):
    """The part of ``FileJournal`` that the thread needs."""

    @property
    def directory(self) -> str:
        """Where the segments are."""
        ...

    @property
    def segment_size_bytes(self) -> int:
        """The size a segment may grow to."""
        ...

    @property
    def wants_spare(self) -> bool:
        """Whether a spare would be of use soon."""
        ...

    def make_spare(self, pause: Callable[[], None]) -> bool:
        """Make it."""
        ...


class SpareMaker:
    """Makes spares on a thread of its own, while the journal is busy and the disk has room."""

    def __init__(self, journal: TakesSpares) -> None:
        self._journal = journal
        self._thread: threading.Thread | None = None
        self._not_before_s = 0.0

    def check(self) -> None:
        """Begin a spare when one is wanted; called after each append, and quick."""
        if not self._journal.wants_spare or (self._thread is not None and self._thread.is_alive()):
            return
        if time.monotonic() < self._not_before_s:
            return
        thread = threading.Thread(target=self._make, name="journal-spare", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread to give; the caller's must live on
            self._give_up(error)
        else:
            self._thread = thread

    def _make(self) -> None:
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _NICE)  # of this thread alone
        journal = self._journal
        try:
            if shutil.disk_usage(journal.directory).free >= _ROOM_SEGMENTS * journal.segment_size_bytes:
                journal.make_spare(lambda: time.sleep(_PAUSE_S))
                return
        except OSError as error:
            self._give_up(error)
        else:
            self._not_before_s = time.monotonic() + _RETRY_S

    def _give_up(self, error: Exception) -> None:
        # Only a convenience: without it appends take a little longer.
        _log.warning("no segment could be prepared (%s)", error)
        self._not_before_s = time.monotonic() + _RETRY_S
