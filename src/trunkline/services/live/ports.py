"""What live sessions need of media, and what they tell signalling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.domain.live import LiveSession, Participant, Speaker, Track
from trunkline.domain.live.membership import Standing
from trunkline.domain.live.participant import State
from trunkline.domain.live.quality import LinkQuality, Quality
from trunkline.domain.live.statistics import MediaStatistics


@dataclass(slots=True, frozen=True)
class Answer:
    """What media answers to an offer.

    Attributes:
        sdp: the answer.
        tracks_by_mid: which track each section carries, both ways.
        missing_audio: sections the client has to add for what it is to get.
        missing_video: the same for video.
    """

    sdp: str
    tracks_by_mid: Mapping[str, str] = field(default_factory=dict)
    missing_audio: int = 0
    missing_video: int = 0


@dataclass(slots=True, frozen=True)
class TrackMedia:
    """What an offer said of a published track."""

    sid: str
    mid: str
    mime_type: str
    simulcast: bool


class MediaListener(Protocol):
    """Who hears of a connection's media."""

    def on_connected(self) -> None:
        """Media can flow both ways."""

    def on_tracks_live(self, tracks: Sequence[TrackMedia]) -> None:
        """The offer carried these announced tracks; their packets can come."""

    def on_tracks_ended(self, sids: Sequence[str]) -> None:
        """The client's offer does not carry these tracks any more."""

    def on_sections_needed(self, audio: int, video: int) -> None:
        """The client has to offer again, with so many sections more, to get what it subscribed to."""

    def on_offer(self, sdp: str, number: int, tracks_by_mid: Mapping[str, str]) -> None:
        """We offer what the client is sent; its answer goes to ``MediaConnection.take_answer``."""

    def on_demand(self, sid: str, quality: int | None, layers: int) -> None:
        """The highest layer anybody wants of a published track changed; ``layers``: how many it has."""

    def on_stream_state(self, sid: str, paused: bool) -> None:
        """A subscribed track is paused for want of bandwidth, or goes on."""

    def on_data(self, label: str, data: bytes) -> None:
        """A message came on a data channel."""

    def on_lost(self, reason: str) -> None:
        """The transport is over."""


class MediaConnection(Protocol):
    """One client's media."""

    def announce(self, cid: str, sid: str, *, redundant: bool, codec: str) -> None:
        """A coming offer will carry a track under this id.

        Args:
            cid: the track's id in the offer.
            sid: as signalling names it.
            redundant: ask for redundant audio.
            codec: ask for this codec, such as ``vp9``; "" for what the offer prefers.
        """

    def answer(self, sdp: str) -> Answer:
        """Answer the client's offer.

        Raises:
            TrunklineError: ``INVALID_PARAMS``: the offer cannot be used; nothing has changed.
        """

    def offer(self, *, restart: bool) -> None:
        """Offer what the client is sent, where we are the one to offer. ``restart``: with new ICE credentials."""

    def take_answer(self, sdp: str, number: int) -> None:
        """The client answers our offer of this number (0: it does not say which).

        Raises:
            TrunklineError: ``INVALID_PARAMS``: the answer cannot be used; nothing has changed.
        """

    def subscribe(self, publisher: MediaConnection, track_sid: str, label: str, stream: str) -> None:
        """Send a track of another connection to this one. ``label`` and ``stream`` name it in the answer's msid."""

    def unsubscribe(self, track_sid: str) -> None:
        """Stop sending a track."""

    def limit(self, track_sid: str, quality: int | None) -> None:
        """Send at most this quality (0 to 2) of a subscribed track; None pauses it."""

    def mute(self, track_sid: str, muted: bool) -> None:
        """The publisher muted or unmuted a track."""

    def unpublish(self, track_sid: str) -> None:
        """Drop a published track; whoever got it gets nothing more."""

    def send_data(self, label: str, data: bytes, *, wait: bool) -> bool:
        """Send a message on a data channel; False when the client takes too little, or has no such channel.

        ``wait``: a client that is still connecting gets it when its channel opens.
        """

    def rank(self, track_sid: str, rank: int) -> None:
        """Say how important a published track is: subscribers' bandwidth goes to higher ranks first."""

    def constrain(self, bitrate_bps: int | None) -> None:
        """Send pictures as if the path took no more than this; None ends it."""

    def levels(self) -> Mapping[str, int]:
        """Loudness of the published audio tracks now, in -dBov."""

    def quality(self) -> LinkQuality:
        """How well packets have travelled since this was last asked."""

    def statistics(self) -> MediaStatistics:
        """Every track and the path, now."""

    def close(self) -> None:
        """End the transport."""


class MediaEngine(Protocol):
    """Makes connections."""

    def connect(self, listener: MediaListener, *, dual: bool = False, tcp_only: bool = False) -> MediaConnection:
        """A new connection, waiting for its first offer.

        ``dual``: one for each way; what the client is sent is offered by us, through ``MediaListener.on_offer``.
        ``tcp_only``: the client is told of no way by UDP.
        """


class Signalling(Protocol):
    """One participant's signalling connection, in the words of the domain."""

    def on_answer(self, sdp: str, offer_id: int, tracks_by_mid: Mapping[str, str]) -> None:
        """The answer to an offer."""

    def on_offer(self, sdp: str, number: int, tracks_by_mid: Mapping[str, str]) -> None:
        """An offer for the client to answer."""

    def on_participants(self, participants: Sequence[Participant]) -> None:
        """Others changed, came or left (state ``DISCONNECTED``)."""

    def on_published(self, cid: str, track: Track) -> None:
        """A track that this participant announced is taken."""

    def on_unpublished(self, sid: str) -> None:
        """A track of this participant is gone."""

    def on_subscribed(self, sid: str) -> None:
        """Somebody gets a track of this participant for the first time."""

    def on_muted(self, sid: str, muted: bool) -> None:
        """The server muted a track of this participant."""

    def on_sections_needed(self, audio: int, video: int) -> None:
        """The client has to offer again."""

    def on_demand(self, sid: str, quality: int | None, layers: int) -> None:
        """Which layers of a track of this participant anybody wants: up to ``quality``; None for none."""

    def on_stream_state(self, publisher_sid: str, track_sid: str, paused: bool) -> None:
        """A track that this participant gets is paused for want of bandwidth, or goes on."""

    def on_subscription_allowed(self, publisher_sid: str, track_sid: str, allowed: bool) -> None:
        """A publisher lets this participant get a track, or does not any more."""

    def on_unknown_track(self, track_sid: str) -> None:
        """This participant subscribed to a track that does not exist."""

    def on_quality(self, found: Sequence[tuple[str, Quality, float]]) -> None:
        """How well participants are connected, by their ids, with a score of 1 to 5."""

    def on_speakers(self, speakers: Sequence[Speaker]) -> None:
        """Who speaks changed."""

    def on_room(self, session: LiveSession) -> None:
        """The session's description changed."""

    def on_data(self, label: str, data: bytes) -> None:
        """The client sent a message; the edge reads it and calls ``LiveMember.send_data``."""

    def on_left(self, reason: str, *, rejoin: bool) -> None:
        """It is over: why, and whether the client may join again by itself."""


@dataclass(slots=True, frozen=True)
class Invitation:
    """Where a client connects, with what, what the session is called there, and for how long the token opens it."""

    url: str
    token: str
    room: str
    lifetime_s: int


class Seats(Protocol):
    """Gives places in sessions, here or on a cluster, and takes them back."""

    async def invite(self, app: str, key: str, conversation: str, identity: str, standing: Standing) -> Invitation:
        """A place for an identity, which a key of the app asks for."""

    async def sessions(self) -> Sequence[tuple[str, str]]:
        """App and conversation of every session that may have somebody in it."""

    async def identities(self, app: str, conversation: str) -> Sequence[str]:
        """Who is in a session, or was given a place in it."""

    async def stand(self, app: str, conversation: str, identity: str, standing: Standing) -> None:
        """Let a participant do what its standing gives, and no more; repeated with every look at it."""

    async def remove(self, app: str, conversation: str, identity: str) -> None:
        """Make a participant leave, if it is there."""


def disconnected(participant: Participant) -> Participant:
    """The same participant as others see it at last."""
    participant.state = State.DISCONNECTED
    participant.version += 1
    return participant
