"""The state of one party that decisions need, and how records change it."""

from __future__ import annotations

import msgspec

from trunkline.domain.log.records import BlockChanged, DeviceChanged, PartyErased, ProfileChanged, TokensRevoked


class DeviceState(msgspec.Struct):
    """A device that signed in."""

    device: str
    platform: str = ""
    first_seen_ms: int = 0
    last_seen_ms: int = 0
    revoked_before_s: int = 0


class Party:
    """Profile, block list, devices and revocations of one party."""

    __slots__ = ("app", "blocked", "devices", "id", "profile", "revoked_before_s")

    def __init__(self, app: str, party: str) -> None:
        self.app = app
        self.id = party
        self.blocked: frozenset[str] = frozenset()
        self.profile: ProfileChanged | None = None
        self.devices: dict[str, DeviceState] = {}
        self.revoked_before_s = 0

    def apply(self, record: BlockChanged | ProfileChanged | DeviceChanged | TokensRevoked | PartyErased) -> None:
        """Change the state by one record."""
        if isinstance(record, BlockChanged):
            self.blocked = self.blocked | {record.other} if record.on else self.blocked - {record.other}
        elif isinstance(record, ProfileChanged):
            self.profile = record
        elif isinstance(record, DeviceChanged):
            self._device(record)
        elif isinstance(record, TokensRevoked):
            self.revoked_before_s = max(self.revoked_before_s, record.before_s)
        else:
            self.profile = None
            self.blocked = frozenset()
            self.devices = {}

    def _device(self, record: DeviceChanged) -> None:
        known = self.devices.get(record.device)
        if known is None:
            known = self.devices[record.device] = DeviceState(record.device, first_seen_ms=record.at_ms)
        known.platform = record.platform or known.platform
        known.last_seen_ms = max(known.last_seen_ms, record.at_ms)
        known.revoked_before_s = max(known.revoked_before_s, record.revoked_before_s)

    def refuses(self, device: str, issued_at_s: int) -> bool:
        """Whether a token minted at ``issued_at_s`` is revoked for this device."""
        if issued_at_s <= self.revoked_before_s:
            return True
        known = self.devices.get(device)
        return known is not None and issued_at_s <= known.revoked_before_s
