"""What can be told of one participant's media at a moment: every track it publishes and gets, and its path."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(slots=True, frozen=True)
class LayerStatistics:
    """One encoding of a published track, as it reaches the server.

    Attributes:
        lost: packets that did not come, after repair.
        frames: of pictures, that began to arrive.
        freezes: how often the next frame took much longer than usual.
        frozen_ms: for how long altogether.
    """

    rid: str
    flows: bool
    bitrate_bps: int
    packets: int
    lost: int
    jitter_ms: float
    frames: int = 0
    freezes: int = 0
    frozen_ms: int = 0


@dataclass(slots=True, frozen=True)
class PublishedStatistics:
    """One published track."""

    sid: str
    kind: str
    subscribers: int
    layers: tuple[LayerStatistics, ...]


@dataclass(slots=True, frozen=True)
class ReceivedStatistics:
    """One track as it is sent to this participant.

    Attributes:
        layer: the one it gets now, 0 the lowest; None for nothing yet.
        wish: the highest the client wants; None when it wants nothing now.
        allowed: the highest its path has room for; None when it is paused.
        starved: it is paused for want of bandwidth.
        loss: share of its packets that the participant missed, as its latest report says; None before one.
        jitter_ms: as that report says.
    """

    sid: str
    kind: str
    bitrate_bps: int
    layer: int | None
    wish: int | None
    allowed: int | None
    starved: bool
    loss: float | None = None
    jitter_ms: float | None = None


@dataclass(slots=True, frozen=True)
class MediaStatistics:
    """One participant.

    Attributes:
        available_bps: what the path to it takes; None while it has never been full.
        redundancy: earlier audio frames in each packet to it.
    """

    published: tuple[PublishedStatistics, ...] = ()
    received: tuple[ReceivedStatistics, ...] = ()
    available_bps: int | None = None
    queue_ms: float = 0.0
    round_trip_ms: float | None = None
    up_loss: float = 0.0
    down_loss: float = 0.0
    redundancy: int = 0

    def receiving(self, other: MediaStatistics) -> MediaStatistics:
        """Of two transports: this one publishes, the other receives."""
        return replace(other, published=self.published, up_loss=self.up_loss)
