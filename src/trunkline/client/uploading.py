"""Uploading files and then sending the messages that name them, through lost connections, crashes and restarts.

An upload is in the local store before its first byte is sent, so it goes on where it stopped, also in another process.
When it is finished its message enters the outbox in the transaction in which the upload leaves the store: it is sent
once. Uploads do not hold up other messages: one takes its place in the conversation when its file is there. What is
not here: HTTP (``tus``), sending (``sending``).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from trunkline.base.errors import Code, Retry
from trunkline.client.errors import ClientStopped, OutboxFull, RequestFailed, StoreUnusable
from trunkline.client.notices import SendOutcome
from trunkline.client.requests import Requests
from trunkline.client.send_handle import SendHandle
from trunkline.client.sending import Sender
from trunkline.client.store import LocalStore
from trunkline.client.store.uploads import UploadRow
from trunkline.client.tus import TusClient
from trunkline.protocol.link.backoff import retry_delay_s
from trunkline.wire.calls.files import FileGet, FileView
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.frames import ErrorBody

logger = logging.getLogger("trunkline.client")
PARALLEL = 2
FORGET_AFTER_MS = 7 * 86_400_000
"""An upload for no message that nobody went on with for so long is forgotten, as the server has."""
_STARTS = 3
_OUTBOX_FULL_S = 1.0
_BEGIN_AGAIN = {Code.NOT_FOUND.number, Code.UPLOAD_GONE.number, Code.CHECKSUM_MISMATCH.number}
Progress = Callable[[int, int], None]
Watcher = Callable[[UploadRow, int], None]


class FileHandle:
    """A message whose file is on its way: await it for the position it was given.

    Attributes:
        upload: id of the upload in the local store.
        size_bytes: of the file; ``sent_bytes``: how many of them the server has, about.
    """

    def __init__(self, row: UploadRow, progress: Progress | None, watchers: Sequence[Watcher] = ()) -> None:
        self._row = row
        self._watchers = watchers
        self.upload = row.id
        self.size_bytes = row.size_bytes
        self.sent_bytes = 0
        self._progress = progress
        self.result: asyncio.Future[MessageSent] = asyncio.get_running_loop().create_future()
        # Nobody has to wait for a handle; an outcome nobody asked for is no error of the loop.
        self.result.add_done_callback(lambda done: done.cancelled() or done.exception())

    def tell(self, sent_bytes: int, size_bytes: int) -> None:
        """So much has been sent."""
        self.sent_bytes, self.size_bytes = sent_bytes, size_bytes
        try:
            if self._progress is not None:
                self._progress(sent_bytes, size_bytes)
            for watcher in self._watchers:
                watcher(self._row, sent_bytes)
        except Exception:
            logger.exception("a callback about progress failed")

    def __await__(self) -> Generator[Any, None, MessageSent]:
        """Wait for the position.

        Raises:
            RequestFailed: the file or the message was refused, or the file cannot be read any more.
            ClientStopped: the client stopped first; the upload goes on with the next client on this store.
        """
        return asyncio.shield(self.result).__await__()


class Uploader:
    """The uploads of one client."""

    def __init__(
        self,
        store: LocalStore,
        tus: TusClient,
        requests: Requests,
        sender: Sender,
        notify: Callable[[SendOutcome], None],
    ) -> None:
        self._store = store
        self._tus = tus
        self._requests = requests
        self._sender = sender
        self._notify = notify
        self._slots = asyncio.Semaphore(PARALLEL)
        self._handles: dict[int, FileHandle] = {}
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        self._connected = False
        self._stopped: str | None = None
        self.watchers: list[Watcher] = []
        """Told of every upload how many bytes the server has, also of those begun before a restart."""

    @property
    def waiting(self) -> list[UploadRow]:
        """Uploads that are not finished, oldest first."""
        return self._store.uploads.all()

    def send(self, row: UploadRow, progress: Progress | None) -> FileHandle:
        """Keep an upload and its message, and begin.

        Raises:
            StoreUnusable: it could not be stored.
        """
        self._keep(row)
        handle = self._handles[row.id] = FileHandle(row, progress, self.watchers)
        if self._connected:
            self._begin(row)
        return handle

    async def upload(self, row: UploadRow, progress: Progress | None) -> FileView:
        """Upload a file for no message; one that was interrupted goes on.

        Raises:
            RequestFailed: refused.
            ClientStopped: the client stopped first.
        """
        before = [
            other
            for other in self.waiting
            if not other.has_message
            and (other.path, other.size_bytes, other.mtime_ns, other.name, other.mime)
            == (row.path, row.size_bytes, row.mtime_ns, row.name, row.mime)
            and other.id not in self._tasks
        ]
        if before:
            row = before[-1]
        else:
            self._keep(row)
        finishing = asyncio.ensure_future(self._finish(row, FileHandle(row, progress, self.watchers).tell))
        self._tasks[row.id] = finishing
        try:
            view = await finishing
        except RequestFailed:
            self._forget(row)
            raise
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            raise ClientStopped(self._stopped) from None
        finally:
            finishing.cancel()
            del self._tasks[row.id]
        self._forget(row)
        return view

    def start(self) -> None:
        """There is a connection: go on with what waits from earlier."""
        if self._connected or self._stopped is not None:
            return
        self._connected = True
        for row in self.waiting:
            if row.has_message:
                self._begin(row)
            elif row.created_at_ms < time.time() * 1000 - FORGET_AFTER_MS:
                self._forget(row)

    def stop(self, reason: str) -> None:
        """Stop; what is not finished stays in the store."""
        self._stopped = reason
        for task in list(self._tasks.values()):
            task.cancel()
        for handle in self._handles.values():
            if not handle.result.done():
                handle.result.set_exception(ClientStopped(reason))
        self._handles.clear()

    # ------------------------------------------------------------------ inside

    def _keep(self, row: UploadRow) -> None:
        if self._stopped is not None:
            raise ClientStopped(self._stopped)
        try:
            with self._store.database.transaction(durable=True):
                self._store.uploads.add(row)
        except Exception as exc:
            raise StoreUnusable(f"the upload could not be stored: {exc}") from exc

    def _forget(self, row: UploadRow) -> None:
        with self._store.database.transaction(durable=False):
            self._store.uploads.remove(row.id)

    def _begin(self, row: UploadRow) -> None:
        task = self._tasks[row.id] = asyncio.create_task(self._carry(row), name=f"upload-{row.id}")
        task.add_done_callback(lambda _: self._tasks.pop(row.id, None))

    async def _carry(self, row: UploadRow) -> None:
        """Upload a file, and hand its message to the outbox."""
        handle = self._handles.get(row.id) or FileHandle(row, None, self.watchers)
        try:
            async with self._slots:
                view = await self._finish(row, handle.tell)
            await self._hand_over(row, view, handle)
        except RequestFailed as exc:
            logger.warning("a file could not be sent: %s", exc)
            self._forget(row)
            if not handle.result.done():
                handle.result.set_exception(exc)
            self._notify(SendOutcome("", 0, row.conversation, error_code=exc.code, error=exc.detail))
        except ClientStopped:
            pass  # its handle was told
        except Exception as exc:
            logger.exception("an upload failed; it goes on with the next client on this store")
            if not handle.result.done():
                handle.result.set_exception(exc)
        finally:
            self._handles.pop(row.id, None)

    async def _hand_over(self, row: UploadRow, view: FileView, handle: FileHandle) -> None:
        type, content = message_of(view, row.type, msgspec.msgpack.decode(row.content))
        sent: SendHandle | None = None
        while sent is None:
            try:
                sent = self._sender.send(
                    conversation=row.conversation,
                    recipient=row.recipient,
                    type=type,
                    content=content,
                    reply_to=row.reply_to,
                    mentions=row.mentions,
                    expires_in_ms=row.expires_in_ms,
                    thread=row.thread,
                    upload=row.id,
                )
            except OutboxFull:
                await asyncio.sleep(_OUTBOX_FULL_S)
        await sent.persisted()

        def outcome(result: asyncio.Future[Any]) -> None:
            if handle.result.done() or result.cancelled():
                return
            error = result.exception()
            if error is None:
                handle.result.set_result(result.result())
            else:
                handle.result.set_exception(error)

        sent.result.add_done_callback(outcome)

    async def _finish(self, row: UploadRow, tell: Progress) -> FileView:
        """Bring an upload to its end, however often that takes.

        Raises:
            RequestFailed: definitely refused, or the file is not there any more.
            ClientStopped: the client stopped.
        """
        starts = attempt = best = 0
        while True:
            if self._stopped is not None:
                raise ClientStopped(self._stopped)
            wait_ms = 0
            try:
                await self._look_at(row)
                if not row.file:
                    starts += 1
                    best = 0
                    await self._create(row)
                offset = await self._tus.offset(row.file)
                tell(offset, row.size_bytes)
                if offset > best:
                    best, attempt = offset, 0
                if offset >= row.size_bytes:
                    return await self._requests.call("file.get", FileGet(row.file), FileView, again=True)
                await self._send_rest(row, offset, tell)
                continue
            except RequestFailed as exc:
                if exc.code in _BEGIN_AGAIN and row.file and starts < _STARTS:
                    row.file = row.sha256 = ""
                    self._note(row)
                    continue
                if exc.retry is Retry.NEVER:
                    raise
                wait_ms = exc.retry_ms
            except (OSError, TimeoutError) as exc:
                logger.info("an upload was interrupted and goes on: %s", exc)
            attempt += 1
            if wait_ms or attempt > 1:  # after the first break of one that got on it goes on at once
                await asyncio.sleep(retry_delay_s(wait_ms, attempt - 1, random.random()))

    async def _send_rest(self, row: UploadRow, offset: int, tell: Progress) -> None:
        """Send what is missing."""
        arrived = offset

        def sent(count: int) -> None:
            nonlocal arrived
            arrived += count
            tell(arrived, row.size_bytes)

        await self._tus.send(row.file, Path(row.path), offset, row.size_bytes, sent)

    async def _look_at(self, row: UploadRow) -> None:
        """Notice a file that changed since: what was sent of it is worth nothing then."""
        path = Path(row.path)
        try:
            stat = path.stat()
            if (stat.st_size, stat.st_mtime_ns) != (row.size_bytes, row.mtime_ns) or not row.sha256:
                known = bool(row.sha256)
                row.sha256 = await asyncio.to_thread(_digest, path)
                row.size_bytes, row.mtime_ns = stat.st_size, stat.st_mtime_ns
                row.file = "" if known else row.file
                self._note(row)
        except OSError as exc:
            code = Code.FILE_UNREADABLE
            body = ErrorBody(code.number, code.slug, f"{row.path}: {exc.strerror}", Retry.NEVER.value, applied=False)
            raise RequestFailed(body) from exc

    async def _create(self, row: UploadRow) -> None:
        metadata = {"filename": row.name, "sha256": row.sha256}
        if row.mime:
            metadata["filetype"] = row.mime
        row.file = await self._tus.create(row.size_bytes, metadata)
        self._note(row)

    def _note(self, row: UploadRow) -> None:
        with self._store.database.transaction(durable=True):
            self._store.uploads.note(row)


def message_of(view: FileView, type: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The type and content of the message that names a file; what was given stands."""
    type = type or {"image": "image", "audio": "voice", "video": "video"}.get(view.kind, "file")
    found: dict[str, Any] = {"file": view.file}
    if type in ("image", "voice", "video", "file"):
        found |= {"mime": view.mime, "size_bytes": view.size_bytes}
    if type in ("image", "video"):
        found |= {"width": view.width, "height": view.height}
    if type in ("voice", "video"):
        found["duration_ms"] = view.duration_ms
    if type == "image" and view.blurhash:
        found["blurhash"] = view.blurhash
    if type == "voice" and view.waveform:
        found["waveform"] = view.waveform
    if type == "file":
        found["name"] = view.name
    return type, found | given


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
