"""A live session (what LiveKit calls a room): settings, participants, and who gets which track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live.participant import Participant
from trunkline.domain.live.track import Track

EMPTY_TIMEOUT_S = 300
DEPARTURE_TIMEOUT_S = 20


@dataclass(slots=True)
class RoomSettings:
    """What a session was created with.

    Attributes:
        empty_timeout_s: it ends when nobody came within this time.
        departure_timeout_s: it ends this long after the last one left.
        max_participants: 0 for no limit.
    """

    empty_timeout_s: int = EMPTY_TIMEOUT_S
    departure_timeout_s: int = DEPARTURE_TIMEOUT_S
    max_participants: int = 0
    metadata: str = ""


@dataclass(slots=True)
class LiveSession:
    """One session of one app.

    Attributes:
        sid: of this session; the next one of the same name has another.
        name: the conversation's id, or any name for sessions made by ``RoomService``.
        left_at_ms: when the last participant left; the creation before anybody came.
    """

    app: str
    sid: str
    name: str
    created_at_ms: int
    settings: RoomSettings = field(default_factory=RoomSettings)
    participants: dict[str, Participant] = field(default_factory=dict)
    left_at_ms: int = 0
    visited: bool = False

    def join(self, participant: Participant) -> Participant | None:
        """Let a participant in; the one with the same identity that it takes the place of, if any.

        Raises:
            TrunklineError: ``FORBIDDEN``: the session is full.
        """
        before = self.participants.get(participant.identity)
        limit = self.settings.max_participants
        if before is None and limit and len(self.participants) >= limit:
            raise TrunklineError(Code.FORBIDDEN, f"the session has at most {limit} participants")
        self.participants.pop(participant.identity, None)
        self.participants[participant.identity] = participant
        self.visited = True
        return before

    def leave(self, participant: Participant, now_ms: int) -> bool:
        """A participant is gone; False when another of its identity took its place before."""
        if self.participants.get(participant.identity) is not participant:
            return False
        del self.participants[participant.identity]
        self.left_at_ms = now_ms
        return True

    def is_over(self, now_ms: int) -> bool:
        """Whether the session has been empty long enough to end."""
        if self.participants:
            return False
        if self.visited:
            return now_ms - self.left_at_ms >= self.settings.departure_timeout_s * 1000
        return now_ms - self.created_at_ms >= self.settings.empty_timeout_s * 1000

    def others(self, participant: Participant) -> list[Participant]:
        """Whom a participant sees: everyone else who is not hidden."""
        return [
            other for other in self.participants.values() if other is not participant and not other.permission.hidden
        ]

    def find_track(self, sid: str) -> tuple[Participant, Track] | None:
        """A track and its publisher."""
        for participant in self.participants.values():
            track = participant.tracks.get(sid)
            if track is not None:
                return participant, track
        return None

    def tracks_for(self, subscriber: Participant) -> Iterator[tuple[Participant, Track]]:
        """The tracks a participant is to get now."""
        for publisher in self.participants.values():
            if publisher is subscriber:
                continue
            for track in publisher.tracks.values():
                if track.live and subscriber.wants(track.sid) and publisher.lets(subscriber.identity, track.sid):
                    yield publisher, track

    @property
    def publishers(self) -> int:
        """How many participants have a track."""
        return sum(1 for participant in self.participants.values() if participant.tracks)
