"""Signed links: the path, when it ends, and for whom, under an HMAC.

A link holds no secret but its own signature, and opens one path for one party for a short time. Not here: what the
party may read at the moment the link is used (``services.files``).
"""

from __future__ import annotations

import base64
import hmac
from typing import NamedTuple
from urllib.parse import quote, urlencode

from trunkline.base.errors import Code, TrunklineError

MAX_EXPIRES_DIGITS = 12


class SignedLink(NamedTuple):
    """What a link's query carries."""

    app: str
    party: str
    expires_at_s: int
    signature: str


class LinkSigner:
    """Signs and checks links.

    Args:
        master: the deployment's master key; the signing key derives from it.
    """

    __slots__ = ("_key",)

    def __init__(self, master: bytes) -> None:
        self._key = hmac.digest(master, b"file-links:1", "sha256")

    def sign(self, path: str, app: str, party: str, expires_at_s: int) -> str:
        """The path with the query that opens it."""
        signature = self._signature(path, app, party, expires_at_s)
        query = urlencode(
            {"app": app, "party": party, "expires": expires_at_s, "signature": signature}, quote_via=quote
        )
        return f"{path}?{query}"

    def check(self, path: str, link: SignedLink, now_s: int) -> None:
        """Refuse a link that was altered or is over; the comparison takes the same time either way.

        Raises:
            TrunklineError: ``LINK_INVALID`` or ``LINK_EXPIRED``.
        """
        wanted = self._signature(path, link.app, link.party, link.expires_at_s)
        if not hmac.compare_digest(wanted.encode(), link.signature.encode()):
            raise TrunklineError(Code.LINK_INVALID, "The signature does not belong to this link.", field="signature")
        if link.expires_at_s <= now_s:
            raise TrunklineError(Code.LINK_EXPIRED, "The link has ended.", field="expires")

    def _signature(self, path: str, app: str, party: str, expires_at_s: int) -> str:
        # Lengths first: no two different links have the same text.
        parts = [part.encode() for part in (path, app, party, str(expires_at_s))]
        text = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return base64.urlsafe_b64encode(hmac.digest(self._key, text, "sha256")).rstrip(b"=").decode()


def read_link(query: dict[str, str]) -> SignedLink:
    """A link's query.

    Raises:
        TrunklineError: ``LINK_INVALID``: a part is missing or malformed.
    """
    expires = query.get("expires", "")
    if not expires.isascii() or not expires.isdecimal() or len(expires) > MAX_EXPIRES_DIGITS:
        raise TrunklineError(Code.LINK_INVALID, "The link has no time of ending.", field="expires")
    link = SignedLink(query.get("app", ""), query.get("party", ""), int(expires), query.get("signature", ""))
    if not (link.app and link.party and link.signature):
        raise TrunklineError(Code.LINK_INVALID, "The link is incomplete.", field="signature")
    return link
