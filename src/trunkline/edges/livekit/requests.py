"""What a client may ask over its signalling connection: each request is one function.

Not here: reading messages and refusing (``session``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from livekit.protocol import rtc

from trunkline.edges.livekit import signals
from trunkline.services.live import LiveMember

MAX_LISTED = 1000
"""Tracks named in one request."""


class Asking(Protocol):
    """The connection that a request came on."""

    def send(self, response: rtc.SignalResponse) -> None:
        """Send a message."""

    def leave(self) -> None:
        """The client is going."""

    def rehearse(self, request: rtc.SimulateScenario) -> None:
        """The client wants to see how it copes."""


def offer(_asking: Asking, member: LiveMember, request: rtc.SessionDescription) -> None:
    """The client offers."""
    member.offer(request.sdp, request.id)


def answer(_asking: Asking, member: LiveMember, request: rtc.SessionDescription) -> None:
    """The client answers our offer."""
    member.answer(request.sdp, request.id)


def add_track(_asking: Asking, member: LiveMember, request: rtc.AddTrackRequest) -> None:
    """A track is announced."""
    member.publish(signals.track_request(request))


def mute(_asking: Asking, member: LiveMember, request: rtc.MuteTrackRequest) -> None:
    """A track is muted or unmuted."""
    member.mute(request.sid, request.muted)


def subscription(_asking: Asking, member: LiveMember, request: rtc.UpdateSubscription) -> None:
    """Tracks are wished for, or wished away."""
    sids = [*request.track_sids]
    for tracks in request.participant_tracks:
        sids.extend(tracks.track_sids)
    member.subscribe(sids[:MAX_LISTED], request.subscribe)


def track_setting(_asking: Asking, member: LiveMember, request: rtc.UpdateTrackSettings) -> None:
    """In which quality tracks are wished for."""
    quality = None if request.disabled else int(request.quality)
    if quality is not None and request.width:
        quality = signals.quality_for(request.width, request.height)
    member.limit(list(request.track_sids)[:MAX_LISTED], quality)


def subscription_permission(_asking: Asking, member: LiveMember, request: rtc.SubscriptionPermission) -> None:
    """Who may get the client's tracks."""
    if request.all_participants:
        member.allow(None)
        return
    allowed: dict[str, frozenset[str]] = {}
    for entry in request.track_permissions[:MAX_LISTED]:
        identity = entry.participant_identity or member.identity_of(entry.participant_sid)
        if entry.all_tracks:
            allowed[identity] = frozenset()
        elif entry.track_sids:
            allowed[identity] = frozenset(entry.track_sids)
    member.allow(allowed)


def update_metadata(asking: Asking, member: LiveMember, request: rtc.UpdateParticipantMetadata) -> None:
    """The client describes itself anew."""
    member.describe(request.name or None, request.metadata or None, dict(request.attributes), own=True)
    accepted = rtc.RequestResponse(request_id=request.request_id, reason=rtc.RequestResponse.Reason.OK)
    asking.send(rtc.SignalResponse(request_response=accepted))


def update_audio_track(_asking: Asking, member: LiveMember, request: rtc.UpdateLocalAudioTrack) -> None:
    """Features of a track changed, such as noise suppression."""
    member.correct(request.track_sid, features=tuple(int(number) for number in request.features))


def update_video_track(_asking: Asking, member: LiveMember, request: rtc.UpdateLocalVideoTrack) -> None:
    """The size of a track's pictures changed."""
    member.correct(request.track_sid, size=(request.width, request.height))


def publish_data_track(asking: Asking, _member: LiveMember, request: rtc.PublishDataTrackRequest) -> None:
    """Data tracks are not offered; said at once, so that the client does not wait."""
    refused = rtc.RequestResponse(
        reason=rtc.RequestResponse.Reason.UNSUPPORTED_TYPE,
        message="this server has no data tracks",
        publish_data_track=request,
    )
    asking.send(rtc.SignalResponse(request_response=refused))


def sync_state(_asking: Asking, member: LiveMember, request: rtc.SyncState) -> None:
    """A client that resumed says what it believes; what it is subscribed to counts."""
    if request.HasField("subscription"):
        wished = request.subscription
        # Lists what differs from the client's own default; tracks that ended meanwhile are no mistake.
        present = [sid for sid in wished.track_sids[:MAX_LISTED] if member.session.find_track(sid) is not None]
        member.subscribe(present, wished.subscribe)
    member.limit(list(request.track_sids_disabled)[:MAX_LISTED], None)


def ping(asking: Asking, _member: LiveMember, _sent_ms: int) -> None:
    """The older ping."""
    asking.send(rtc.SignalResponse(pong=int(time.time() * 1000)))


def ping_request(asking: Asking, _member: LiveMember, request: rtc.Ping) -> None:
    """The ping that measures."""
    pong = rtc.Pong(last_ping_timestamp=request.timestamp, timestamp=int(time.time() * 1000))
    asking.send(rtc.SignalResponse(pong_resp=pong))


def leave(asking: Asking, _member: LiveMember, _request: rtc.LeaveRequest) -> None:
    """The client leaves."""
    asking.leave()


def simulate(asking: Asking, _member: LiveMember, request: rtc.SimulateScenario) -> None:
    """The client rehearses a failure."""
    asking.rehearse(request)


HANDLERS: dict[str, Callable[[Asking, LiveMember, Any], None]] = {
    "offer": offer,
    "answer": answer,
    "add_track": add_track,
    "mute": mute,
    "subscription": subscription,
    "track_setting": track_setting,
    "subscription_permission": subscription_permission,
    "update_metadata": update_metadata,
    "update_audio_track": update_audio_track,
    "update_video_track": update_video_track,
    "publish_data_track_request": publish_data_track,
    "leave": leave,
    "ping": ping,
    "ping_req": ping_request,
    "sync_state": sync_state,
    "simulate": simulate,
}
"""Others are ignored: candidates, since ours are all in the SDP, and a client's are learnt from its checks."""
