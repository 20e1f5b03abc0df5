"""``Finisher``: from a whole upload to a file, in steps that may be repeated after a crash at any of them.

1. What the content is, and its pictures (in the confined process); its hash; whether it is accepted; the scanner.
2. The pictures, then the content, into the blob store.
3. The record in the journal. Only now the file exists.
4. The staging is removed.

A crash before step 3 repeats from step 1, a crash after it from step 4.
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.files.media_types import accepted
from trunkline.domain.log.records import FileStored, FileVariant
from trunkline.services.files.book import FileBook
from trunkline.services.files.limits import FileLimits
from trunkline.services.files.ports import (
    BlobStore,
    FileScanner,
    Inspection,
    Manifest,
    MediaInspector,
    ScanSubject,
    UploadStore,
)
from trunkline.services.log.engine import Engine

CONTENT = "content"
PICTURES = ("thumbnail", "poster")


def blob_key(app: str, file: str, variant: str = CONTENT) -> str:
    """Where a file's bytes are in the blob store."""
    return f"{app}/{file}.{variant}"


class Finisher:
    """Finishes uploads.

    Args:
        engine: the log.
        book: takes the finished file.
        uploads: staged bytes.
        blobs: where they go.
        inspector: looks into them.
        scanner: None when there is none.
        limits: accepted types.
    """

    def __init__(
        self,
        engine: Engine,
        book: FileBook,
        uploads: UploadStore,
        blobs: BlobStore,
        inspector: MediaInspector,
        scanner: FileScanner | None,
        limits: FileLimits,
    ) -> None:
        self._engine = engine
        self._book = book
        self._uploads = uploads
        self._blobs = blobs
        self._inspector = inspector
        self._scanner = scanner
        self.limits = limits

    async def finish(self, manifest: Manifest) -> FileStored:
        """Make a file of a whole upload.

        Raises:
            TrunklineError: 1xxx or 3xxx: the content is refused, the caller discards it; others: later.
            OSError: the disk or the blob store.
        """
        before = await self._book.find(manifest.app, manifest.file)
        if before is None:
            found = await self._examine(manifest)
            before = await self._store(manifest, found)
        await self._uploads.remove(manifest.file)
        return before

    async def discard(self, manifest: Manifest) -> None:
        """Leave nothing of an upload that is no file: first what may be in the blob store, then the staging.

        Raises:
            OSError: the disk or the blob store.
        """
        for variant in (CONTENT, *PICTURES):
            await self._blobs.delete(blob_key(manifest.app, manifest.file, variant))
        await self._uploads.remove(manifest.file)

    async def _examine(self, manifest: Manifest) -> Inspection:
        path = self._uploads.path(manifest.file)
        found = await self._inspector.inspect(path, manifest.mime)
        sha256 = found.sha256.hex()
        if manifest.sha256 and sha256 != manifest.sha256:
            raise TrunklineError(
                Code.CHECKSUM_MISMATCH,
                f"The whole content has the SHA-256 {sha256}, not the one named at creation; start a new upload.",
                field="sha256",
            )
        if not accepted(found.mime, self.limits.types):
            raise TrunklineError(Code.FILE_TYPE_REFUSED, f"The content is {found.mime}, which is not accepted here.")
        if self._scanner is not None:
            subject = ScanSubject(
                app=manifest.app,
                file=manifest.file,
                owner=manifest.owner,
                name=manifest.name,
                mime=found.mime,
                size_bytes=manifest.size_bytes,
                sha256=sha256,
            )
            verdict = await self._scanner.scan(subject, path)
            if verdict:
                raise TrunklineError(Code.SCAN_REFUSED, verdict)
        return found

    async def _store(self, manifest: Manifest, found: Inspection) -> FileStored:
        for picture in found.variants:
            scratch = await self._uploads.scratch(manifest.file, picture.name, picture.data)
            await self._blobs.put(blob_key(manifest.app, manifest.file, picture.name), scratch)
        await self._blobs.put(blob_key(manifest.app, manifest.file), self._uploads.path(manifest.file))
        stored = FileStored(
            app=manifest.app,
            file=manifest.file,
            owner=manifest.owner,
            name=manifest.name,
            mime=found.mime,
            kind=found.kind,
            size_bytes=manifest.size_bytes,
            sha256=found.sha256,
            at_ms=self._engine.clock.now_ms(),
            width=found.width,
            height=found.height,
            duration_ms=found.duration_ms,
            blurhash=found.blurhash,
            waveform=found.waveform,
            variants=tuple(FileVariant(p.name, p.mime, len(p.data), p.width, p.height) for p in found.variants),
        )
        self._engine.check_room()
        self._book.store(stored)
        await self._engine.commits.settled()
        return stored
