"""What a backup consists of: ``manifest.json`` with the checksum of every other file.

Lives here: the manifest's form, checking files against it, and copying with a checksum. Does not live here: what is
copied (``take``) and what is made of it (``restore``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

FORMAT = 1
MANIFEST_NAME = "manifest.json"
INDEX_NAME = "index.db"
JOURNAL_NAME = "journal"
_CHUNK_BYTES = 1 << 20


class BackupError(Exception):
    """A backup cannot be taken or used; the message says why and what to do."""


class BackupFile(msgspec.Struct, frozen=True):
    """One file of a backup, by its path below the backup."""

    path: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Describes a complete backup; it is written last.

    Attributes:
        format: of this file.
        version: of the program that took the backup.
        created_at_ms: when it was taken.
        epoch: of the store it was taken of.
        store_id: of the journal, in hex.
        index_lsn: up to which commit group the index is projected.
        last_lsn: the last commit group in the backup.
        files: all other files.
    """

    format: int = FORMAT
    version: str
    created_at_ms: int
    epoch: int
    store_id: str
    index_lsn: int
    last_lsn: int
    files: list[BackupFile]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size_bytes for file in self.files)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        BackupError: there is none, or it cannot be used.
    """
    path = directory / MANIFEST_NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise BackupError(
            f"{directory} is no complete backup: cannot read {MANIFEST_NAME} ({error.strerror})"
        ) from error
    except msgspec.MsgspecError as error:
        raise BackupError(f"{path} is damaged ({error}); use another backup") from error
    if manifest.format != FORMAT:
        raise BackupError(f"{path} has format {manifest.format}, this program knows {FORMAT}: use the newer program")
    return manifest


def write_durably(path: Path, data: bytes) -> None:
    """Create a file and fsync it."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_start(source: Path, target: Path, size_bytes: int, go_on: Callable[[], bool] = lambda: True) -> str:
    """Copy the first bytes of a file durably; their SHA-256.

    Raises:
        BackupError: the source is shorter, or ``go_on`` said no.
        OSError: as the system says.
    """
    digest = hashlib.sha256()
    left = size_bytes
    with source.open("rb") as reading, target.open("xb") as writing:
        while left:
            if not go_on():
                raise BackupError("the backup was stopped")
            data = reading.read(min(left, _CHUNK_BYTES))
            if not data:
                raise BackupError(f"{source} is {left} bytes shorter than expected")
            digest.update(data)
            writing.write(data)
            left -= len(data)
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest()


def describe_file(root: Path, path: str) -> BackupFile:
    """Size and checksum of a file as it is on disk; the file is fsynced."""
    digest = hashlib.sha256()
    with (root / path).open("rb") as file:
        os.fsync(file.fileno())
        while data := file.read(_CHUNK_BYTES):
            digest.update(data)
        return BackupFile(path, file.tell(), digest.hexdigest())
