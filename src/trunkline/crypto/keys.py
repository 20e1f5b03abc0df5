"""Secrets of API keys: derived from one master key, compared in constant time, stored nowhere.

Not here: where the master key comes from (``server``), which keys exist and what they allow (``services.apps``).
"""

from __future__ import annotations

import base64
import hmac

from trunkline.base.secret import Secret

MASTER_KEY_SIZE_BYTES = 32


class SecretDeriver:
    """Makes the secret of any API key from the master key (decision 0007).

    Args:
        master: the deployment's master key.

    Raises:
        ValueError: the master key is shorter than 32 bytes.
    """

    __slots__ = ("_master",)

    def __init__(self, master: bytes) -> None:
        if len(master) < MASTER_KEY_SIZE_BYTES:
            raise ValueError(f"the master key has {len(master)} bytes and needs at least {MASTER_KEY_SIZE_BYTES}")
        self._master = master

    def secret_of(self, key: str) -> Secret:
        """The secret of an API key: base64url without padding, 43 characters."""
        digest = hmac.digest(self._master, b"api-key:" + key.encode(), "sha256")
        return Secret(base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"))

    def webhook_secret(self, webhook: str, generation: int) -> bytes:
        """The signing secret of a webhook: 32 bytes, others for every generation."""
        return hmac.digest(self._master, f"webhook:{generation}:{webhook}".encode(), "sha256")

    def matches(self, key: str, secret: str) -> bool:
        """Whether ``secret`` is that of ``key``, in a time that does not tell how nearly."""
        return self.secret_of(key).equals(secret)

    def __repr__(self) -> str:
        """Masked."""
        return "SecretDeriver(***)"
