"""An exclusive lock on a data directory, so that two servers never write the same files.

Lives here: taking and releasing ``LOCK`` in a directory with ``flock``. The operating system
releases it when the process ends in whatever way, so a stale file is harmless; the process id in it
only serves the error message. Use a local file system: over a network ``flock`` may not exclude.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from types import TracebackType
from typing import Final

from trunkline.protocol.journal.errors import JournalError

LOCK_FILE_NAME: Final = "LOCK"


class DataDirectoryLocked(JournalError):
    """Another process (or another part of this one) uses the directory."""

    code = "data_directory_locked"

    def __init__(self, path: str, pid: int | None) -> None:
        owner = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"the data directory {path} is in use by {owner}; stop it first, or choose another directory")
        self.path = path
        self.pid = pid


def take_lock(lock_path: str) -> int:
    """Lock the file and write our process id into it.

    Returns:
        A file descriptor; closing it releases the lock.

    Raises:
        DataDirectoryLocked: somebody else holds it.
    """
    fd = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 32, 0).strip()
        os.close(fd)
        raise DataDirectoryLocked(os.path.dirname(lock_path), int(text) if text.isdigit() else None) from None
    except BaseException:
        os.close(fd)
        raise
    # The lock counts, not its content: a full disk must not keep a server from starting.
    with contextlib.suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
    return fd


class DataDirectoryLock:
    """Holds the lock of one directory from construction until ``release`` or the end of ``with``."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._fd: int | None = take_lock(os.path.join(os.fspath(directory), LOCK_FILE_NAME))

    def release(self) -> None:
        """Give the directory free; may be called twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> DataDirectoryLock:
        """The lock is held already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release."""
        self.release()
