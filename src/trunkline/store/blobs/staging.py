"""``DirectoryUploadStore``: unfinished uploads on this machine's disk.

Three files each: ``ID.json`` says what it will be, ``ID.part`` holds its bytes, ``ID.mark`` how many of them are
durable. What lies above the mark after a crash is cut off when the upload goes on, so a power cut cannot leave zeros
in the middle of a file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from trunkline.services.files.ports import Manifest, Staged
from trunkline.store.blobs.files_io import FileThreads, make_directory, sync_directory, write_durably

_decode = msgspec.json.Decoder(Manifest).decode
_MARK_BYTES = 8


class DirectoryUploadStore:
    """Implements ``services.files.ports.UploadStore``.

    Args:
        directory: made when it is missing.
        threads: for the disk.
    """

    def __init__(self, directory: Path, threads: FileThreads) -> None:
        self._directory = directory
        self._threads = threads
        make_directory(directory)

    async def create(self, manifest: Manifest) -> None:
        """Begin one; durable on return."""
        await self._threads.run(self._create, manifest)

    def _create(self, manifest: Manifest) -> None:
        # Outside of the clean-up: an upload that exists already is somebody's.
        os.close(os.open(self.path(manifest.file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._write_mark(manifest.file, 0)
            # Last: without it the others are nothing.
            write_durably(self._manifest(manifest.file), msgspec.json.encode(manifest))
        except OSError:
            self._remove(manifest.file)
            raise

    async def write(self, file: str, offset: int, data: bytes) -> None:
        """Put bytes at an offset; not durable yet."""
        await self._threads.run(self._write, file, offset, data)

    def _write(self, file: str, offset: int, data: bytes) -> None:
        handle = os.open(self.path(file), os.O_WRONLY)
        try:
            view = memoryview(data)
            while view:
                written = os.pwrite(handle, view, offset)
                offset += written
                view = view[written:]
        finally:
            os.close(handle)

    async def mark(self, file: str, offset: int) -> None:
        """Everything below ``offset`` is durable, and what is above does not count."""
        await self._threads.run(self._mark, file, offset)

    def _mark(self, file: str, offset: int) -> None:
        handle = os.open(self.path(file), os.O_WRONLY)
        try:
            if os.fstat(handle).st_size > offset:
                os.ftruncate(handle, offset)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._write_mark(file, offset)

    def _write_mark(self, file: str, offset: int) -> None:
        handle = os.open(self._directory / f"{file}.mark", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, offset.to_bytes(_MARK_BYTES, "big"), 0)
            os.fsync(handle)
        finally:
            os.close(handle)

    async def found(self) -> Sequence[Staged]:
        """All there are, each with the offset of its last mark; what is no whole upload is removed."""
        return await self._threads.run(self._found)

    def _found(self) -> list[Staged]:
        staged = []
        for name in sorted({path.name.partition(".")[0] for path in self._directory.glob("f_*")}):
            try:
                manifest = _decode(self._manifest(name).read_bytes())
                size = self.path(name).stat().st_size
                mark = int.from_bytes((self._directory / f"{name}.mark").read_bytes()[:_MARK_BYTES], "big")
            except (FileNotFoundError, msgspec.DecodeError):
                self._remove(name)
                continue
            staged.append(Staged(manifest, min(mark, size, manifest.size_bytes)))
        for path in self._directory.glob(".*.tmp"):
            path.unlink(missing_ok=True)
        return staged

    async def remove(self, file: str) -> None:
        """Forget one; fine when there is none."""
        await self._threads.run(self._remove, file)

    def _remove(self, file: str) -> None:
        # The manifest first: a crash in between leaves nothing that counts.
        for path in (self._manifest(file), *self._directory.glob(f"{file}.*")):
            with suppress(FileNotFoundError):
                path.unlink()
        sync_directory(self._directory)

    async def scratch(self, file: str, name: str, data: bytes) -> Path:
        """Put something that belongs to an upload beside it; not durable."""
        path = self._directory / f"{file}.{name}"
        await self._threads.run(path.write_bytes, data)
        return path

    def path(self, file: str) -> Path:
        """Where its bytes are."""
        return self._directory / f"{file}.part"

    def _manifest(self, file: str) -> Path:
        return self._directory / f"{file}.json"

    async def free_bytes(self) -> int:
        """Free space."""
        return (await self._threads.run(shutil.disk_usage, self._directory)).free
