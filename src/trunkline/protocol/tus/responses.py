"""From the state of uploads to the headers of an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from trunkline.protocol.tus.headers import ALGORITHMS

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"


def capabilities(max_size_bytes: int) -> dict[str, str]:
    """The answer to OPTIONS."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_size_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def created(location: str, offset: int, expires_at_ms: int) -> dict[str, str]:
    """The answer to a creation."""
    return {"Location": location, **described(offset, None, expires_at_ms)}


def described(offset: int, length: int | None, expires_at_ms: int) -> dict[str, str]:
    """The answer to HEAD (with a length) and to PATCH (without); a finished upload does not expire (0)."""
    headers = {"Tus-Resumable": VERSION, "Upload-Offset": str(offset), "Cache-Control": "no-store"}
    if length is not None:
        headers["Upload-Length"] = str(length)
    if expires_at_ms:
        # Seconds only: rounded down, so that nobody is promised time that is not there.
        moment = datetime.fromtimestamp(expires_at_ms // 1000, UTC)
        headers["Upload-Expires"] = format_datetime(moment, usegmt=True)
    return headers
