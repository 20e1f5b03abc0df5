"""Files: uploading and sending them, what is known of them, links, and getting rid of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from trunkline.client.addresses import is_party
from trunkline.client.requests import Requests
from trunkline.client.store.uploads import UploadRow
from trunkline.client.uploading import FileHandle, Progress, Uploader, Watcher
from trunkline.wire.calls.files import FileDelete, FileGet, FileLink, FileLinkCreate, FileList, FilePage, FileView
from trunkline.wire.calls.messages import MessageSent
from trunkline.wire.frames import EmptyResult

Variant = Literal["content", "thumbnail", "poster"]


class FileCalls:
    """``client.files``."""

    def __init__(self, requests: Requests, uploads: Uploader) -> None:
        self._call = requests.call
        self._uploads = uploads

    async def send(self, to: str, path: str | Path, **more: Any) -> MessageSent:
        """Upload a file, then send the message that names it; see ``send_nowait`` for the parameters.

        Raises:
            RequestFailed: the file or the message was refused.
            OSError: the file cannot be read.
            ClientStopped: the client was closed first; the upload goes on with the next client on this store.
        """
        return await self.send_nowait(to, path, **more)

    def send_nowait(
        self,
        to: str,
        path: str | Path,
        *,
        type: str = "",
        content: dict[str, Any] | None = None,
        name: str = "",
        mime: str = "",
        reply_to: int = 0,
        mentions: list[str] | None = None,
        expires_in_ms: int = 0,
        thread: int = 0,
        on_progress: Progress | None = None,
    ) -> FileHandle:
        """Take a file and its message, and return at once; await the handle for the message's position.

        Both are in the local store then, and survive restarts: whoever opens the store next goes on. The file stays
        where it is and must not change meanwhile; if it does, it is uploaded from the beginning. Other messages do not
        wait: the message takes its place when its file is there.

        Args:
            to: a party (``user/bob``) for a direct message, or a conversation id.
            path: of the file.
            type: ``image``, ``voice``, ``video`` or ``file``; by default what the content is.
            content: what the message says besides, such as a ``caption``.
            name: of the file for others, instead of its own.
            mime: the media type, where it is to be checked; by default what the content is.
            reply_to: see ``Client.send_nowait``.
            mentions: likewise.
            expires_in_ms: likewise.
            thread: likewise.
            on_progress: called with the bytes that were sent and those there are.

        Raises:
            OSError: the file cannot be read.
            StoreUnusable: it could not be stored.
        """
        row = _row(path, name, mime)
        row.conversation, row.recipient = ("", to) if is_party(to) else (to, "")
        row.type, row.content = type, msgspec.msgpack.encode(content or {})
        row.reply_to, row.mentions = reply_to, list(mentions or ())
        row.expires_in_ms, row.thread = expires_in_ms, thread
        return self._uploads.send(row, on_progress)

    async def upload(
        self, path: str | Path, *, name: str = "", mime: str = "", on_progress: Progress | None = None
    ) -> FileView:
        """Upload a file for no message yet. The same call after an interruption or a restart goes on where it was.

        Raises:
            RequestFailed: refused.
            OSError: the file cannot be read.
            ClientStopped: the client was closed first.
        """
        return await self._uploads.upload(_row(path, name, mime), on_progress)

    def waiting(self) -> list[UploadRow]:
        """Uploads that are not finished, oldest first."""
        return self._uploads.waiting

    def watch(self, watcher: Watcher) -> None:
        """Call ``watcher(upload, sent_bytes)`` as uploads get on, also those that were begun before a restart."""
        self._uploads.watchers.append(watcher)

    async def get(self, file: str) -> FileView:
        """What is known of a file."""
        return await self._call("file.get", FileGet(file), FileView, again=True)

    async def list(self, *, after: str = "", limit: int = 50) -> FilePage:
        """My files, newest first; go on with ``after`` = ``next``."""
        return await self._call("file.list", FileList(after=after, limit=limit), FilePage, again=True)

    async def link(self, file: str, *, variant: Variant = "content", ttl_s: int = 300) -> FileLink:
        """A short-lived link to a file, or to one of its pictures."""
        request = FileLinkCreate(file=file, variant=variant, ttl_s=ttl_s)
        return await self._call("file.link", request, FileLink, again=True)

    async def delete(self, file: str) -> None:
        """Delete a file of mine."""
        await self._call("file.delete", FileDelete(file), EmptyResult, again=True)


def _row(path: str | Path, name: str, mime: str) -> UploadRow:
    found = Path(path).absolute()
    stat = found.stat()
    return UploadRow(
        path=str(found),
        size_bytes=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        name=name or found.name,
        mime=mime,
        created_at_ms=int(time.time() * 1000),
    )
