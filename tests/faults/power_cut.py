"""A power cut for a whole process: kill it, and leave in its files what the disk may have had.

The process runs over ``lossy_preload.c``, which writes down every change to its files and every sync. After the kill
the log is played into ``FaultyIo``, which decides from a seed which unsynced changes survive, sector by sector and in
any order; the result is written back. So the journal and SQLite lose together what they would lose together.

Also here: the disk is full, or its syncs fail, on command. Not here: what is done with the process.
"""

from __future__ import annotations

import itertools
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.faults.faulty_io import FaultyIo, Loss

SOURCE = Path(__file__).with_name("lossy_preload.c")
_HEAD = struct.Struct("<cIIq")
_NEVER_DURABLE = ("-shm", "/LOCK")
"""Shared memory of SQLite, which it makes anew, and the lock, whose content nobody relies on."""


class Change(NamedTuple):
    """One record of the log: what, where, a number, and bytes."""

    what: bytes
    path: str
    number: int
    data: bytes


def compiler() -> str | None:
    """The C compiler, without which nothing here works."""
    return shutil.which("cc") or shutil.which("gcc")


class PowerCut:
    """The disk under the files in one directory.

    Args:
        directory: For the library, the log and the switches.
        watched: The directory whose files lose power.

    Attributes:
        lost_bytes: What the cuts took away, pages that were there before the kill and not after.
    """

    def __init__(self, directory: Path, watched: Path) -> None:
        made_by = compiler()
        assert made_by is not None, "there is no C compiler"
        directory.mkdir(parents=True, exist_ok=True)
        self._watched = watched.resolve()
        self._log = directory / "changes"
        self.full, self.eio = directory / "full", directory / "eio"
        self.lost_bytes = 0
        library = directory / "lossy.so"
        command = [made_by, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        self.environment = {
            "LD_PRELOAD": str(library),
            "LOSSY_DIR": str(self._watched),
            "LOSSY_LOG": str(self._log),
            "LOSSY_FULL": str(self.full),
            "LOSSY_EIO": str(self.eio),
        }
        self._durable: dict[str, bytes] = {}

    def remember(self) -> None:
        """What is in the directory now is durable; before the process is started."""
        self._durable = {str(path): path.read_bytes() for path in self._watched.rglob("*") if path.is_file()}

    def count(self) -> int:
        """How many changes were written down so far."""
        return sum(1 for _ in self._changes())

    def leave(self, rng: random.Random, loss: Loss, target: Path, changes: int) -> None:
        """Write what survives of the first ``changes`` to another directory; subdirectories are left out."""
        io, _ = self._played(rng, loss, changes)
        target.mkdir()
        for name in io.listdir(str(self._watched)):
            (target / name).write_bytes(io.content(str(self._watched / name)))

    def cut(self, rng: random.Random, loss: Loss) -> None:
        """Leave what survives. The process must be dead."""
        io, directories = self._played(rng, loss, None)
        self._durable = {}
        for directory in directories:
            names = set(io.listdir(str(directory)))
            for path in [path for path in directory.iterdir() if path.is_file()]:
                if path.name not in names:
                    self.lost_bytes += path.stat().st_size
                    path.unlink()
            for name in names:
                file = directory / name
                content = io.content(str(file))
                before = file.read_bytes() if file.exists() else b""
                self.lost_bytes += sum(a != b for a, b in zip(_pages(before), _pages(content), strict=False)) * 512
                file.write_bytes(content)
                self._durable[str(file)] = content
        self._log.unlink()

    def _played(self, rng: random.Random, loss: Loss, most: int | None) -> tuple[FaultyIo, list[Path]]:
        """A disk that saw the changes, or the first ``most`` of them, and lost power; and its directories."""
        io = FaultyIo(rng.randrange(1 << 32))
        directories = [self._watched, *(path for path in self._watched.rglob("*") if path.is_dir())]
        for directory in directories:
            io.make_directory(str(directory))
        handles: dict[str, int] = {}
        for known, content in self._durable.items():
            handles[known] = io.open(known, create=True)
            io.pwrite(handles[known], content, 0)
            io.fdatasync(handles[known])
        for directory in directories:
            io.fsync_dir(str(directory))
        for change in itertools.islice(self._changes(), most):
            _play(io, handles, change, {str(directory) for directory in directories})
        io.lose_power(loss)
        return io, directories

    def _changes(self) -> Iterator[Change]:
        data = self._log.read_bytes()
        at = 0
        while at + _HEAD.size <= len(data):
            what, path_size, size, number = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            if at + path_size + size > len(data):
                return  # the kill came in the middle of this record
            path = data[at : at + path_size].decode()
            if not path.endswith(_NEVER_DURABLE):
                yield Change(what, path, number, data[at + path_size : at + path_size + size])
            at += path_size + size


def _pages(content: bytes) -> list[bytes]:
    return [content[at : at + 512] for at in range(0, len(content), 512)]


def _play(io: FaultyIo, handles: dict[str, int], change: Change, directories: set[str]) -> None:
    """Do to the simulated files what was done to the real ones."""
    what, path, number, data = change
    if path in directories:
        if what == b"s":
            io.fsync_dir(path)
        return
    if what == b"c":
        handles[path] = io.open(path, create=True)
    elif what == b"r":
        target = data.decode()
        io.rename(path, target)
        handles[target] = handles.pop(path)
    elif what == b"u":
        if handles.pop(path, None) is not None:
            io.unlink(path)
    elif path in handles:  # else a file that was removed while it was open
        if what == b"w":
            io.pwrite(handles[path], data, number)
        elif what == b"t":
            io.ftruncate(handles[path], number)
        elif what == b"a":
            io.fallocate(handles[path], 0, number)
        else:
            io.fdatasync(handles[path])
