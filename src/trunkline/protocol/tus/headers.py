"""Single header values of tus: numbers, metadata, checksums.

Not here: which header belongs to which request (``requests``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import NamedTuple

from trunkline.base.errors import Code, TrunklineError

ALGORITHMS = {"sha1": 20, "sha256": 32, "md5": 16}
"""Checksum algorithms and the size of their digests; the first is the one that tus demands."""
MAX_METADATA_BYTES = 8192
MAX_NUMBER = 2**53 - 1

_NUMBER = re.compile(r"[0-9]{1,16}")
_KEY = re.compile(r"[!-+\--~]{1,64}")  # visible ASCII but for the comma


class Checksum(NamedTuple):
    """What a chunk must hash to."""

    algorithm: str
    digest: bytes


def parse_number(name: str, text: str | None) -> int:
    """A non-negative whole number.

    Raises:
        TrunklineError: ``INVALID_PARAMS``: missing, or not such a number.
    """
    if text is None:
        raise TrunklineError(Code.INVALID_PARAMS, f"The header {name} is missing.", field=name)
    if _NUMBER.fullmatch(text) is None or int(text) > MAX_NUMBER:
        raise TrunklineError(Code.INVALID_PARAMS, f"{name} must be a whole number from 0 to 2^53-1.", field=name)
    return int(text)


def parse_metadata(text: str | None) -> dict[str, str]:
    """The map of ``Upload-Metadata``: ``key base64,key base64,...``; a key may stand alone.

    Raises:
        TrunklineError: ``INVALID_PARAMS``.
    """
    if text is None or not text.strip():
        return {}
    if len(text) > MAX_METADATA_BYTES:
        raise _bad_metadata(f"is larger than {MAX_METADATA_BYTES} bytes")
    found: dict[str, str] = {}
    for pair in text.split(","):
        key, _, encoded = pair.strip().partition(" ")
        if _KEY.fullmatch(key) is None:
            raise _bad_metadata("has an empty key, or one with other than visible ASCII characters")
        if key in found:
            raise _bad_metadata(f"names {key} twice")
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise _bad_metadata(f"has a value of {key} that is not base64 of UTF-8") from None
    return found


def format_metadata(metadata: Mapping[str, str]) -> str:
    """The value of ``Upload-Metadata``; the inverse of ``parse_metadata``."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" if value else key for key, value in metadata.items()
    )


def parse_checksum(text: str | None) -> Checksum | None:
    """The value of ``Upload-Checksum``: ``algorithm base64``.

    Raises:
        TrunklineError: ``INVALID_PARAMS``.
    """
    if text is None:
        return None
    algorithm, _, encoded = text.strip().partition(" ")
    size_bytes = ALGORITHMS.get(algorithm)
    if size_bytes is None:
        names = ", ".join(ALGORITHMS)
        raise TrunklineError(Code.INVALID_PARAMS, f"Upload-Checksum must use one of {names}.", field="Upload-Checksum")
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != size_bytes:
        raise TrunklineError(
            Code.INVALID_PARAMS, f"Upload-Checksum must be base64 of a {algorithm} digest.", field="Upload-Checksum"
        )
    return Checksum(algorithm, digest)


def _bad_metadata(what: str) -> TrunklineError:
    return TrunklineError(Code.INVALID_PARAMS, f"Upload-Metadata {what}.", field="Upload-Metadata")
