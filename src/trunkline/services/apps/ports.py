"""What apps and keys need from live sessions."""

from __future__ import annotations

from typing import Protocol

from trunkline.base.errors import Code


class KeySessions(Protocol):
    """Live sessions by their app, and by the API key that signed their token."""

    def close_app(self, app: str, code: Code) -> int:
        """Close every session of an app; how many."""
        ...

    def close_key(self, app: str, key: str, code: Code) -> int:
        """Close every session whose token a key signed; how many."""
        ...
