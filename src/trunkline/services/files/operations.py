"""Operations on files; their bytes come and go over HTTP (``edges.http.files``)."""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import FileStored
from trunkline.services.files.access import FileAccess
from trunkline.services.files.book import FileBook
from trunkline.services.files.collector import Collector
from trunkline.services.files.downloads import Downloads
from trunkline.services.log.engine import Engine
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import files as calls
from trunkline.wire.frames import EmptyResult

SCOPE = "messages"
"""Files are the content of messages; there is no scope of their own."""


class FileCalls:
    """What one can do with finished files.

    Args:
        engine: the log.
        book: which files there are.
        access: who may do what.
        downloads: makes links.
        collector: told when bytes may go.
    """

    def __init__(
        self, engine: Engine, book: FileBook, access: FileAccess, downloads: Downloads, collector: Collector
    ) -> None:
        self._engine = engine
        self._book = book
        self._access = access
        self._downloads = downloads
        self._collector = collector

    async def get(self, caller: Caller, request: calls.FileGet) -> calls.FileView:
        """What is known of a file."""
        return view_of_file(await self._access.readable(caller, request.file))

    async def list(self, caller: Caller, request: calls.FileList) -> calls.FilePage:
        """The caller's own files."""
        found = await self._book.owned(caller.app, caller.party, request.after, request.limit + 1)
        page = found[: request.limit]
        more = len(found) > request.limit
        return calls.FilePage([view_of_file(stored) for stored in page], page[-1].file if more else "")

    async def delete(self, caller: Caller, request: calls.FileDelete) -> EmptyResult:
        """Take a file away from everyone; its bytes follow."""
        stored = await self._access.owned(caller, request.file)
        self._engine.check_room()
        self._book.remove(stored.app, stored.file, "deleted")
        self._engine.commits.release(lambda error, *_: self._collector.hurry())
        return EmptyResult()

    async def link(self, caller: Caller, request: calls.FileLinkCreate) -> calls.FileLink:
        """A link that opens a file."""
        url, ends_at_ms = await self._downloads.link(caller, request.file, request.variant, request.ttl_s)
        return calls.FileLink(url, ends_at_ms)


def view_of_file(stored: FileStored) -> calls.FileView:
    """A file as clients see it."""
    return calls.FileView(
        file=stored.file,
        owner=stored.owner,
        name=stored.name,
        mime=stored.mime,
        kind=stored.kind,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256.hex(),
        at_ms=stored.at_ms,
        width=stored.width,
        height=stored.height,
        duration_ms=stored.duration_ms,
        blurhash=stored.blurhash,
        waveform=list(stored.waveform),
        pictures=[calls.FilePicture(p.name, p.mime, p.size_bytes, p.width, p.height) for p in stored.variants],
    )


def operations(files: FileCalls | None) -> list[Operation]:
    """The operations; without files they say that these are switched off."""
    every = Audience.EVERYONE
    return [
        Operation(
            "file.get",
            calls.FileGet,
            calls.FileView,
            files.get if files else _off,
            SCOPE,
            "What is known of a file",
            every,
            writes=False,
        ),
        Operation(
            "file.list",
            calls.FileList,
            calls.FilePage,
            files.list if files else _off,
            SCOPE,
            "List my files",
            every,
            writes=False,
        ),
        Operation(
            "file.delete", calls.FileDelete, EmptyResult, files.delete if files else _off, SCOPE, "Delete a file", every
        ),
        Operation(
            "file.link",
            calls.FileLinkCreate,
            calls.FileLink,
            files.link if files else _off,
            SCOPE,
            "Make a short-lived link to a file",
            every,
        ),
    ]


async def _off(caller: Caller, request: object) -> EmptyResult:
    raise TrunklineError(Code.FEATURE_DISABLED, "files are switched off here ([files] enabled)")
