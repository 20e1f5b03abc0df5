"""How far an upload is: chunks that are taken whole, break off, or arrive damaged.

The rule: without a checksum every byte that arrived counts, also when the connection broke; with one, a chunk counts
whole and verified, or not at all.
"""

from __future__ import annotations

import hashlib
from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.protocol.tus.requests import AppendChunk


class Upload:
    """One upload.

    Attributes:
        length: how many bytes it will have.
        offset: how many count.
    """

    __slots__ = ("_chunk", "_hash", "_received", "length", "offset")

    def __init__(self, length: int, offset: int = 0) -> None:
        if not 0 <= offset <= length:
            raise ValueError(f"offset {offset} of {length}")
        self.length = length
        self.offset = offset
        self._chunk: AppendChunk | None = None
        self._received = 0
        self._hash: Any = None

    @property
    def complete(self) -> bool:
        """Whether all has arrived."""
        return self.offset == self.length

    @property
    def position(self) -> int:
        """Where the next byte of the present chunk goes."""
        return self.offset + self._received

    @property
    def verifies(self) -> bool:
        """Whether the present chunk counts only when it was verified."""
        return self._hash is not None

    def begin(self, chunk: AppendChunk) -> None:
        """A chunk follows.

        Raises:
            TrunklineError: ``OFFSET_MISMATCH`` or ``FILE_TOO_LARGE``; nothing has changed.
            RuntimeError: another chunk is under way.
        """
        if self._chunk is not None:
            raise RuntimeError("a chunk is under way")
        if chunk.offset != self.offset:
            raise TrunklineError(
                Code.OFFSET_MISMATCH,
                f"Upload-Offset is {chunk.offset}, but the upload is at {self.offset}.",
                field="Upload-Offset",
            )
        if chunk.length is not None and self.offset + chunk.length > self.length:
            raise self._too_long()
        self._chunk = chunk
        self._received = 0
        self._hash = None
        if chunk.checksum is not None:
            self._hash = hashlib.new(chunk.checksum.algorithm, usedforsecurity=False)

    def take(self, data: bytes) -> None:
        """Bytes of the chunk arrived.

        Raises:
            TrunklineError: ``FILE_TOO_LARGE``: more than was declared at creation; end the chunk with ``cut``.
        """
        if self.position + len(data) > self.length:
            raise self._too_long()
        self._received += len(data)
        if self._hash is not None:
            self._hash.update(data)

    def finish(self) -> int:
        """The chunk's body ended as it should; returns the new offset.

        Raises:
            TrunklineError: ``CHECKSUM_MISMATCH``; the chunk does not count.
        """
        chunk = self._chunk
        if chunk is None:
            raise RuntimeError("no chunk is under way")
        if chunk.length is not None and self._received != chunk.length:
            return self.cut()
        good = chunk.checksum is None or self._hash.digest() == chunk.checksum.digest
        if good:
            self.offset += self._received
        self._end()
        if not good:
            raise TrunklineError(
                Code.CHECKSUM_MISMATCH,
                f"The chunk at {self.offset} does not have the checksum of its header.",
                field="Upload-Checksum",
            )
        return self.offset

    def cut(self) -> int:
        """The chunk broke off; returns the offset: what was written above it does not count."""
        if self._hash is None:
            self.offset += self._received
        self._end()
        return self.offset

    def _end(self) -> None:
        self._chunk = None
        self._received = 0
        self._hash = None

    def _too_long(self) -> TrunklineError:
        return TrunklineError(
            Code.FILE_TOO_LARGE, f"The upload was declared to have {self.length} bytes.", field="Upload-Length"
        )
