"""Operations of live sessions."""

from __future__ import annotations

from trunkline.services.live.places import Places
from trunkline.services.operation import Audience, Operation
from trunkline.wire.calls import live as calls

SCOPE = "groups"


def operations(places: Places) -> list[Operation]:
    """What one can do with live sessions."""
    return [
        Operation(
            "live.join",
            calls.LiveJoin,
            calls.LiveJoined,
            places.join,
            SCOPE,
            "Get a place in a conversation's live session",
            Audience.EVERYONE,
        )
    ]
