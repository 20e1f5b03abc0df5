"""Roles in a room. Whoever has one by name keeps it in the room's log; everybody else is audience."""

from __future__ import annotations

import enum


class Role(enum.IntEnum):
    """What a member may do, ascending: each role may do what those below it may.

    ``HOST`` everything; ``CO_HOST`` everything but naming hosts and co-hosts and closing the room; ``MODERATOR`` mutes,
    kicks, bans and admits; ``GUEST`` is invited onto the stage: slow mode and the mute of everyone spare it.
    """

    AUDIENCE = 0
    GUEST = 1
    MODERATOR = 2
    CO_HOST = 3
    HOST = 4

    @property
    def label(self) -> str:
        """The name on the wire: ``host``, ``co-host``, ``moderator``, ``guest``, ``audience``."""
        return self.name.lower().replace("_", "-")


BY_LABEL = {role.label: role for role in Role}
"""Roles by their name on the wire."""
