"""What profiles and blocks need from live sessions."""

from __future__ import annotations

from typing import Any, Protocol


class Pushes(Protocol):
    """Pushes to the sessions of a party; something that is never relied upon."""

    def push(self, app: str, party: str, event: str, data: Any) -> None:
        """Push to every live session of a party."""
        ...
