"""Built pages as the server holds them: which file answers which path, in which forms.

Files are read once, when the server starts; a path that was not found then does not exist, so no request reaches the
file system. What is not here: answering requests (``pages``), building the pages (``web/``), and which folders are
served (``[web]`` in the configuration).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_HASHED = re.compile(r"/assets/.*-[A-Z0-9]{8}\.\w+$")
"""Names that change with the content, as esbuild gives them."""
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""In the order of preference."""


@dataclass(frozen=True, slots=True)
class File:
    """One file with its compressed forms.

    Attributes:
        bodies: by content coding; ``identity`` is always there.
        type: media type.
        tag: of the content, without quotes.
        fixed: whether its name changes with its content.
    """

    bodies: dict[str, bytes]
    type: str
    tag: str
    fixed: bool


@dataclass(slots=True)
class Site:
    """Files by path, and the folders that have to be named with a slash at the end."""

    files: dict[str, File] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, roots: Iterable[Path]) -> Site:
        """Read every file of the folders; where two have the same path, the later folder wins.

        Names that begin with a dot, symbolic links and types that are not known are left out.

        Raises:
            OSError: a folder or a file cannot be read.
        """
        site = cls()
        for root in roots:
            for path in sorted(root.rglob("*")):
                name = path.relative_to(root)
                if path.suffix in _TYPES and path.is_file() and not path.is_symlink() and not _hidden(name):
                    site._add("/" + name.as_posix(), path)
        return site

    def _add(self, path: str, source: Path) -> None:
        body = source.read_bytes()
        bodies = {"identity": body}
        for coding, suffix in _ENCODINGS.items():
            packed = source.with_name(source.name + suffix)
            if packed.is_file():
                bodies[coding] = packed.read_bytes()
        tag = hashlib.sha256(body).hexdigest()[:24]
        file = File(bodies, _TYPES[source.suffix], tag, bool(_HASHED.search(path)))
        if path.endswith("/index.html"):
            path = path.removesuffix("index.html")
            self.folders.add(path.removesuffix("/"))
        self.files[path] = file
        if path.endswith(".html"):
            self.files[path.removesuffix(".html")] = file


def choose_coding(accepted: str, offered: Iterable[str]) -> str:
    """The content coding to answer with: the best of ours that the request accepts (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, rest = part.strip().partition(";")
        key, _, value = rest.strip().partition("=")
        try:
            weights[name.strip()] = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    for coding in _ENCODINGS:
        if coding in offered and weights.get(coding, weights.get("*", 0.0)) > 0:
            return coding
    return "identity"


def _hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)
