"""What a member who leaves may know of a group from then on: how it looked at that moment.

The entry that ends a stay carries it, because later changes of the group are not for a former member.
"""

from __future__ import annotations

from typing import Any

from trunkline.domain.conversation.state import Conversation


def as_left(conversation: Conversation, leaving: int) -> dict[str, Any]:
    """How a group looks when ``leaving`` of its members have left: its name, picture and size."""
    settings = conversation.settings
    return {
        "name": settings.get("name", ""),
        "avatar": settings.get("avatar", ""),
        "member_count": conversation.member_count - leaving,
        "active_at_ms": conversation.active_at_ms,
    }
