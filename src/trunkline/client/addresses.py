"""Addresses a client computes itself: the link's URL and the id of a direct conversation.

What is not here: checking parties; the server does that and says what is wrong.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit, urlunsplit

LINK_PATH = "/v1/link"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def link_url(url: str) -> str:
    """The WebSocket address for a server's address: ``https://host`` becomes ``wss://host/v1/link``.

    Raises:
        ValueError: not an http, https, ws or wss address.
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ValueError(f"not a server address: {url!r}; write one like https://chat.example.com")
    path = parts.path.rstrip("/") or LINK_PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def is_party(address: str) -> bool:
    """Whether an address is a party (``user/bob``) rather than a conversation id, which has no slash."""
    return "/" in address


def direct_conversation_id(one: str, other: str) -> str:
    """The id of the direct conversation of two parties, the same from either side."""
    first, second = sorted((one, other))
    digest = hashlib.sha256(f"{first}\n{second}".encode()).digest()[:16]
    return "d." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
