"""What stays of a party's cards and actions when the party is erased: amounts of red packets, or sums would no longer
be exact.
"""

from __future__ import annotations

import msgspec

from trunkline.wire import entries as types
from trunkline.wire.content import decode_content, encode_content

_AMOUNTS = ("amount", "shares", "split", "currency")


def redacted(type: str, content: bytes) -> bytes:
    """The content of a ``card.created`` or ``card.changed`` entry of an erased party."""
    try:
        given = decode_content(content)
    except msgspec.DecodeError:
        return b""
    kind = given.get("kind", "")
    if type == types.CARD_CHANGED:
        # Claims and closings are structure: without them a later fold would give a share twice, or open a card again.
        return content if kind == "red_packet" or "closes" in given else b""
    kept = {"kind": kind}
    if "closes_at_ms" in given:
        kept["closes_at_ms"] = given["closes_at_ms"]
    if kind == "red_packet" and isinstance(given.get("data"), dict):
        kept["data"] = {name: given["data"][name] for name in _AMOUNTS if name in given["data"]}
    return encode_content(kept)
