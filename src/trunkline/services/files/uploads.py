"""``Uploads``: unfinished files, from their declaration to the moment they are handed to the finisher.

The offset that is told is durable: what lies below the mark on disk. One connection writes to an upload at a time; a
newer one that asks for it ends the older, because the older is usually a connection that broke without saying so.

Not here: the rules of tus (``protocol.tus``), HTTP (the edge), and what a content is (``finishing``).
"""

from __future__ import annotations

import asyncio
import errno
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.files.media_types import accepted, check_mime
from trunkline.domain.files.names import clean_name, is_file_id
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.protocol.tus import AppendChunk, Upload
from trunkline.services.files.book import FileBook
from trunkline.services.files.finishing import Finisher
from trunkline.services.files.limits import FileCounts, FileLimits
from trunkline.services.files.ports import Manifest, UploadStore
from trunkline.services.files.receiving import BrokenOff, pieces_until
from trunkline.services.log.engine import Engine

FLUSH_BYTES = 1 << 20
"""Bytes gathered for one write; what a transfer holds in memory."""
MARK_EVERY_BYTES = 16 << 20
"""How often a long chunk is made durable on its way."""
TAKEOVER_S = 3.0
MAX_REFUSALS = 1000
_SHA256_CHARS = 64


class Standing(NamedTuple):
    """How far an upload is; ``expires_at_ms`` is 0 once it is finished."""

    file: str
    offset: int
    length: int
    expires_at_ms: int


class Active:
    """An upload that is not finished."""

    __slots__ = ("finishing", "interrupt", "lock", "manifest", "marked", "upload")

    def __init__(self, manifest: Manifest, offset: int) -> None:
        self.manifest = manifest
        self.upload = Upload(manifest.size_bytes, offset)
        self.marked = offset
        self.lock = asyncio.Lock()
        self.interrupt = asyncio.Event()
        self.finishing: asyncio.Task[None] | None = None

    @property
    def standing(self) -> Standing:
        """What a client is told."""
        return Standing(self.manifest.file, self.upload.offset, self.manifest.size_bytes, self.manifest.expires_at_ms)


class Uploads:
    """Takes uploads.

    Args:
        engine: for the time.
        book: finished files.
        store: the bytes of unfinished ones.
        finisher: what happens to a whole one.
        limits: bounds; may be replaced while running.
        counts: for the metrics.
        randomness: for ids.
    """

    def __init__(
        self,
        engine: Engine,
        book: FileBook,
        store: UploadStore,
        finisher: Finisher,
        limits: FileLimits,
        counts: FileCounts,
        randomness: Randomness,
    ) -> None:
        self._engine = engine
        self._book = book
        self._store = store
        self._finisher = finisher
        self.limits = limits
        self._counts = counts
        self._randomness = randomness
        self._active: dict[str, Active] = {}
        self._refused: OrderedDict[str, tuple[str, str, TrunklineError]] = OrderedDict()
        self._transfers = 0

    @property
    def unfinished(self) -> int:
        """How many there are."""
        return len(self._active)

    async def load(self) -> None:
        """Take up what was unfinished when the server ended; call once, before anybody is let in.

        What was whole is finished now; what became a file just before the end is only cleaned up.
        """
        for manifest, offset in await self._store.found():
            if await self._book.find(manifest.app, manifest.file) is not None:
                await self._store.remove(manifest.file)
                continue
            active = self._active[manifest.file] = Active(manifest, offset)
            if active.upload.complete:
                self._begin_finish(active)

    # --- creation -----------------------------------------------------------------------------

    async def create(self, caller: Caller, length: int, metadata: Mapping[str, str]) -> Standing:
        """Begin an upload of ``length`` bytes; nothing is written when it is refused.

        ``metadata``: ``filename``, ``filetype`` (both optional) and ``sha256`` (hex, checked at the end).

        Raises:
            TrunklineError: ``FILE_TOO_LARGE``, ``FILE_TYPE_REFUSED``, ``INVALID_PARAMS``, ``LIMIT_EXCEEDED``,
                ``BUSY`` or ``DISK_FULL``.
        """
        limits = self.limits
        if length > limits.max_size_bytes:
            raise TrunklineError(
                Code.FILE_TOO_LARGE, f"A file may have {limits.max_size_bytes} bytes, not {length}.", field="size"
            )
        mime = check_mime(metadata.get("filetype", metadata.get("mime", "")), "filetype")
        if mime and not accepted(mime, limits.types):
            raise TrunklineError(Code.FILE_TYPE_REFUSED, f"{mime} is not accepted here.", field="filetype")
        sha256 = metadata.get("sha256", "").lower()
        if sha256 and (len(sha256) != _SHA256_CHARS or not set(sha256) <= set("0123456789abcdef")):
            raise TrunklineError(Code.INVALID_PARAMS, "sha256 must be 64 hexadecimal digits.", field="sha256")
        await self._check_room(caller, length)
        now_ms = self._engine.clock.now_ms()
        manifest = Manifest(
            file="f_" + self._randomness.token(16),
            app=caller.app,
            owner=caller.party,
            name=clean_name(metadata.get("filename", metadata.get("name", ""))),
            mime=mime,
            size_bytes=length,
            sha256=sha256,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + limits.upload_expires_ms,
        )
        active = self._active[manifest.file] = Active(manifest, 0)
        try:
            await self._store.create(manifest)
        except OSError as error:
            del self._active[manifest.file]
            raise disk_error(error) from error
        self._counts.created += 1
        if length == 0:
            async with self._held(active):
                await self._finish(active)
            return Standing(manifest.file, 0, 0, 0)
        return active.standing

    async def _check_room(self, caller: Caller, length: int) -> None:
        limits = self.limits
        in_app = [active.manifest for active in self._active.values() if active.manifest.app == caller.app]
        of_party = [manifest for manifest in in_app if manifest.owner == caller.party]
        if len(self._active) >= limits.max_uploads:
            raise TrunklineError(Code.BUSY, "Too many uploads are unfinished on this server.", retry_ms=10_000)
        if not caller.server and len(of_party) >= limits.max_uploads_per_party:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"At most {limits.max_uploads_per_party} uploads may be unfinished; end some."
            )
        for quota, owner, unfinished in (
            (limits.quota_party_bytes if caller.party != SYSTEM_PARTY else 0, caller.party, of_party),
            (limits.quota_app_bytes, "", in_app),
        ):
            if not quota:
                continue
            used = sum(manifest.size_bytes for manifest in unfinished) + await self._book.usage(caller.app, owner)
            if used + length > quota:
                whose = "party" if owner else "app"
                raise TrunklineError(
                    Code.LIMIT_EXCEEDED, f"The {whose} keeps {used} of {quota} bytes; {length} more do not fit."
                )
        coming = sum(active.manifest.size_bytes - active.upload.offset for active in self._active.values())
        if await self._store.free_bytes() - coming - length < limits.min_free_bytes:
            raise TrunklineError(Code.DISK_FULL, "There is no room for a file of this size.", retry_ms=60_000)

    # --- bytes --------------------------------------------------------------------------------

    async def standing(self, caller: Caller, file: str) -> Standing:
        """How far an upload is. One that is whole is finished first, so that its end is not promised too early.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``UPLOAD_BUSY``, or why a whole one was refused.
        """
        active = self._active.get(file)
        if active is None:
            return await self._finished(caller, file)
        self._check_owner(caller, active)
        try:
            async with self._held(active):
                if active.upload.complete:
                    await self._finish(active)
                return active.standing
        except TrunklineError as error:
            if error.code is not Code.UPLOAD_GONE:
                raise
            # It became a file while this waited: whoever lost the last answer is told so, and does not start again.
            return await self._finished(caller, file)

    async def append(self, caller: Caller, file: str, chunk: AppendChunk, pieces: AsyncIterator[bytes]) -> Standing:
        """Continue an upload with what ``pieces`` brings; when it is whole, it becomes a file.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``OFFSET_MISMATCH``, ``UPLOAD_BUSY``, ``CHECKSUM_MISMATCH``,
                ``FILE_TOO_LARGE``, ``DISK_FULL``; or why the whole was refused: then it is gone.
            BrokenOff: the connection ended; what arrived counts.
        """
        active = self._active.get(file)
        if active is None:
            done = await self._finished(caller, file)
            if chunk.offset == done.length and not chunk.length:
                return done
            raise TrunklineError(Code.OFFSET_MISMATCH, "The upload is finished.", field="Upload-Offset")
        self._check_owner(caller, active)
        async with self._held(active):
            if not (active.upload.complete and chunk.offset == active.upload.length and not chunk.length):
                await self._receive(active, chunk, pieces)
            if active.upload.complete:
                await self._finish(active)
            return active.standing

    async def _receive(self, active: Active, chunk: AppendChunk, pieces: AsyncIterator[bytes]) -> None:
        if self._transfers >= self.limits.max_transfers:
            raise TrunklineError(Code.BUSY, "Too many uploads are sending at the moment.", retry_ms=1000)
        active.upload.begin(chunk)
        self._transfers += 1
        try:
            await self._write(active, pieces)
        except OSError as error:
            active.upload = Upload(active.manifest.size_bytes, active.marked)
            raise disk_error(error) from error
        except (TrunklineError, BrokenOff):
            raise
        except BaseException:
            active.upload = Upload(active.manifest.size_bytes, active.marked)
            raise
        finally:
            self._transfers -= 1

    async def _write(self, active: Active, pieces: AsyncIterator[bytes]) -> None:
        """Bytes to the disk, then the mark; the offset never runs ahead of the mark once this has ended."""
        upload, file = active.upload, active.manifest.file
        buffer = bytearray()
        written = upload.offset
        problem: TrunklineError | BrokenOff | None = None
        try:
            async for piece in pieces_until(pieces, active.interrupt, self.limits.transfer_idle_s):
                upload.take(piece)
                self._counts.received_bytes += len(piece)
                buffer += piece
                if len(buffer) >= FLUSH_BYTES:
                    await self._store.write(file, written, bytes(buffer))
                    written += len(buffer)
                    buffer.clear()
                    if not upload.verifies and written - active.marked >= MARK_EVERY_BYTES:
                        await self._store.mark(file, written)
                        active.marked = written
        except (TrunklineError, BrokenOff) as error:
            problem = error
        if buffer:
            await self._store.write(file, written, bytes(buffer))
        if problem is None:
            try:
                offset = upload.finish()
            except TrunklineError as error:
                problem, offset = error, upload.offset
        else:
            offset = upload.cut()
        await self._store.mark(file, offset)
        active.marked = offset
        if problem is not None:
            raise problem

    # --- the end ------------------------------------------------------------------------------

    async def terminate(self, caller: Caller, file: str) -> None:
        """Forget an upload.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``UPLOAD_BUSY``, or ``UPLOAD_GONE`` when it is a file already.
        """
        active = self._active.get(file)
        if active is None:
            await self._finished(caller, file)
            raise TrunklineError(Code.UPLOAD_GONE, "The upload is finished; delete the file instead.")
        self._check_owner(caller, active)
        async with self._held(active):
            await self._discard(active)

    async def sweep(self) -> None:
        """End uploads whose time is up."""
        now_ms = self._engine.clock.now_ms()
        for active in list(self._active.values()):
            if active.manifest.expires_at_ms <= now_ms and not active.lock.locked():
                await self._drop(active)

    async def forget_party(self, app: str, party: str) -> None:
        """A party was erased: end what it had under way."""
        for active in list(self._active.values()):
            if (active.manifest.app, active.manifest.owner) == (app, party):
                await self._drop(active)

    async def close(self) -> None:
        """Let what is being finished end; the rest goes on at the next start."""
        tasks = [active.finishing for active in self._active.values() if active.finishing is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drop(self, active: Active) -> None:
        try:
            async with self._held(active):
                await self._discard(active)
        except TrunklineError:
            return  # in use, or gone already; the next sweep looks again

    async def _discard(self, active: Active) -> None:
        try:
            await self._finisher.discard(active.manifest)
        except OSError as error:
            raise disk_error(error) from error
        self._active.pop(active.manifest.file, None)

    def _begin_finish(self, active: Active) -> asyncio.Task[None]:
        if active.finishing is None or active.finishing.done():
            active.finishing = asyncio.get_running_loop().create_task(self._run_finish(active), name="finish-upload")
            # Nobody may be waiting for it; an error is told to whoever asks next.
            active.finishing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return active.finishing

    async def _finish(self, active: Active) -> None:
        """Finish a whole upload; goes on when the caller is gone."""
        await asyncio.shield(self._begin_finish(active))

    async def _run_finish(self, active: Active) -> None:
        manifest = active.manifest
        try:
            await self._finisher.finish(manifest)
        except TrunklineError as error:
            if error.code.number >= 4000:
                raise
            self._counts.refused += 1
            await self._discard(active)
            self._refused[manifest.file] = (manifest.app, manifest.owner, error)
            if len(self._refused) > MAX_REFUSALS:
                self._refused.popitem(last=False)
            raise
        except OSError as error:
            raise disk_error(error) from error
        self._counts.finished += 1
        self._active.pop(manifest.file, None)

    # --- pieces -------------------------------------------------------------------------------

    async def _finished(self, caller: Caller, file: str) -> Standing:
        """The standing of an upload that is a file by now."""
        refused = self._refused.get(file)
        if refused is not None and refused[:2] == (caller.app, caller.party):
            raise refused[2]
        stored = await self._book.find(caller.app, file) if is_file_id(file) else None
        if stored is None or stored.owner != caller.party:
            raise TrunklineError(Code.NOT_FOUND, "There is no such upload; it may have expired.")
        return Standing(file, stored.size_bytes, stored.size_bytes, 0)

    @staticmethod
    def _check_owner(caller: Caller, active: Active) -> None:
        if (caller.app, caller.party) != (active.manifest.app, active.manifest.owner):
            raise TrunklineError(Code.NOT_FOUND, "There is no such upload; it may have expired.")

    @asynccontextmanager
    async def _held(self, active: Active) -> AsyncIterator[None]:
        """The upload for oneself; whoever receives now is asked to stop."""
        active.interrupt.set()
        try:
            async with asyncio.timeout(TAKEOVER_S):
                await active.lock.acquire()
        except TimeoutError:
            raise TrunklineError(Code.UPLOAD_BUSY, "The upload is in use.", retry_ms=1000) from None
        try:
            active.interrupt.clear()
            if self._active.get(active.manifest.file) is not active:
                raise TrunklineError(Code.UPLOAD_GONE, "The upload ended meanwhile; ask again.")
            yield
        finally:
            active.lock.release()


def disk_error(error: OSError) -> TrunklineError:
    """What the disk or the object store says, as an answer."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return TrunklineError(Code.DISK_FULL, "The disk for files is full.", retry_ms=60_000)
    return TrunklineError(Code.BUSY, "The store of files cannot be used at the moment.", retry_ms=5_000)
