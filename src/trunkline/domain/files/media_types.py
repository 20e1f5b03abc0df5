"""Media types: their grammar, their other names, and whether a content may be called what it is called.

A claim is believed only where the content agrees. Not here: looking into contents (``media.inspect``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from trunkline.base.errors import Code, TrunklineError

OCTETS = "application/octet-stream"
TEXT = "text/plain"
EXECUTABLE = "application/x-executable"

_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}")
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "image/vnd.microsoft.icon": "image/x-icon",
    "audio/mp3": "audio/mpeg",
    "audio/mpeg3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aac": "audio/aac",
    "audio/aacp": "audio/aac",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/opus": "audio/ogg",
    "application/ogg": "audio/ogg",
    "video/avi": "video/x-msvideo",
    "video/msvideo": "video/x-msvideo",
    "application/x-matroska": "video/x-matroska",
    "application/x-gzip": "application/gzip",
    "application/x-zip-compressed": "application/zip",
    "application/x-pdf": "application/pdf",
    "text/xml": "application/xml",
    "application/x-msdownload": EXECUTABLE,
    "application/x-dosexec": EXECUTABLE,
    "application/x-elf": EXECUTABLE,
    "application/x-sharedlib": EXECUTABLE,
    "application/x-mach-binary": EXECUTABLE,
    "application/vnd.microsoft.portable-executable": EXECUTABLE,
    "application/x-sh": EXECUTABLE,
    "application/x-shellscript": EXECUTABLE,
}
_CONTAINERS = (
    frozenset({"video/mp4", "audio/mp4", "video/quicktime", "video/3gpp", "audio/3gpp", "video/3gpp2", "video/x-m4v"}),
    frozenset({"video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska"}),
    frozenset({"video/ogg", "audio/ogg"}),
    frozenset({"image/heic", "image/heif", "image/avif"}),
    frozenset({"audio/amr", "audio/amr-wb"}),
)
"""Types whose files begin alike; what is inside tells them apart."""
_ZIPPED = re.compile(r"application/(zip|epub\+zip|vnd\.(openxmlformats|oasis|ms-).*)")
_TEXTUAL = re.compile(
    r"text/.*|application/(json|xml|yaml|toml|javascript|sql|x-ndjson|.*\+json|.*\+xml)|image/svg\+xml"
)
_RECOGNISABLE = re.compile(
    rf"{_TEXTUAL.pattern}|{_ZIPPED.pattern}"
    r"|application/(pdf|gzip|x-bzip2|x-xz|zstd|x-7z-compressed|vnd\.rar|x-rar-compressed|rtf|msword|x-tar|x-executable)"
)
"""Types that a content of theirs would show."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe", "a Java class or a universal Mach-O program"),
    (b"#!", "a script"),
    (b"\x00asm", "a WebAssembly module"),
    (b"dex\n", "an Android program"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
    (b"!<arch>\ndebian", "a Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"REGEDIT4", "Windows registry settings"),
    (b"@echo off", "a batch file"),
)
INLINE = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
        "audio/mpeg",
        "audio/wav",
        "audio/flac",
        "audio/aac",
        "audio/mp4",
        "audio/ogg",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/quicktime",
    }
)
"""Types that a browser shows without running anything; all others are handed out as attachments."""


def check_mime(text: str, field: str = "mime") -> str:
    """A media type in lower case, under its usual name and without parameters; "" stays "".

    Raises:
        TrunklineError: ``INVALID_PARAMS``.
    """
    mime = text.partition(";")[0].strip().lower()
    if mime and _MIME.fullmatch(mime) is None:
        raise TrunklineError(Code.INVALID_PARAMS, f"{field} is not a media type such as image/png.", field=field)
    return _ALIASES.get(mime, mime)


def kind_of(mime: str) -> str:
    """image, audio, video or file."""
    family = mime.partition("/")[0]
    if mime == "image/svg+xml":
        return "file"
    return family if family in ("image", "audio", "video") else "file"


def accepted(mime: str, patterns: Iterable[str]) -> bool:
    """Whether a type is among patterns like ``image/*``, ``application/pdf`` or ``*/*``."""
    family = mime.partition("/")[0]
    return any(pattern in (mime, f"{family}/*", "*/*") for pattern in patterns)


def executable_of(head: bytes) -> str:
    """What kind of program a content is by its first bytes; "" when it is none."""
    stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for signature, name in _SIGNATURES:
        if head.startswith(signature) or (signature[:1] in b"#@R" and stripped.startswith(signature)):
            return name
    return ""


def is_text(head: bytes) -> bool:
    """Whether bytes from the start of a content read as text (UTF-8, or UTF-16 with its mark)."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return True


def settle(claimed: str, found: Collection[str], head: bytes) -> str:
    """The type of a content that was claimed to be of one type and looks like some.

    Args:
        claimed: after ``check_mime``; "" or octet-stream claim nothing.
        found: what its beginning fits, likeliest first, under their usual names.
        head: its first bytes.

    Raises:
        TrunklineError: ``FILE_TYPE_MISMATCH``.
    """
    text = not found and is_text(head)
    if claimed in ("", OCTETS):
        return next(iter(found), TEXT if text and head else OCTETS)
    if claimed in found:
        return claimed
    for container in _CONTAINERS:
        if claimed in container and not container.isdisjoint(found):
            return claimed
    if any(_ZIPPED.fullmatch(mime) for mime in found) and _ZIPPED.fullmatch(claimed):
        return claimed
    if _TEXTUAL.fullmatch(claimed) and is_text(head) and (not found or any(_TEXTUAL.fullmatch(m) for m in found)):
        return claimed
    if not found and not text and not _RECOGNISABLE.fullmatch(claimed) and kind_of(claimed) == "file":
        return claimed  # a format without a signature; it is handed out as an attachment
    looks = ", ".join(found) or ("text" if text else "nothing known")
    raise TrunklineError(
        Code.FILE_TYPE_MISMATCH, f"The content was claimed to be {claimed}; it looks like {looks}.", field="mime"
    )


def usual(mimes: Iterable[str]) -> list[str]:
    """Types under their usual names, each once."""
    return list(dict.fromkeys(_ALIASES.get(mime, mime) for mime in mimes if mime))
