"""A party's own state: profile, block list, devices, revocations."""

from trunkline.domain.parties.state import DeviceState, Party

__all__ = ["DeviceState", "Party"]
