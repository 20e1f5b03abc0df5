"""A published track as signalling sees it: what it is, not its packets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Kind(IntEnum):
    """What a track carries; the numbers are the protocol's."""

    AUDIO = 0
    VIDEO = 1


class Source(IntEnum):
    """Where a track comes from; the numbers are the protocol's."""

    UNKNOWN = 0
    CAMERA = 1
    MICROPHONE = 2
    SCREEN_SHARE = 3
    SCREEN_SHARE_AUDIO = 4


@dataclass(slots=True, frozen=True)
class TrackLayer:
    """One encoding: quality 0 low, 1 medium, 2 high."""

    quality: int
    width: int = 0
    height: int = 0
    bitrate_bps: int = 0
    rid: str = ""


@dataclass(slots=True, frozen=True)
class TrackRequest:
    """What a client announces before it publishes.

    Attributes:
        cid: the track's id in its SDP.
        codec: what it wants to send, such as ``vp9``; "" when it does not say.
    """

    cid: str
    name: str
    kind: Kind
    source: Source
    muted: bool = False
    width: int = 0
    height: int = 0
    layers: tuple[TrackLayer, ...] = ()
    stream: str = ""
    stereo: bool = False
    disable_dtx: bool = False
    disable_red: bool = False
    encryption: int = 0
    mime_type: str = ""
    codec: str = ""
    audio_features: tuple[int, ...] = ()


@dataclass(slots=True)
class Track:
    """A track that was announced.

    Attributes:
        live: its media can flow: the offer that carries it was answered.
        mid: its section in the publisher's offers.
        mime_type: such as ``video/VP8``; known when the offer came.
    """

    sid: str
    request: TrackRequest
    muted: bool
    live: bool = False
    mid: str = ""
    mime_type: str = ""
    simulcast: bool = False
    layers: tuple[TrackLayer, ...] = field(default_factory=tuple)

    @property
    def kind(self) -> Kind:
        """Audio or video."""
        return self.request.kind

    @property
    def source(self) -> Source:
        """Camera, microphone, screen."""
        return self.request.source

    @property
    def stream(self) -> str:
        """The media stream it belongs to at subscribers: microphone and camera share one, for lip sync."""
        if self.request.stream:
            return self.request.stream
        if self.source in (Source.SCREEN_SHARE, Source.SCREEN_SHARE_AUDIO):
            return "screen"
        if self.source in (Source.CAMERA, Source.MICROPHONE):
            return "camera"
        return self.sid
