"""What devices need from live sessions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from trunkline.base.errors import Code


class DeviceSessions(Protocol):
    """Live sessions by party and device."""

    def devices(self, app: str, party: str) -> Collection[str]:
        """The devices a party is online on."""
        ...

    def close_device(self, app: str, party: str, device: str | None, code: Code) -> int:
        """Close the sessions of one device, or of all devices of a party; how many."""
        ...
