"""Devices that signed in, and taking tokens back."""

from trunkline.services.devices.book import DeviceBook

__all__ = ["DeviceBook"]
