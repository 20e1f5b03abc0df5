"""Cards that are broadcast: what such a broadcast is asked with becomes the content of a card's entry.

Not here: acting on them, which is as anywhere (``services.cards``), nor who may (``members``: whom they were for).
"""

from __future__ import annotations

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.cards.registry import new_card
from trunkline.domain.identity import SYSTEM_PARTY, Caller
from trunkline.wire.calls.broadcasts import BroadcastCard
from trunkline.wire.content import MAX_CONTENT_BYTES, encode_content

_read = msgspec.msgpack.Decoder(BroadcastCard).decode


def card_content(caller: Caller, given: bytes, sent_at_ms: int) -> tuple[bytes, int]:
    """A card's content as it is stored, and for how long it is open from ``sent_at_ms`` on; 0 for ever.

    Raises:
        TrunklineError: the card is not one that could be made.
    """
    try:
        card = _read(given)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TrunklineError(Code.INVALID_CONTENT, f"content of a card: {error}", field="content") from error
    if card.kind == "red_packet" and caller.party == SYSTEM_PARTY:
        raise TrunklineError(Code.FORBIDDEN, "name the party that the red packet is from", field="party")
    made = new_card(card.kind, card.data, card.closes_at_ms, card.closes_in_ms, sent_at_ms)
    content = encode_content(made.content)
    if len(content) > MAX_CONTENT_BYTES:
        raise TrunklineError(Code.OVERSIZE, f"a card is limited to {MAX_CONTENT_BYTES} bytes", field="content")
    return content, made.open_ms
