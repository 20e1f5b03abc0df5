"""Files, put together: stores by the configuration, services, and their background work."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from trunkline.base.clock import Randomness
from trunkline.base.errors import TrunklineError
from trunkline.base.secret import Secret
from trunkline.crypto.links import LinkSigner
from trunkline.media.inspect.jobs import Limits
from trunkline.media.inspect.libraries import missing_libraries
from trunkline.media.inspect.process import ProcessInspector
from trunkline.media.scan.command import CommandScanner
from trunkline.server.config import Config, FilesSection
from trunkline.server.store import Store
from trunkline.services.apps.directory import AppDirectory
from trunkline.services.files.access import FileAccess
from trunkline.services.files.book import FileBook
from trunkline.services.files.collector import Collector
from trunkline.services.files.downloads import Downloads
from trunkline.services.files.finishing import Finisher
from trunkline.services.files.limits import FileCounts, FileLimits
from trunkline.services.files.operations import FileCalls
from trunkline.services.files.ports import BlobStore
from trunkline.services.files.uploads import Uploads
from trunkline.services.log.engine import Engine
from trunkline.store.blobs.directory import DirectoryBlobStore
from trunkline.store.blobs.files_io import FileThreads
from trunkline.store.blobs.s3 import ObjectBlobStore
from trunkline.store.blobs.staging import DirectoryUploadStore
from trunkline.store.sqlite.files import SqliteFileIndex

log = logging.getLogger("trunkline.files")


@dataclass(slots=True)
class FileSystem:
    """Everything about files."""

    access: FileAccess
    calls: FileCalls
    uploads: Uploads
    downloads: Downloads
    collector: Collector
    counts: FileCounts
    inspector: ProcessInspector
    blobs: BlobStore
    threads: FileThreads

    async def run(self) -> None:
        """Take up what was unfinished, then tidy up for ever."""
        await self.collector.run()

    async def close(self) -> None:
        """End what is under way; call when no request is served any more."""
        try:
            async with asyncio.timeout(10):
                await self.uploads.close()
        except (TimeoutError, TrunklineError):
            log.info("uploads that are being finished go on at the next start")
        await self.inspector.close()
        await self.blobs.close()
        self.threads.close()


def file_limits(files: FilesSection) -> FileLimits:
    """Bounds from the configuration."""
    return FileLimits(
        max_size_bytes=files.max_size_bytes,
        types=tuple(files.types),
        quota_party_bytes=files.quota_party_bytes,
        quota_app_bytes=files.quota_app_bytes,
        min_free_bytes=files.min_free_bytes,
        max_uploads=files.max_uploads,
        max_uploads_per_party=files.max_uploads_per_party,
        max_transfers=files.max_transfers,
        upload_expires_ms=files.upload_expires_s * 1000,
        transfer_idle_s=files.transfer_idle_s,
        unused_ms=files.unused_s * 1000,
        detached_ms=files.detached_s * 1000,
        retention_ms=files.retention_s * 1000,
        link_ttl_s=files.link_ttl_s,
    )


def open_blobs(config: Config, threads: FileThreads) -> BlobStore:
    """The store of finished files."""
    files = config.files
    if files.store == "directory":
        return DirectoryBlobStore(config.files_path / "blobs", threads)
    return ObjectBlobStore(
        bucket=files.s3_bucket,
        prefix=files.s3_prefix,
        endpoint=files.s3_endpoint,
        region=files.s3_region,
        access_key_id=files.s3_access_key_id,
        secret_access_key=files.s3_secret_access_key,
    )


async def open_files(
    config: Config,
    store: Store,
    engine: Engine,
    directory: AppDirectory,
    randomness: Randomness,
    master_key: Secret,
) -> FileSystem | None:
    """Connect everything; None when files are switched off or their libraries are not installed.

    Raises:
        OSError: a directory cannot be made or read.
    """
    if not config.files.enabled:
        return None
    missing = missing_libraries()
    if missing:
        log.warning("files are off: libraries are missing", extra={"missing": ", ".join(missing)})
        return None
    files, limits, counts = config.files, file_limits(config.files), FileCounts()
    threads = FileThreads()
    blobs = open_blobs(config, threads)
    staging = DirectoryUploadStore(config.files_path / "uploads", threads)
    index = SqliteFileIndex(store.index.reader)
    inspector = ProcessInspector(
        Limits(max_pixels=files.max_pixels, thumbnail_px=files.thumbnail_px), files.inspect_at_once
    )
    scanner = (
        CommandScanner(files.scan_command, files.scan_timeout_s, fail_open=files.scan_fail_open)
        if files.scan_command
        else None
    )
    book = FileBook(engine, index)
    access = FileAccess(engine, book)
    finisher = Finisher(engine, book, staging, blobs, inspector, scanner, limits)
    uploads = Uploads(engine, book, staging, finisher, limits, counts, randomness)
    signer = LinkSigner(master_key.reveal().encode())

    def live(app: str) -> bool:
        known = directory.app(app)
        return known is not None and not known.disabled

    downloads = Downloads(engine, access, blobs, signer, limits, counts, live)
    collector = Collector(engine, book, index, blobs, uploads, limits, counts, files.collect_every_s)
    calls = FileCalls(engine, book, access, downloads, collector)
    await uploads.load()
    return FileSystem(access, calls, uploads, downloads, collector, counts, inspector, blobs, threads)
