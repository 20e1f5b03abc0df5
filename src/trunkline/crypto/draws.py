"""Numbers and aliases that members can neither foresee nor undo: keyed hashes under the master key.

The same card and the same position always give the same draw, so nothing random has to be stored, and a restart changes
nothing. Not here: where the master key comes from (``server``), what is drawn (``domain.cards``).
"""

from __future__ import annotations

import base64
import hmac


class CardSecrets:
    """Draws of cards.

    Args:
        master: the deployment's master key.
    """

    __slots__ = ("_key",)

    def __init__(self, master: bytes) -> None:
        self._key = hmac.digest(master, b"cards", "sha256")

    def draw(self, card: str, position: int) -> int:
        """Number ``position`` of a card: 128 bits."""
        return int.from_bytes(hmac.digest(self._key, f"draw\n{card}\n{position}".encode(), "sha256")[:16], "big")

    def alias(self, card: str, party: str) -> str:
        """What stands for a party on an anonymous card: 22 characters, other ones on every card."""
        digest = hmac.digest(self._key, f"alias\n{card}\n{party}".encode(), "sha256")[:16]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def __repr__(self) -> str:
        """Masked."""
        return "CardSecrets(***)"
