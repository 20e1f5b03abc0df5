"""File ids and names: what they look like, and how a name is made harmless."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from trunkline.base.errors import Code, TrunklineError

MAX_NAME_CHARS = 255
VARIANTS = ("content", "thumbnail", "poster")
"""What of a file can be read."""

_ID = re.compile(r"f_[A-Za-z0-9_-]{22}")


def is_file_id(text: str) -> bool:
    """Whether a text could be the id of a file."""
    return _ID.fullmatch(text) is not None


def check_file_id(text: str, field: str = "file") -> str:
    """Return ``text`` if it could be the id of a file.

    Raises:
        TrunklineError: ``NOT_FOUND``: nothing can have this id.
    """
    if not is_file_id(text):
        raise TrunklineError(Code.NOT_FOUND, "No file has this id.", field=field)
    return text


def clean_name(name: str) -> str:
    """A name to show and to save under: no folders, no control or direction characters, not too long."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    shown = shown.strip(" .")
    if len(shown) > MAX_NAME_CHARS:
        stem, dot, extension = shown.rpartition(".")
        keep = extension[:20] if dot and stem else ""
        shown = shown[: MAX_NAME_CHARS - len(keep) - 1] + ("." + keep if keep else "")
    return shown or "file"


def disposition(name: str, *, inline: bool) -> str:
    """The value of Content-Disposition (RFC 6266) for a cleaned name."""
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    way = "inline" if inline else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
