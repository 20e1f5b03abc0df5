"""The file that remembers how far the journal is durable.

Lives here: creating, reading and advancing ``DURABLE``. What the mark means and how it looks is in
``protocol/journal/mark``.
"""

from __future__ import annotations

import logging

from trunkline.base.faultpoints import FaultPoint, hit
from trunkline.protocol.journal.mark import (
    MARK_FILE_NAME,
    MARK_FILE_SIZE,
    DurableMark,
    decode_marks,
    encode_mark,
    mark_offset,
)
from trunkline.store.journal.file_io import FileIo
from trunkline.store.journal.segment import opened, read_exactly

_log = logging.getLogger(__name__)


class MarkFile:
    """Writes the mark behind every append, without an fsync of its own."""

    def __init__(self, io: FileIo, fd: int, store_id: bytes) -> None:
        self._io = io
        self._fd = fd
        self._pwrite = io.pwrite
        self._store_id = store_id
        self._broken = False

    @classmethod
    def create(cls, io: FileIo, directory: str, mark: DurableMark) -> MarkFile:
        """Create the file, or write over the old one: both slots hold ``mark``, durably.

        The blocks are written here, so that a later mark never needs space. The caller syncs the directory.

        Raises:
            OSError: as the system says.
        """
        path = f"{directory}/{MARK_FILE_NAME}"
        fd = io.open(path, create=True)
        try:
            slot = encode_mark(mark.store_id, mark.lsn, mark.chain)
            data = slot.ljust(MARK_FILE_SIZE // 2, b"\0") * 2
            while data:
                data = data[io.pwrite(fd, data, MARK_FILE_SIZE - len(data)) :]
            io.fdatasync(fd)
            hit(FaultPoint.JOURNAL_AFTER_CREATE_MARK)
        except OSError:
            io.close(fd)
            raise
        return cls(io, fd, mark.store_id)

    def advance(self, lsn: int, chain: bytes) -> None:
        """Remember that ``lsn`` is durable.

        A failure costs a safeguard, not data: the append has succeeded already, so it is logged and
        the mark is left alone from then on.
        """
        if self._broken:
            return
        try:
            self._pwrite(self._fd, encode_mark(self._store_id, lsn, chain), mark_offset(lsn))
        except OSError as error:
            self._broken = True
            _log.error("the durable mark cannot be written any more (%s); appends go on without it", error)

    def sync(self) -> None:
        """Make the mark itself durable.

        Raises:
            OSError: as the system says.
        """
        self._io.fdatasync(self._fd)

    def close(self) -> None:
        """Close the file."""
        self._io.close(self._fd)


def read_mark(io: FileIo, directory: str) -> DurableMark | None:
    """The mark of a directory whose ``DURABLE`` exists; None when it is damaged beyond use.

    Raises:
        JournalUnsupported: it was written by a newer version.
    """
    with opened(io, f"{directory}/{MARK_FILE_NAME}") as fd:
        return decode_marks(read_exactly(io, fd, MARK_FILE_NAME, MARK_FILE_SIZE, 0))
