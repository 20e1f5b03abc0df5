"""A file system in memory that loses power, fills up, tears writes and lies, on command.

Implements the port of ``trunkline.store.journal.file_io`` for tests. It keeps two states: what a
running system sees (the page cache) and what is on the medium. Changes since the last sync of a file
or directory are *pending*; ``lose_power`` decides, from a seed, which of them reached the medium:

* content of files in sectors of 512 bytes, each pending write's sectors kept or lost independently;
* a file's size, independently of its content;
* creations, renames and removals of names, independently of one another, unless the directory was
  synced: harsher than real file systems, which keep some order.

``crash`` is a killed process instead: the page cache survives, descriptors and locks do not.
``fail_fsync`` lets the next sync fail; the pending changes are then lost for good, although the page
cache may go on showing them (that is what Linux does).
"""

from __future__ import annotations

import enum
import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline.store.journal.lock import DataDirectoryLocked

SECTOR_BYTES = 512


class SimulatedCrash(BaseException):
    """The process is gone at this point. Not an ``Exception``, so that nothing can handle it."""


class Loss(enum.Enum):
    """Which pending changes a power loss takes."""

    EVERYTHING = "everything"
    NOTHING = "nothing"
    RANDOM_SECTORS = "random sectors"
    TORN = "torn"  # pending writes reach the medium up to some byte, in order


@dataclass
class _Write:
    offset: int
    data: bytes


@dataclass
class _Resize:
    size: int


@dataclass
class _File:
    """One inode: what is seen, what is on the medium, and the changes between them."""

    seen: bytearray = field(default_factory=bytearray)
    medium: bytearray = field(default_factory=bytearray)
    pending: list[_Write | _Resize] = field(default_factory=list)


@dataclass
class _Directory:
    seen: dict[str, _File] = field(default_factory=dict)
    medium: dict[str, _File] = field(default_factory=dict)
    # Each change sets names to files or, with None, removes them; all names of one change go together.
    pending: list[dict[str, _File | None]] = field(default_factory=list)


class FaultyIo:
    """The file system. ``seed`` decides everything random, so a failure can be replayed."""

    def __init__(self, seed: int = 0, *, capacity_bytes: int | None = None) -> None:
        self.random = random.Random(seed)
        self.capacity_bytes = capacity_bytes
        self.operations = 0
        self.operation_names: list[str] = []
        self._directories: dict[str, _Directory] = {}
        self._open: dict[int, tuple[_File, str]] = {}
        self._locked: dict[int, str] = {}
        self._next_fd = 1000
        self._fsync_errors: list[tuple[int, bool]] = []
        self._fsyncs_before_error = 0
        self._write_errors: list[tuple[int, int]] = []
        self._short_writes: list[int] = []
        self._truncate_errors: list[int] = []
        self._crash_at: int | None = None
        self._before: Callable[[str], None] | None = None

    # ------------------------------------------------------------------ faults

    def crash(self) -> None:
        """Kill the process: the page cache survives."""
        self._open.clear()
        self._locked.clear()
        self._fsync_errors.clear()
        self._write_errors.clear()
        self._short_writes.clear()
        self._truncate_errors.clear()
        self._crash_at = None

    def lose_power(self, loss: Loss = Loss.RANDOM_SECTORS, *, torn_at: int | None = None) -> None:
        """Lose power and come back: pending changes are kept or lost as ``loss`` says.

        ``torn_at`` is the number of pending bytes (over all writes of a file) that survive with
        ``Loss.TORN``; random by default.
        """
        for directory in self._directories.values():
            for change in directory.pending:
                if loss is Loss.NOTHING or (loss is not Loss.EVERYTHING and self.random.random() < 0.5):
                    _apply_names(directory.medium, change)
            directory.pending = []
            directory.seen = dict(directory.medium)
            for file in {id(file): file for file in directory.medium.values()}.values():
                self._settle(file, loss, torn_at)
        self.crash()

    def crash_at_operation(self, number: int | None) -> None:
        """Raise ``SimulatedCrash`` instead of the operation with this number (the first is 1); None: never."""
        self._crash_at = number

    def before_each(self, action: Callable[[str], None] | None) -> None:
        """Call ``action`` with the name of every operation before it happens."""
        self._before = action

    def fail_fsync(self, error: int = errno.EIO, *, cache_shows_lost_data: bool = True, after: int = 0) -> None:
        """Let the next fdatasync, or the one after ``after`` others, fail and lose what it should have written."""
        self._fsync_errors.append((error, cache_shows_lost_data))
        self._fsyncs_before_error = after

    def fail_write(self, error: int, *, after_bytes: int = 0) -> None:
        """Let the next pwrite take ``after_bytes`` bytes, never all, and the one for its rest fail.

        With 0 it fails itself.
        """
        self._write_errors.append((error, after_bytes))

    def shorten_write(self, size_bytes: int) -> None:
        """Let the next pwrite take only this many bytes; the rest may follow."""
        self._short_writes.append(size_bytes)

    def fail_truncate(self, error: int = errno.EIO) -> None:
        """Let the next ftruncate fail."""
        self._truncate_errors.append(error)

    def flip_bit(self, path: str, bit: int) -> None:
        """Flip one bit on the medium, as seen by the next start."""
        file = self._file(path)
        file.seen[bit // 8] ^= 1 << bit % 8
        file.medium[:] = file.seen
        file.pending = []

    def replace(self, path: str, data: bytes) -> None:
        """Put other content in place of a file's, durably."""
        file = self._file(path)
        file.seen[:] = data
        file.medium[:] = data
        file.pending = []

    def content(self, path: str) -> bytes:
        """What a reader sees in a file now."""
        return bytes(self._file(path).seen)

    def free_bytes(self) -> int | None:
        """Space left, or None when the disk has no end."""
        if self.capacity_bytes is None:
            return None
        files = {id(f): f for d in self._directories.values() for f in d.seen.values()}
        return self.capacity_bytes - sum(len(file.seen) for file in files.values())

    @property
    def open_descriptors(self) -> int:
        """Descriptors in use, locks included: a test for leaks."""
        return len(self._open) + len(self._locked)

    # ------------------------------------------------------------------ the port

    def make_directory(self, path: str) -> None:
        self._operation("make_directory")
        self._directories.setdefault(path, _Directory())

    def take_lock(self, path: str) -> int:
        self._operation("take_lock")
        if path in self._locked.values():
            raise DataDirectoryLocked(os.path.dirname(path), os.getpid())
        fd = self._new_fd()
        self._locked[fd] = path
        return fd

    def open(self, path: str, *, create: bool = False, truncate: bool = False) -> int:
        self._operation("open")
        directory, name = self._locate(path)
        file = directory.seen.get(name)
        if file is None:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            if self.free_bytes() == 0:
                raise _os_error(errno.ENOSPC)
            file = _File()
            self._change_names(directory, {name: file})
        elif truncate and file.seen:
            self._resize(file, 0)
        fd = self._new_fd()
        self._open[fd] = (file, path)
        return fd

    def close(self, fd: int) -> None:
        if fd in self._locked:
            del self._locked[fd]
        elif fd in self._open:
            del self._open[fd]
        else:
            raise _os_error(errno.EBADF)

    def size(self, fd: int) -> int:
        return len(self._opened(fd).seen)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        return bytes(self._opened(fd).seen[offset : offset + size])

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        self._operation("pwrite")
        file = self._opened(fd)
        if self._write_errors:
            error, after_bytes = self._write_errors.pop(0)
            after_bytes = min(after_bytes, len(data) - 1)
            if after_bytes <= 0:
                raise _os_error(error)
            self._write_errors.insert(0, (error, 0))
            data = data[:after_bytes]
        elif self._short_writes:
            data = data[: self._short_writes.pop(0)]
        free = self.free_bytes()
        if free is not None:
            # A power loss may undo a truncation and leave more than fits; overwriting what is there needs no room.
            allowed = len(file.seen) + max(free, 0) - offset
            if allowed <= 0 and data:
                raise _os_error(errno.ENOSPC)
            data = data[:allowed]
        file.pending.append(_Write(offset, bytes(data)))
        _write(file.seen, offset, data)
        return len(data)

    def fdatasync(self, fd: int) -> None:
        self._operation("fdatasync")
        file = self._opened(fd)
        if self._fsync_errors and self._fsyncs_before_error:
            self._fsyncs_before_error -= 1
        elif self._fsync_errors:
            error, cache_shows_lost_data = self._fsync_errors.pop(0)
            # The pages are marked clean although they were never written: no later sync brings them back.
            file.pending = []
            if not cache_shows_lost_data:
                file.seen[:] = file.medium
            raise _os_error(error)
        # Not a copy of what is seen: what a failed sync lost stays lost.
        for change in file.pending:
            _apply(file.medium, change)
        file.pending = []

    def ftruncate(self, fd: int, size: int) -> None:
        self._operation("ftruncate")
        if self._truncate_errors:
            raise _os_error(self._truncate_errors.pop(0))
        self._resize(self._opened(fd), size)

    def fallocate(self, fd: int, offset: int, size: int) -> None:
        self._operation("fallocate")
        file = self._opened(fd)
        grow = offset + size - len(file.seen)
        free = self.free_bytes()
        if free is not None and grow > free:
            raise _os_error(errno.ENOSPC)
        if grow > 0:
            self._resize(file, offset + size)

    def rename(self, source: str, target: str) -> None:
        self._operation("rename")
        directory, source_name = self._locate(source)
        _, target_name = self._locate(target)
        self._change_names(directory, {source_name: None, target_name: directory.seen[source_name]})

    def unlink(self, path: str) -> None:
        self._operation("unlink")
        directory, name = self._locate(path)
        if name not in directory.seen:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._change_names(directory, {name: None})

    def listdir(self, path: str) -> list[str]:
        names = list(self._directories[path].seen)
        self.random.shuffle(names)
        return names

    def fsync_dir(self, path: str) -> None:
        self._operation("fsync_dir")
        directory = self._directories[path]
        for change in directory.pending:
            _apply_names(directory.medium, change)
        directory.pending = []

    # ------------------------------------------------------------------ inside

    def _operation(self, name: str) -> None:
        if self._before is not None:
            self._before(name)
        self.operations += 1
        self.operation_names.append(name)
        if self._crash_at is not None and self.operations >= self._crash_at:
            raise SimulatedCrash(f"crash at operation {self.operations} ({name})")

    def _settle(self, file: _File, loss: Loss, torn_at: int | None) -> None:
        """Decide which pending changes of a file reached the medium."""
        if loss is Loss.NOTHING:
            for change in file.pending:
                _apply(file.medium, change)
        elif loss is Loss.RANDOM_SECTORS:
            for change in file.pending:
                if isinstance(change, _Resize):
                    if self.random.random() < 0.5:
                        _apply(file.medium, change)
                    continue
                for start, part in _sectors(change):
                    if self.random.random() < 0.5:
                        _write(file.medium, start, part)
        elif loss is Loss.TORN:
            total = sum(len(change.data) for change in file.pending if isinstance(change, _Write))
            left = self.random.randint(0, total) if torn_at is None else torn_at
            for change in file.pending:
                if isinstance(change, _Resize):
                    _apply(file.medium, change)
                    continue
                _write(file.medium, change.offset, change.data[:left])
                left -= len(change.data)
                if left <= 0:
                    break
        file.pending = []
        file.seen[:] = file.medium

    def _resize(self, file: _File, size: int) -> None:
        file.pending.append(_Resize(size))
        _apply(file.seen, _Resize(size))

    def _change_names(self, directory: _Directory, change: dict[str, _File | None]) -> None:
        directory.pending.append(change)
        _apply_names(directory.seen, change)

    def _locate(self, path: str) -> tuple[_Directory, str]:
        return self._directories[os.path.dirname(path)], os.path.basename(path)

    def _file(self, path: str) -> _File:
        directory, name = self._locate(path)
        return directory.seen[name]

    def _opened(self, fd: int) -> _File:
        if fd not in self._open:
            raise _os_error(errno.EBADF)
        return self._open[fd][0]

    def _new_fd(self) -> int:
        self._next_fd += 1
        return self._next_fd


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _apply_names(names: dict[str, _File], change: dict[str, _File | None]) -> None:
    for name, file in change.items():
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _apply(content: bytearray, change: _Write | _Resize) -> None:
    if isinstance(change, _Write):
        _write(content, change.offset, change.data)
    elif change.size < len(content):
        del content[change.size :]
    else:
        content.extend(bytes(change.size - len(content)))


def _write(content: bytearray, offset: int, data: bytes) -> None:
    if not data:
        return
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _sectors(write: _Write) -> list[tuple[int, bytes]]:
    """A write cut at sector boundaries."""
    parts = []
    start, end = write.offset, write.offset + len(write.data)
    while start < end:
        stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        parts.append((start, write.data[start - write.offset : stop - write.offset]))
        start = stop
    return parts
