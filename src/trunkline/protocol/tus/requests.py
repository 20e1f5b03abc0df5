"""From the method and headers of a request to a command.

Not here: whether the command is allowed now (``upload``, and the service).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.base.errors import Code, TrunklineError
from trunkline.protocol.tus.headers import Checksum, parse_checksum, parse_metadata, parse_number
from trunkline.protocol.tus.responses import VERSION

CHUNK_TYPE = "application/offset+octet-stream"
_METHODS = ("POST", "HEAD", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class AppendChunk:
    """Bytes follow that continue the upload at ``offset``.

    ``length`` is what the body declares; None when it does not.
    """

    offset: int
    length: int | None = None
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """Begin an upload of ``length`` bytes; ``first`` is a first chunk that came with it."""

    length: int
    metadata: Mapping[str, str]
    first: AppendChunk | None = None


@dataclass(frozen=True, slots=True)
class AskOffset:
    """Say how much has arrived."""


@dataclass(frozen=True, slots=True)
class Terminate:
    """Forget the upload."""


Command = CreateUpload | AppendChunk | AskOffset | Terminate


def effective_method(method: str, headers: Mapping[str, str]) -> str:
    """The method, where ``X-HTTP-Method-Override`` may replace that of a POST."""
    override = headers.get("x-http-method-override", "").upper()
    return override if method == "POST" and override in _METHODS else method


def parse_request(method: str, headers: Mapping[str, str], *, collection: bool) -> Command:
    """The command of a request; header names in lower case.

    Args:
        method: after ``effective_method``.
        headers: of the request.
        collection: it was made to the address where uploads are created, not to that of one upload.

    Raises:
        TrunklineError: 1xxx; nothing is to be done.
    """
    version = headers.get("tus-resumable")
    if version != VERSION:
        raise TrunklineError(
            Code.TUS_VERSION, f"Tus-Resumable is {version!r}; this server speaks {VERSION}.", field="Tus-Resumable"
        )
    if collection:
        if method == "POST":
            return _creation(headers)
    elif method == "HEAD":
        return AskOffset()
    elif method == "PATCH":
        if not _is_chunk(headers):
            raise TrunklineError(Code.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {CHUNK_TYPE}.")
        return _chunk(parse_number("Upload-Offset", headers.get("upload-offset")), headers)
    elif method == "DELETE":
        return Terminate()
    raise TrunklineError(Code.METHOD_NOT_ALLOWED, f"There is no {method} here.")


def _creation(headers: Mapping[str, str]) -> CreateUpload:
    if "upload-defer-length" in headers:
        raise TrunklineError(
            Code.INVALID_PARAMS, "The length has to be named at creation.", field="Upload-Defer-Length"
        )
    if "upload-concat" in headers:
        raise TrunklineError(Code.INVALID_PARAMS, "Uploads cannot be put together.", field="Upload-Concat")
    length = parse_number("Upload-Length", headers.get("upload-length"))
    metadata = parse_metadata(headers.get("upload-metadata"))
    first = None
    if _is_chunk(headers):
        first = _chunk(0, headers)
        if first.length is not None and first.length > length:
            raise TrunklineError(Code.INVALID_PARAMS, "The body is longer than Upload-Length.", field="Upload-Length")
    elif headers.get("content-length", "0").strip() not in ("", "0"):
        raise TrunklineError(Code.UNSUPPORTED_MEDIA_TYPE, f"A first chunk must be of Content-Type {CHUNK_TYPE}.")
    return CreateUpload(length, metadata, first)


def _is_chunk(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == CHUNK_TYPE


def _chunk(offset: int, headers: Mapping[str, str]) -> AppendChunk:
    declared = headers.get("content-length")
    length = parse_number("Content-Length", declared) if declared is not None else None
    return AppendChunk(offset, length, parse_checksum(headers.get("upload-checksum")))
