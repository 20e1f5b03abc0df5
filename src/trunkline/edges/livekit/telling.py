"""What a participant is told, as messages. Implements ``services.live.ports.Signalling``, but for data and the end.

Not here: the socket (``session``), what messages look like (``signals``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from livekit.protocol import models, rtc

from trunkline.domain.live import LiveSession, Participant, Speaker, Track
from trunkline.domain.live.quality import Quality
from trunkline.edges.livekit import signals
from trunkline.edges.livekit.prepared import Once, Prepared
from trunkline.services.live import LiveMember


class Telling:
    """Turns what happened into messages for one client."""

    _member: LiveMember | None = None
    _updates: ClassVar[Once[Participant]] = Once(signals.update)
    _speakers: ClassVar[Once[Speaker]] = Once(signals.speakers_changed)

    def send(self, response: rtc.SignalResponse | Prepared) -> None:
        """Send a message."""
        raise NotImplementedError

    def on_answer(self, sdp: str, offer_id: int, tracks_by_mid: Mapping[str, str]) -> None:
        """The answer to an offer."""
        self.send(signals.answer(sdp, offer_id, tracks_by_mid))

    def on_offer(self, sdp: str, number: int, tracks_by_mid: Mapping[str, str]) -> None:
        """An offer of what the client is sent."""
        self.send(signals.offer(sdp, number, tracks_by_mid))

    def on_participants(self, participants: Sequence[Participant]) -> None:
        """Others changed, came or left."""
        if participants:
            self.send(self._updates.message(participants))

    def on_published(self, cid: str, track: Track) -> None:
        """A track that this participant announced is taken."""
        self.send(
            rtc.SignalResponse(track_published=rtc.TrackPublishedResponse(cid=cid, track=signals.track_info(track)))
        )

    def on_unpublished(self, sid: str) -> None:
        """A track of this participant is gone."""
        self.send(rtc.SignalResponse(track_unpublished=rtc.TrackUnpublishedResponse(track_sid=sid)))

    def on_subscribed(self, sid: str) -> None:
        """Somebody gets a track of this participant."""
        self.send(rtc.SignalResponse(track_subscribed=rtc.TrackSubscribed(track_sid=sid)))

    def on_muted(self, sid: str, muted: bool) -> None:
        """The server muted a track of this participant."""
        self.send(rtc.SignalResponse(mute=rtc.MuteTrackRequest(sid=sid, muted=muted)))

    def on_sections_needed(self, audio: int, video: int) -> None:
        """The client has to offer again."""
        requirement = rtc.MediaSectionsRequirement(num_audios=audio, num_videos=video)
        self.send(rtc.SignalResponse(media_sections_requirement=requirement))

    def on_demand(self, sid: str, quality: int | None, layers: int) -> None:
        """Which layers of a track of this participant anybody wants."""
        track = self._member.participant.tracks.get(sid) if self._member is not None else None
        if track is not None:
            self.send(signals.subscribed_quality(track, quality, layers))

    def on_stream_state(self, publisher_sid: str, track_sid: str, paused: bool) -> None:
        """A track is paused for want of bandwidth, or goes on."""
        self.send(signals.stream_state(publisher_sid, track_sid, paused))

    def on_subscription_allowed(self, publisher_sid: str, track_sid: str, allowed: bool) -> None:
        """A publisher lets this participant get a track, or does not any more."""
        self.send(signals.subscription_allowed(publisher_sid, track_sid, allowed))

    def on_unknown_track(self, track_sid: str) -> None:
        """This participant subscribed to a track that does not exist."""
        refused = rtc.SubscriptionResponse(track_sid=track_sid, err=models.SubscriptionError.SE_TRACK_NOTFOUND)
        self.send(rtc.SignalResponse(subscription_response=refused))

    def on_quality(self, found: Sequence[tuple[str, Quality, float]]) -> None:
        """How well participants are connected."""
        self.send(signals.connection_quality(found))

    def on_speakers(self, speakers: Sequence[Speaker]) -> None:
        """Who speaks changed."""
        self.send(self._speakers.message(speakers))

    def on_room(self, session: LiveSession) -> None:
        """The session's description changed."""
        self.send(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=signals.room_info(session))))
