"""What happens in live sessions, told to whoever watches: webhooks, and other features later.

Not here: what participants are told (``member``), sending anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from trunkline.domain.live import LiveSession, Participant, Track


class Kind(StrEnum):
    """The protocol's names."""

    ROOM_STARTED = "room_started"
    ROOM_FINISHED = "room_finished"
    JOINED = "participant_joined"
    LEFT = "participant_left"
    ABORTED = "participant_connection_aborted"
    PUBLISHED = "track_published"
    UNPUBLISHED = "track_unpublished"


@dataclass(slots=True, frozen=True)
class Happening:
    """One thing that happened. A watcher reads the objects at once: they go on changing."""

    kind: Kind
    session: LiveSession
    participant: Participant | None = None
    track: Track | None = None


Watcher = Callable[[Happening], None]


class Happenings:
    """Tells watchers, in the order of what happened."""

    __slots__ = ("_watchers",)

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> None:
        """Call ``watcher`` with everything that happens from now on."""
        self._watchers.append(watcher)

    def tell(
        self, kind: Kind, session: LiveSession, participant: Participant | None = None, track: Track | None = None
    ) -> None:
        """Something happened."""
        if self._watchers:
            happening = Happening(kind, session, participant, track)
            for watcher in self._watchers:
                watcher(happening)
