"""The few file operations the journal needs, as a port, and the real ones.

Lives here: ``FileIo`` and ``OsFileIo``. The port is this small so that a test can put a file system
under the journal that loses power, fills up or lies. Does not live here: any policy about errors;
every method raises ``OSError`` as the system does, and ``pwrite`` may write less than was asked.
"""

from __future__ import annotations

import os
from typing import Protocol

from trunkline.store.journal.lock import take_lock


class FileIo(Protocol):
    """A file system. Paths are absolute or relative strings, files are integer descriptors."""

    def make_directory(self, path: str) -> None:
        """Create a directory and what is missing above it; fine when it exists."""
        ...

    def take_lock(self, path: str) -> int:
        """Lock a file exclusively or raise ``DataDirectoryLocked``; ``close`` releases it."""
        ...

    def open(self, path: str, *, create: bool = False, truncate: bool = False) -> int:
        """Open for reading and writing."""
        ...

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        ...

    def size(self, fd: int) -> int:
        """Size of the file in bytes, preallocated space included."""
        ...

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read up to ``size`` bytes; fewer only at the end of the file (or when interrupted)."""
        ...

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """Write at ``offset``, without making it durable; returns how many bytes were taken."""
        ...

    def fdatasync(self, fd: int) -> None:
        """Make content and size of the file durable."""
        ...

    def ftruncate(self, fd: int, size: int) -> None:
        """Cut (or extend with zeros) to ``size``."""
        ...

    def fallocate(self, fd: int, offset: int, size: int) -> None:
        """Reserve disk space and extend the file with zeros to ``offset + size``."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Rename a file, atomically replacing the target."""
        ...

    def unlink(self, path: str) -> None:
        """Remove a file."""
        ...

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, in no particular order."""
        ...

    def fsync_dir(self, path: str) -> None:
        """Make creations, renames and removals in a directory durable."""
        ...


class OsFileIo:
    """The operating system's files (Linux)."""

    # Bound straight to the system calls: these three are on the path of every append.
    pwrite = staticmethod(os.pwrite)
    pread = staticmethod(os.pread)
    fdatasync = staticmethod(os.fdatasync)
    ftruncate = staticmethod(os.ftruncate)
    fallocate = staticmethod(os.posix_fallocate)
    close = staticmethod(os.close)

    def make_directory(self, path: str) -> None:
        """Create a directory and what is missing above it, durably."""
        missing = []
        while not os.path.exists(path):
            missing.append(path)
            path = os.path.dirname(os.path.abspath(path))
        for directory in reversed(missing):
            os.mkdir(directory, 0o750)
            self.fsync_dir(os.path.dirname(os.path.abspath(directory)))

    def take_lock(self, path: str) -> int:
        """Lock a file exclusively or raise ``DataDirectoryLocked``; ``close`` releases it."""
        return take_lock(path)

    def open(self, path: str, *, create: bool = False, truncate: bool = False) -> int:
        """Open for reading and writing."""
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0) | (os.O_TRUNC if truncate else 0)
        return os.open(path, flags, 0o640)

    def size(self, fd: int) -> int:
        """Size of the file in bytes, preallocated space included."""
        return os.fstat(fd).st_size

    def rename(self, source: str, target: str) -> None:
        """Rename a file, atomically replacing the target."""
        os.rename(source, target)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, in no particular order."""
        return os.listdir(path)

    def fsync_dir(self, path: str) -> None:
        """Make creations, renames and removals in a directory durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class WithoutSync:
    """Another file system with its syncs switched off: fast, and unsafe at a power loss."""

    def __init__(self, io: FileIo) -> None:
        self.make_directory = io.make_directory
        self.take_lock = io.take_lock
        self.open = io.open
        self.close = io.close
        self.size = io.size
        self.pread = io.pread
        self.pwrite = io.pwrite
        self.ftruncate = io.ftruncate
        self.fallocate = io.fallocate
        self.rename = io.rename
        self.unlink = io.unlink
        self.listdir = io.listdir

    def fdatasync(self, fd: int) -> None:
        """Do nothing."""

    def fsync_dir(self, path: str) -> None:
        """Do nothing."""
