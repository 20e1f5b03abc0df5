"""Operations on profiles and block lists."""

from __future__ import annotations

from trunkline.services.operation import Audience, Operation
from trunkline.services.parties.blocks import BlockBook
from trunkline.services.parties.profiles import ProfileBook
from trunkline.wire.calls import parties as calls

SCOPE = "parties"


def operations(profiles: ProfileBook, blocks: BlockBook) -> list[Operation]:
    """What one can do with profiles and block lists."""
    return [
        Operation("profile.set", calls.ProfileSet, calls.Profile, profiles.set, SCOPE, "Change a profile"),
        Operation(
            "profile.get",
            calls.ProfileGet,
            calls.Profiles,
            profiles.get,
            SCOPE,
            "Read profiles",
            Audience.EVERYONE,
            writes=False,
        ),
        Operation(
            "profile.search",
            calls.ProfileSearch,
            calls.Profiles,
            profiles.search,
            SCOPE,
            "Search profiles",
            Audience.SERVERS,
            writes=False,
        ),
        Operation("block.set", calls.BlockChange, calls.Blocks, blocks.set, SCOPE, "Block or unblock a party"),
        Operation("block.list", calls.BlockList, calls.Blocks, blocks.list, SCOPE, "List whom I block", writes=False),
    ]
