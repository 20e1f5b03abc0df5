"""``Downloads``: who may read which bytes, and links that open one file for one party for a short time.

Not here: ranges and headers (the edge).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import quote

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.links import LinkSigner, SignedLink
from trunkline.domain.files.media_types import INLINE
from trunkline.domain.files.names import disposition
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.log.records import FileStored
from trunkline.services.files.access import FileAccess
from trunkline.services.files.finishing import CONTENT, blob_key
from trunkline.services.files.limits import FileCounts, FileLimits
from trunkline.services.files.ports import BlobMissing, BlobStore
from trunkline.services.log.engine import Engine

log = logging.getLogger("trunkline.files")


class Download(NamedTuple):
    """Bytes that may be handed out.

    Attributes:
        etag: quoted, strong.
        sha256: of the bytes; b"" for a picture made from the file.
        disposition: value of Content-Disposition.
    """

    key: str
    mime: str
    size_bytes: int
    etag: str
    sha256: bytes
    disposition: str


class Downloads:
    """Hands out files.

    Args:
        engine: for the time.
        access: who may read.
        blobs: the bytes.
        signer: of links.
        limits: longest life of a link.
        counts: for the metrics.
        live: whether an app is let in.
    """

    def __init__(
        self,
        engine: Engine,
        access: FileAccess,
        blobs: BlobStore,
        signer: LinkSigner,
        limits: FileLimits,
        counts: FileCounts,
        live: Callable[[str], bool],
    ) -> None:
        self._engine = engine
        self._access = access
        self._blobs = blobs
        self._signer = signer
        self.limits = limits
        self._counts = counts
        self._live = live

    async def open(self, caller: Caller, file: str, variant: str) -> Download:
        """Find what the caller may read.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        stored = await self._access.readable(caller, file)
        return _described(stored, variant)

    def link_caller(self, path: str, link: SignedLink) -> Caller:
        """Whom a link speaks for.

        Raises:
            TrunklineError: ``LINK_INVALID``, ``LINK_EXPIRED`` or ``APP_DISABLED``.
        """
        self._signer.check(path, link, self._engine.clock.now_ms() // 1000)
        if not self._live(link.app):
            raise TrunklineError(Code.APP_DISABLED, "The operator disabled the app.")
        return Caller(link.app, link.party, server=link.party == SYSTEM_PARTY)

    async def link(self, caller: Caller, file: str, variant: str, ttl_s: int) -> tuple[str, int]:
        """A path that opens a file without credentials, and when it ends in milliseconds.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``LIMIT_EXCEEDED``.
        """
        if ttl_s > self.limits.link_ttl_s:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"A link may live {self.limits.link_ttl_s} s, not {ttl_s}.", field="ttl_s"
            )
        stored = await self._access.readable(caller, file)
        _described(stored, variant)
        ends_at_s = self._engine.clock.now_ms() // 1000 + ttl_s
        path = content_path(file, variant)
        return self._signer.sign(path, caller.app, check_party(caller.party), ends_at_s), ends_at_s * 1000

    async def read(self, download: Download, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``.

        Raises:
            TrunklineError: before the first byte: ``NOT_FOUND`` when they are lost, ``BUSY`` when the store is away.
            OSError: later; the connection can only be broken off.
        """
        begun = False
        try:
            async for piece in self._blobs.read(download.key, start, end):
                if not begun:
                    begun = True
                    self._counts.downloads += 1
                self._counts.sent_bytes += len(piece)
                yield piece
        except BlobMissing as error:
            log.error("the bytes of a file are missing", extra={"key": download.key})
            raise TrunklineError(Code.NOT_FOUND, "The bytes of this file are missing in the store.") from error
        except OSError as error:
            if begun:
                raise
            log.error("the store of files cannot be read", extra={"error": str(error)})
            raise TrunklineError(
                Code.BUSY, "The store of files cannot be read at the moment.", retry_ms=2000
            ) from error


def content_path(file: str, variant: str) -> str:
    """Where a file's bytes are served."""
    return f"/v1/files/{quote(file, safe='')}/{variant}"


def _described(stored: FileStored, variant: str) -> Download:
    digest = stored.sha256.hex()
    key = blob_key(stored.app, stored.file, variant)
    if variant == CONTENT:
        shown = disposition(stored.name, inline=stored.mime in INLINE)
        return Download(key, stored.mime, stored.size_bytes, f'"{digest}"', stored.sha256, shown)
    for picture in stored.variants:
        if picture.name == variant:
            shown = disposition(f"{variant}-{stored.name}", inline=True)
            return Download(key, picture.mime, picture.size_bytes, f'"{digest}-{variant}"', b"", shown)
    raise TrunklineError(Code.NOT_FOUND, f"The file has no {variant}.", field="variant")
