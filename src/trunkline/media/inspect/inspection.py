"""One inspection, as it runs inside the worker: hash, type, then what the kind of content offers."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.files import media_types
from trunkline.media.inspect import sniff
from trunkline.media.inspect.jobs import Limits
from trunkline.services.files.ports import Inspection

_PIECE_BYTES = 1 << 20


def inspect(file: BinaryIO, claimed: str, limits: Limits) -> Inspection:
    """Find out what a content is.

    Raises:
        TrunklineError: ``FILE_TYPE_MISMATCH``, ``FILE_TYPE_REFUSED`` or ``FILE_UNREADABLE``.
    """
    head = file.read(sniff.HEAD_BYTES)
    program = media_types.executable_of(head)
    if program:
        raise TrunklineError(Code.FILE_TYPE_REFUSED, f"The content is {program}; programs are not accepted.")
    mime = media_types.settle(claimed, sniff.candidates(head), head)
    found = Inspection(mime, media_types.kind_of(mime), b"")
    if found.kind == "image":
        from trunkline.media.inspect import pictures

        file.seek(0)
        if mime in pictures.FORMATS:
            pictures.describe(file, found, limits)
    elif found.kind in ("audio", "video"):
        from trunkline.media.inspect import sound_video

        file.seek(0)
        sound_video.describe(file, found, limits)
    found.sha256 = _hash(file)
    return found


def _hash(file: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.digest()
