"""What files need from outside: an index, a place for bytes, a place for unfinished uploads, inspection, a scanner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from trunkline.domain.log.records import FileStored


class FileRow(NamedTuple):
    """A file as the index has it."""

    stored: FileStored
    uses: int
    removed: bool


class FileIndex(Protocol):
    """Queries over projected records of files."""

    async def file(self, app: str, file: str) -> FileRow | None:
        """A file, also while its bytes are being removed."""
        ...

    async def uses(self, app: str, file: str, party: str, limit: int) -> list[tuple[str, int]]:
        """Messages (conversation, seq) that refer to a file, in conversations the party is or was in."""
        ...

    async def owned(self, app: str, owner: str, after: str, limit: int) -> list[FileStored]:
        """A page of a party's files by id."""
        ...

    async def usage(self, app: str, owner: str) -> int:
        """Bytes of the files of a party that are not removed; with "" those of the whole app."""
        ...

    async def idle(self, never_used_before_ms: int, detached_before_ms: int, limit: int) -> list[tuple[str, str]]:
        """(app, file) of files that no message refers to, since before these times."""
        ...

    async def aged(self, before_ms: int, limit: int) -> list[tuple[str, str]]:
        """(app, file) of files uploaded before a time."""
        ...

    async def removed(self, limit: int) -> list[FileStored]:
        """Removed files whose bytes may still be there."""
        ...


class BlobMissing(Exception):
    """There is no blob under this key."""


class BlobStore(Protocol):
    """Bytes under keys. One contract suite runs against every adapter."""

    async def put(self, key: str, source: Path) -> None:
        """Store a file's bytes; durable on return. Storing the same key again replaces it.

        Raises:
            OSError: it could not be stored.
        """
        ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end`` (exclusive), in pieces.

        Raises:
            BlobMissing: before the first piece.
            OSError: it could not be read.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget a blob; fine when there is none."""
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """What is known of an upload at its creation. ``sha256`` is what its maker promised, in hex; "" = nothing."""

    file: str
    app: str
    owner: str
    name: str
    mime: str
    size_bytes: int
    sha256: str = ""
    created_at_ms: int
    expires_at_ms: int


class Staged(NamedTuple):
    """An unfinished upload found at start."""

    manifest: Manifest
    offset: int


class UploadStore(Protocol):
    """Unfinished uploads on this machine's disk."""

    async def create(self, manifest: Manifest) -> None:
        """Begin one; durable on return.

        Raises:
            OSError: no space, for one.
        """
        ...

    async def write(self, file: str, offset: int, data: bytes) -> None:
        """Put bytes at an offset; not durable yet."""
        ...

    async def mark(self, file: str, offset: int) -> None:
        """Everything below ``offset`` is durable, and what is above does not count; on return."""
        ...

    async def found(self) -> Sequence[Staged]:
        """All there are, each with the offset of its last mark."""
        ...

    async def remove(self, file: str) -> None:
        """Forget one; fine when there is none."""
        ...

    def path(self, file: str) -> Path:
        """Where its bytes are, for inspection and for the blob store."""
        ...

    async def scratch(self, file: str, name: str, data: bytes) -> Path:
        """Put something that belongs to an upload beside it; it goes when the upload goes."""
        ...

    async def free_bytes(self) -> int:
        """Free space."""
        ...


class Variant(msgspec.Struct):
    """A smaller picture made from a file."""

    name: str
    mime: str
    width: int
    height: int
    data: bytes


class Inspection(msgspec.Struct):
    """What a content is."""

    mime: str
    kind: str
    sha256: bytes
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    blurhash: str = ""
    waveform: bytes = b""
    variants: list[Variant] = msgspec.field(default_factory=list)


class MediaInspector(Protocol):
    """Looks into contents where a crafted one can do no harm."""

    async def inspect(self, path: Path, claimed: str) -> Inspection:
        """Find out what a content is, and make its pictures.

        Raises:
            TrunklineError: ``FILE_TYPE_*`` or ``FILE_UNREADABLE``: it is not accepted; ``BUSY``: later.
        """
        ...

    async def close(self) -> None:
        """End the processes."""
        ...


class ScanSubject(msgspec.Struct, kw_only=True):
    """What a scanner is told."""

    app: str
    file: str
    owner: str
    name: str
    mime: str
    size_bytes: int
    sha256: str


class FileScanner(Protocol):
    """A virus scanner or a list of known hashes, outside."""

    async def scan(self, subject: ScanSubject, path: Path) -> str:
        """Why the content is refused; "" when it is clean.

        Raises:
            TrunklineError: ``SCAN_UNAVAILABLE``: no verdict in time, and the deployment fails closed.
        """
        ...
