"""``DirectoryBlobStore``: blobs as files in a directory, two levels of folders deep."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from trunkline.services.files.ports import BlobMissing
from trunkline.store.blobs.files_io import FileThreads, make_directory, sync_directory

_PIECE_BYTES = 256 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+\.[a-z]+")
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP)


class DirectoryBlobStore:
    """Implements ``services.files.ports.BlobStore``.

    Args:
        directory: made when it is missing.
        threads: for the disk.
    """

    def __init__(self, directory: Path, threads: FileThreads) -> None:
        self._directory = directory
        self._threads = threads
        make_directory(directory)

    async def put(self, key: str, source: Path) -> None:
        """Store a file's bytes; a link where the source is on the same disk, so that nothing is copied."""
        await self._threads.run(self._put, key, source)

    def _put(self, key: str, source: Path) -> None:
        target = self._path(key)
        make_directory(target.parent)
        temporary = target.with_name(f".{target.name}.tmp")
        with suppress(FileNotFoundError):
            temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            shutil.copyfile(source, temporary)
        handle = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        # rename() does nothing when both names are links to one file already.
        os.rename(temporary, target)
        with suppress(FileNotFoundError):
            temporary.unlink()
        sync_directory(target.parent)

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``."""
        try:
            file = await self._threads.run(self._path(key).open, "rb")
        except FileNotFoundError as error:
            raise BlobMissing(key) from error
        try:
            handle = file.fileno()
            while start < end:
                data = await self._threads.run(os.pread, handle, min(_PIECE_BYTES, end - start), start)
                if not data:
                    raise OSError(errno.EIO, f"the blob {key} ends at {start}")
                start += len(data)
                yield data
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        """Forget a blob; fine when there is none."""
        await self._threads.run(self._delete, key)

    def _delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            path = self._path(key)
            path.unlink()
            sync_directory(path.parent)

    async def close(self) -> None:
        """Nothing is open."""

    def _path(self, key: str) -> Path:
        if _KEY.fullmatch(key) is None:
            raise ValueError(f"not a blob key: {key!r}")
        app, name = key.split("/")
        # The last characters of an id are random, and spread evenly.
        return self._directory / app / name.partition(".")[0][-2:] / name
