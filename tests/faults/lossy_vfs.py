"""A disk under SQLite that forgets what was not synced, fills up, or stops at a chosen write.

``LossyDisk`` registers an APSW VFS. Files live in the real file system; what a power cut may take
away is everything written since the file's last sync, sector by sector. It has no shared memory, so a
connection must use ``locking_mode=EXCLUSIVE``; after a crash the files are opened with any SQLite.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import apsw

SECTOR_BYTES = 512
_names = itertools.count()


class _Unsynced:
    """A file's content at its last sync, and what happened to it since: (offset, data) or (size, None)."""

    def __init__(self, base: bytes) -> None:
        self.base = base
        self.changes: list[tuple[int, bytes | None]] = []


class LossyDisk(apsw.VFS):
    """The disk.

    Args:
        syncs: whether sync requests are honoured; False is the planted fault.

    Attributes:
        writes: write requests so far.
        dies_at: the write request at which the power goes: it and all later requests fail.
        full: whether writes fail for lack of space.
        lost_bytes: bytes that the last power cut took away.
    """

    def __init__(self, *, syncs: bool = True) -> None:
        self.name = f"lossy-{next(_names)}"
        self.syncs = syncs
        self.writes = 0
        self.dies_at: int | None = None
        self.dead = False
        self.full = False
        self.lost_bytes = 0
        self.files: dict[str, _Unsynced] = {}
        super().__init__(self.name, "")

    def connect(self, path: Path) -> apsw.Connection:
        """Open a database on this disk."""
        connection = apsw.Connection(str(path), vfs=self.name)
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        return connection

    def xOpen(self, name: Any, flags: list[int]) -> LossyFile:
        return LossyFile(self, name, flags)

    def check(self) -> None:
        """Raise when the power is gone."""
        if self.dead:
            raise apsw.exception_for(apsw.SQLITE_IOERR)

    def before_change(self, path: str) -> _Unsynced:
        """Count a write request and remember the file's synced content."""
        self.check()
        self.writes += 1
        if self.dies_at is not None and self.writes >= self.dies_at:
            self.dead = True
            self.check()
        if self.full:
            raise apsw.exception_for(apsw.SQLITE_FULL)
        unsynced = self.files.get(path)
        if unsynced is None:
            unsynced = self.files[path] = _Unsynced(Path(path).read_bytes())
        return unsynced

    def cut_power(self, rng: random.Random) -> None:
        """Leave in each file its synced content and an arbitrary part of the sectors written since."""
        self.dead = True
        self.lost_bytes = 0
        keep = rng.choice((0.0, 0.5, 0.9, 1.0))
        for path, unsynced in self.files.items():
            content = bytearray(unsynced.base)
            for offset, data in unsynced.changes:
                if data is None:
                    if rng.random() < keep:
                        del content[offset:]
                    continue
                for start in range(0, len(data), SECTOR_BYTES):
                    sector = data[start : start + SECTOR_BYTES]
                    if rng.random() >= keep:
                        self.lost_bytes += len(sector)
                        continue
                    at = offset + start
                    if len(content) < at:
                        content.extend(bytes(at - len(content)))
                    content[at : at + len(sector)] = sector
            Path(path).write_bytes(content)
        self.files.clear()


class LossyFile(apsw.VFSFile):
    """One open file of the disk."""

    def __init__(self, disk: LossyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        disk.check()
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.before_change(self._path).changes.append((offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._disk.before_change(self._path).changes.append((size, None))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.check()
        if self._disk.syncs:
            super().xSync(flags)
            self._disk.files.pop(self._path, None)
