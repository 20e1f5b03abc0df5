"""Live sessions: who is in them, what they publish, and what they may do.

Pure state and rules. Not here: packets (``media/sfu``), signalling messages (``edges/livekit``), conversations'
membership (``domain/conversation``).
"""

from trunkline.domain.live.participant import Participant, Permission, State
from trunkline.domain.live.session import LiveSession, RoomSettings
from trunkline.domain.live.speakers import Speaker, Speakers
from trunkline.domain.live.track import Kind, Source, Track, TrackLayer, TrackRequest

__all__ = [
    "Kind",
    "LiveSession",
    "Participant",
    "Permission",
    "RoomSettings",
    "Source",
    "Speaker",
    "Speakers",
    "State",
    "Track",
    "TrackLayer",
    "TrackRequest",
]
