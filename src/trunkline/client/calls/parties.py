"""Profiles, block list and devices."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from trunkline.client.requests import Requests
from trunkline.client.store import LocalStore
from trunkline.wire.calls.parties import BlockChange, BlockList, Blocks, Profile, ProfileGet, Profiles, ProfileSet
from trunkline.wire.calls.session import DeviceList, DeviceRevoke, Devices
from trunkline.wire.frames import EmptyResult


class ProfileCalls:
    """``client.profiles``."""

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call

    async def set(
        self,
        *,
        name: str | UnsetType = UNSET,
        avatar: str | UnsetType = UNSET,
        custom: dict[str, str] | UnsetType = UNSET,
    ) -> Profile:
        """Change my profile; what is not given stays."""
        return await self._call("profile.set", ProfileSet(name=name, avatar=avatar, custom=custom), Profile, again=True)

    async def get(self, *parties: str) -> list[Profile]:
        """Profiles of parties; those without one are left out."""
        return (await self._call("profile.get", ProfileGet(list(parties)), Profiles, again=True)).profiles


class BlockCalls:
    """``client.blocks``."""

    def __init__(self, requests: Requests, store: LocalStore) -> None:
        self._call = requests.call
        self._store = store

    async def set(self, party: str, *, on: bool = True) -> list[str]:
        """Block a party, or unblock it; returns the list."""
        return self._keep(await self._call("block.set", BlockChange(party, on), Blocks, again=True))

    async def fetch(self) -> list[str]:
        """Whom I block, from the server."""
        return self._keep(await self._call("block.list", BlockList(), Blocks, again=True))

    def known(self) -> list[str]:
        """Whom I block, as this device knows it."""
        return self._store.blocked

    def _keep(self, blocks: Blocks) -> list[str]:
        with self._store.database.transaction(durable=False):
            self._store.put_blocked(blocks.blocked)
        return blocks.blocked


class DeviceCalls:
    """``client.devices``."""

    def __init__(self, requests: Requests) -> None:
        self._call = requests.call

    async def list(self) -> Devices:
        """My devices."""
        return await self._call("device.list", DeviceList(), Devices, again=True)

    async def revoke(self, device: str) -> None:
        """Close a device's sessions and refuse its tokens minted until now."""
        await self._call("device.revoke", DeviceRevoke(device), EmptyResult, again=True)
