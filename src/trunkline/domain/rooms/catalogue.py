"""The message types that every room knows. A feature adds its types here, one line each.

An app's own types (``x.*``) are declared per room instead, in the room's settings.
"""

from __future__ import annotations

from trunkline.domain.rooms.items import ITEMS
from trunkline.domain.rooms.policy import RoomMessageType

BUILT_IN: tuple[RoomMessageType, ...] = ITEMS
