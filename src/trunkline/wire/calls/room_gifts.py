"""Who gave how much in a live room, as the server counts it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from trunkline.wire.calls.session import ConversationName


class RoomGiftsGet(Struct, kw_only=True):
    """What was given in a room, and who gave most.

    For whoever is in the room, and those who run it; app servers read it of closed rooms too.
    """

    conversation: ConversationName
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


class RoomGiver(Struct):
    """What one party gave: ``count`` gifts by quantity, ``amount`` in the app's smallest unit."""

    party: str
    count: int
    amount: int


class RoomGifts(Struct, omit_defaults=True):
    """Totals of a room's gifts up to the entry ``seq``; every order counts once.

    ``top``: who gave most, by amount, then by count, equals by name. ``mine``: what the caller gave. Sums include what
    erased parties gave; they stop at 2^53 - 1.
    """

    conversation: str
    seq: int
    count: int
    amount: int
    givers: int
    top: list[RoomGiver] = field(default_factory=list)
    mine: RoomGiver | None = None
