"""Notices of who comes and goes, in rooms that want them: samples of low priority, so that a rush costs nothing."""

from __future__ import annotations

from trunkline.domain.rooms.policy import Delivery, Priority, RoomMessageType

JOINED = RoomMessageType("room.joined", Delivery.SAMPLE, Priority.LOW, sendable=False, speech=False, recent=False)
LEFT = RoomMessageType("room.left", Delivery.SAMPLE, Priority.LOW, sendable=False, speech=False, recent=False)
"""Made by the server only: no room takes them from a member, because they are not among its types."""
