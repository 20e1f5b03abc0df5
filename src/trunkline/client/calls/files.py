"""Files: what is known of them, links, and getting rid of them. Uploading is the tus protocol (spec/files.md)."""

from __future__ import annotations

from typing import Literal

from trunkline.client.requests import Requests
from trunkline.wire.calls.files import FileDelete, FileGet, FileLink, FileLinkCreate, FileList, FilePage, FileView
from trunkline.wire.frames import EmptyResult

Variant = Literal["content", "thumbnail", "poster"]


class FileCalls:
    """``client.files``."""

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call

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
