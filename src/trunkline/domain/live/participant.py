"""One participant of a live session: identity, permission, tracks, and what it wants of others' tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live.track import Source, Track, TrackRequest

MAX_TRACKS = 64
MAX_NAME_CHARS = 256
MAX_METADATA_BYTES = 64 * 1024
MAX_ATTRIBUTES_BYTES = 64 * 1024


class State(IntEnum):
    """How far a participant is; the numbers are the protocol's."""

    JOINING = 0
    JOINED = 1
    ACTIVE = 2
    DISCONNECTED = 3


@dataclass(slots=True, frozen=True)
class Permission:
    """What a participant may do.

    Attributes:
        sources: when not empty, the only sources it may publish.
        hidden: others do not see it.
    """

    can_subscribe: bool = True
    can_publish: bool = True
    can_publish_data: bool = True
    sources: frozenset[Source] = frozenset()
    hidden: bool = False
    recorder: bool = False
    can_update_metadata: bool = False
    agent: bool = False

    def may_publish(self, source: Source) -> bool:
        """Whether a track from this source may be published. Named sources beat ``can_publish``."""
        return source in self.sources if self.sources else self.can_publish


@dataclass(slots=True)
class Participant:
    """One participant.

    Attributes:
        sid: of this joining; a rejoin gets another.
        identity: who it is in the session: the same identity joins once.
        version: grows with every change others are told of.
        subscriptions: explicit wishes by track: True to get it, False not to; others follow ``auto_subscribe``.
        allowed: None: everyone may get its tracks; otherwise identity to track ids, an empty set meaning all.
    """

    sid: str
    identity: str
    name: str
    permission: Permission
    joined_at_ms: int
    metadata: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    kind: int = 0
    state: State = State.JOINING
    version: int = 1
    auto_subscribe: bool = True
    tracks: dict[str, Track] = field(default_factory=dict)
    subscriptions: dict[str, bool] = field(default_factory=dict)
    allowed: dict[str, frozenset[str]] | None = None

    def publish(self, sid: str, request: TrackRequest) -> Track:
        """Announce a track; announcing the same one again answers with the same.

        Raises:
            TrunklineError: ``FORBIDDEN``; nothing has changed.
        """
        for track in self.tracks.values():
            if track.request.cid == request.cid:
                return track
        if not self.permission.may_publish(request.source):
            raise TrunklineError(Code.FORBIDDEN, "this participant may not publish a track of this source")
        if len(self.tracks) >= MAX_TRACKS:
            raise TrunklineError(Code.FORBIDDEN, f"a participant publishes at most {MAX_TRACKS} tracks")
        track = Track(sid, request, request.muted, mime_type=request.mime_type, layers=request.layers)
        track.simulcast = len(request.layers) > 1
        self.tracks[sid] = track
        return track

    def unpublish(self, sid: str) -> Track | None:
        """Take a track back."""
        track = self.tracks.pop(sid, None)
        if track is not None:
            self.version += 1
        return track

    def mute(self, sid: str, muted: bool) -> bool:
        """Mute or unmute a track; whether something changed."""
        track = self.tracks.get(sid)
        if track is None or track.muted is muted:
            return False
        track.muted = muted
        self.version += 1
        return True

    def describe(self, name: str | None, metadata: str | None, attributes: dict[str, str]) -> None:
        """Change what others see; an attribute with an empty value is removed.

        Raises:
            TrunklineError: ``INVALID_PARAMS``: too long; nothing has changed.
        """
        merged = {key: value for key, value in {**self.attributes, **attributes}.items() if value}
        if name is not None and len(name) > MAX_NAME_CHARS:
            raise TrunklineError(Code.INVALID_PARAMS, f"a name has at most {MAX_NAME_CHARS} characters", field="name")
        if metadata is not None and len(metadata.encode()) > MAX_METADATA_BYTES:
            detail = f"metadata has at most {MAX_METADATA_BYTES} bytes"
            raise TrunklineError(Code.INVALID_PARAMS, detail, field="metadata")
        if sum(len(key.encode()) + len(value.encode()) for key, value in merged.items()) > MAX_ATTRIBUTES_BYTES:
            detail = f"attributes have at most {MAX_ATTRIBUTES_BYTES} bytes together"
            raise TrunklineError(Code.INVALID_PARAMS, detail, field="attributes")
        self.name = self.name if name is None else name
        self.metadata = self.metadata if metadata is None else metadata
        self.attributes = merged
        self.version += 1

    def lets(self, identity: str, track_sid: str) -> bool:
        """Whether another participant may get a track of this one."""
        if self.allowed is None:
            return True
        tracks = self.allowed.get(identity)
        return tracks is not None and (not tracks or track_sid in tracks)

    def wants(self, track_sid: str) -> bool:
        """Whether this participant wants to get a track."""
        return self.permission.can_subscribe and self.subscriptions.get(track_sid, self.auto_subscribe)
