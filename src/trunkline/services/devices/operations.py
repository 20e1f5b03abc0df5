"""Operations on devices and tokens."""

from __future__ import annotations

from trunkline.services.devices.book import DeviceBook
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import session as calls
from trunkline.wire.frames import EmptyResult

SCOPE = "tokens"


def operations(devices: DeviceBook) -> list[Operation]:
    """What one can do with devices and tokens."""
    return [
        Operation("device.list", calls.DeviceList, calls.Devices, devices.list, SCOPE, "List my devices", writes=False),
        Operation("device.revoke", calls.DeviceRevoke, EmptyResult, devices.revoke, SCOPE, "Sign a device out"),
        Operation(
            "token.revoke",
            calls.TokensRevoke,
            EmptyResult,
            devices.revoke_tokens,
            SCOPE,
            "Take tokens back",
            Audience.SERVERS,
        ),
    ]
