"""The message types every room knows: danmaku, likes, announcements, gifts, and how each is delivered.

Gifts are reliable: on disk before they are acknowledged, and once per order id. Not here: combos and totals
(``protocol.rooms.gifts``, the same on every device), what an app declares itself (``x.*``, settings).
"""

from __future__ import annotations

from msgspec import msgpack

from trunkline.domain.rooms.policy import Delivery, Priority, RoomMessageType, for_all
from trunkline.domain.rooms.roles import Role
from trunkline.wire.room_items import MAX_AMOUNT, Announcement, Danmaku, Gift, Likes


def added(earlier: Likes, later: Likes) -> Likes:
    """Likes of two messages."""
    return Likes(min(earlier.likes + later.likes, MAX_AMOUNT))


def order_of(gift: Gift) -> str:
    """The id of the purchase."""
    return gift.order


DANMAKU = RoomMessageType("danmaku", Delivery.SAMPLE, check=msgpack.Decoder(Danmaku).decode)
LIKE = RoomMessageType(
    "like",
    Delivery.COALESCE,
    Priority.LOW,
    msgpack.Decoder(Likes).decode,
    speech=False,
    recent=False,
    key=for_all,
    merge=added,
)
ANNOUNCEMENT = RoomMessageType(
    "announcement",
    Delivery.RELIABLE,
    Priority.HIGH,
    msgpack.Decoder(Announcement).decode,
    least=Role.MODERATOR,
    speech=False,
)
GIFT = RoomMessageType(
    "gift", Delivery.RELIABLE, Priority.HIGH, msgpack.Decoder(Gift).decode, speech=False, order_id=order_of
)
ITEMS = (DANMAKU, LIKE, ANNOUNCEMENT, GIFT)
