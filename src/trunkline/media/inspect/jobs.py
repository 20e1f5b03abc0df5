"""What the server and its media worker say to one another: length-prefixed MessagePack."""

from __future__ import annotations

import msgspec

from trunkline.services.files.ports import Inspection

HEADER_BYTES = 4
MAX_ANSWER_BYTES = 4 * 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one content may cost.

    Attributes:
        memory_bytes: address space on top of what the worker has anyway.
        cpu_s: processor time; ``deadline_s``: wall time. Both for a small file; large ones get more, by their size.
        max_pixels: of a picture or of a frame.
        max_duration_s: of sound and video.
        thumbnail_px: longest side of what is made.
    """

    memory_bytes: int = 512 * 1024 * 1024
    cpu_s: int = 20
    deadline_s: float = 60.0
    max_pixels: int = 50_000_000
    max_duration_s: int = 4 * 3600
    thumbnail_px: int = 320


class Job(msgspec.Struct, kw_only=True):
    """Inspect the file at ``path``."""

    id: int
    path: str
    claimed: str
    limits: Limits


class Done(msgspec.Struct, kw_only=True):
    """The end of a job: an inspection, or the number of an error code."""

    id: int
    inspection: Inspection | None = None
    code: int = 0
    detail: str = ""


_encode = msgspec.msgpack.Encoder().encode
decode_job = msgspec.msgpack.Decoder(Job).decode
decode_done = msgspec.msgpack.Decoder(Done).decode


def frame(message: Job | Done) -> bytes:
    """A message with its length before it."""
    data = _encode(message)
    return len(data).to_bytes(HEADER_BYTES, "big") + data
