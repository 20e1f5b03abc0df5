"""A wrapper that keeps secrets out of logs, reprs and tracebacks."""

from __future__ import annotations

import hmac


class Secret:
    """A string that never shows itself; read it with ``reveal()`` at the point of use."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def equals(self, other: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._value.encode(), other.encode())

    def __repr__(self) -> str:
        """Masked."""
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Constant-time equality between secrets."""
        return isinstance(other, Secret) and self.equals(other._value)

    def __hash__(self) -> int:
        """Secrets are not keys of anything."""
        raise TypeError("a Secret is not hashable")
