"""What erasure needs from live sessions."""

from __future__ import annotations

from typing import Protocol

from trunkline.base.errors import Code


class PartySessions(Protocol):
    """Live sessions by party."""

    def close_device(self, app: str, party: str, device: str | None, code: Code) -> int:
        """Close the sessions of one device, or of all devices of a party (None); how many."""
        ...
