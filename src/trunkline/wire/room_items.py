"""Contents of the messages every room knows: what people send over a live stream.

Unknown fields are tolerated and dropped. Amounts are integers in the smallest unit of whatever the app counts in.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Colour = Annotated[str, Meta(pattern=r"^(#[0-9a-fA-F]{6})?$")]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
MAX_AMOUNT = 2**53 - 1


class Danmaku(Struct, omit_defaults=True):
    """A comment that flies over the picture."""

    text: Text
    colour: Colour = ""
    lane: Literal["scroll", "top", "bottom"] = "scroll"


class Likes(Struct):
    """Some likes; those of a tick arrive as one with their sum."""

    likes: Annotated[int, Meta(ge=1, le=100)] = 1


class Announcement(Struct, omit_defaults=True):
    """What those who run the room tell everybody."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    link: Annotated[str, Meta(max_length=2048)] = ""


class Gift(Struct, omit_defaults=True, kw_only=True):
    """A gift.

    ``order`` is the app's own id of the purchase: sent again it is the same gift, with other content it is refused.
    ``amount`` is what one costs; ``to`` is who gets it, empty for the room.
    """

    order: Name
    gift: Name
    quantity: Annotated[int, Meta(ge=1, le=9999)] = 1
    amount: Annotated[int, Meta(ge=0, le=10**11)] = 0
    to: Annotated[str, Meta(max_length=80)] = ""
    custom: Annotated[dict[str, str], Meta(max_length=16)] = field(default_factory=dict)
