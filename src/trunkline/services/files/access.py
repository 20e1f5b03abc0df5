"""Who may read a file: its owner, and whoever may see a message that names it, for as long as that is so.

Nothing is remembered: every read asks the log, so a recall, an erasure or a removal from the group takes the file away
with the message. Naming a file in a message needs the same right; ``FileAccess`` is what the sending path asks.
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.files.names import check_file_id
from trunkline.domain.files.references import Reference, references_of
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.domain.log.records import FileStored
from trunkline.services.files.book import FileBook
from trunkline.services.log.engine import Engine
from trunkline.services.log.reading import read_entry, read_overlays
from trunkline.services.messages.views import visible

MAX_USES = 200
"""Messages looked at, newest first, before a file counts as not visible."""


class FileAccess:
    """Decides about reading and naming files.

    Args:
        engine: the log.
        book: which files there are.
    """

    def __init__(self, engine: Engine, book: FileBook) -> None:
        self._engine = engine
        self._book = book

    async def readable(self, caller: Caller, file: str) -> FileStored:
        """A file the caller may read.

        Raises:
            TrunklineError: ``NOT_FOUND``: there is none, or it is not for this party; nobody learns which.
        """
        stored = await self._book.find(caller.app, check_file_id(file))
        if stored is not None and (_owns(caller, stored) or await self._seen(caller, file)):
            return stored
        raise TrunklineError(Code.NOT_FOUND, "There is no such file, or it is not visible to this party.", field="file")

    async def owned(self, caller: Caller, file: str) -> FileStored:
        """A file the caller may delete.

        Raises:
            TrunklineError: ``NOT_FOUND``, or ``FORBIDDEN`` when the caller may only read it.
        """
        stored = await self.readable(caller, file)
        if not _owns(caller, stored):
            raise TrunklineError(Code.FORBIDDEN, "Only who uploaded a file may delete it.", field="file")
        return stored

    async def _seen(self, caller: Caller, file: str) -> bool:
        """Whether a message that names the file is visible to the caller now."""
        engine = self._engine
        for conversation, seq in await self._book.uses(caller.app, file, caller.party, MAX_USES):
            resident = await engine.conversation(caller.app, conversation)
            entry = await read_entry(engine, resident, seq)
            if entry is None or not entry.content:
                continue
            overlay = (await read_overlays(engine, resident, seq, seq)).get(seq)
            if overlay is not None and (overlay.recalled or overlay.expired or overlay.erased):
                continue
            state = resident.state
            member = state.members.get(caller.party) if state is not None else None
            if member is not None and visible(member, entry):
                return True
        return False

    # --- messages ---------------------------------------------------------------------------

    def named(self, type: str, content: bytes) -> tuple[Reference, ...]:
        """The files a content names.

        Raises:
            TrunklineError: ``INVALID_CONTENT``.
        """
        return references_of(type, content)

    def cleared(self, caller: Caller, named: tuple[Reference, ...]) -> bool:
        """Whether ``clear`` passed a moment ago for all of these."""
        return all(self._book.cleared(caller.app, reference.file, caller.party) for reference in named)

    async def clear(self, caller: Caller, named: tuple[Reference, ...]) -> None:
        """Check that the caller may name these files, and that they are what the content says.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``INVALID_CONTENT``.
        """
        for reference in named:
            try:
                stored = await self.readable(caller, reference.file)
            except TrunklineError as error:
                detail = "There is no finished file of this id that the sender may use."
                raise TrunklineError(error.code, detail, field="content.file") from error
            reference.check(stored)
            self._book.clear(caller.app, reference.file, caller.party)

    def attach(self, app: str, named: tuple[Reference, ...], conversation: str, seq: int) -> None:
        """Record that a message names these files; it was appended just now, without a wait in between."""
        for file in dict.fromkeys(reference.file for reference in named):
            self._book.attach(app, file, conversation, seq)


def _owns(caller: Caller, stored: FileStored) -> bool:
    return caller.party == stored.owner or (caller.server and caller.party == SYSTEM_PARTY)
