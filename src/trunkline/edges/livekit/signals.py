"""The domain as LiveKit's messages. Not here: when they are sent (``session``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from livekit.protocol import models, rtc

from trunkline.domain.live import Kind, LiveSession, Participant, Permission, Source, Speaker, Track, TrackLayer
from trunkline.domain.live.quality import Quality
from trunkline.domain.live.track import TrackRequest

PROTOCOL = 16
COMPATIBLE_VERSION = "1.9.0"
"""The LiveKit server whose behaviour clients may expect; they look at it before they use calls of methods."""
PING_INTERVAL_S, PING_TIMEOUT_S = 5, 15
_SOURCES = {int(source): source for source in Source}
REASONS = {
    "client initiated": models.DisconnectReason.CLIENT_INITIATED,
    "duplicate identity": models.DisconnectReason.DUPLICATE_IDENTITY,
    "server shutdown": models.DisconnectReason.SERVER_SHUTDOWN,
    "participant removed": models.DisconnectReason.PARTICIPANT_REMOVED,
    "room deleted": models.DisconnectReason.ROOM_DELETED,
    "room closed": models.DisconnectReason.ROOM_CLOSED,
    "state mismatch": models.DisconnectReason.STATE_MISMATCH,
    "join failure": models.DisconnectReason.JOIN_FAILURE,
    "migration": models.DisconnectReason.MIGRATION,
    "signal close": models.DisconnectReason.SIGNAL_CLOSE,
    "connection timeout": models.DisconnectReason.CONNECTION_TIMEOUT,
}


def _number(number: int) -> Any:
    """A number of an enum: messages take it as it is, also one they do not know; their stubs want a name."""
    return int(number)


def room_info(session: LiveSession) -> models.Room:
    """A session as a room."""
    return models.Room(
        sid=session.sid,
        name=session.name,
        empty_timeout=session.settings.empty_timeout_s,
        departure_timeout=session.settings.departure_timeout_s,
        max_participants=session.settings.max_participants,
        creation_time=session.created_at_ms // 1000,
        creation_time_ms=session.created_at_ms,
        metadata=session.settings.metadata,
        num_participants=sum(1 for p in session.participants.values() if not p.permission.hidden),
        num_publishers=session.publishers,
        enabled_codecs=codecs(),
    )


def codecs() -> list[models.Codec]:
    """What may be published."""
    names = ("audio/opus", "audio/red", "video/VP8", "video/H264", "video/VP9", "video/AV1", "video/rtx")
    return [models.Codec(mime=name) for name in names]


def permission_info(permission: Permission) -> models.ParticipantPermission:
    """A permission."""
    return models.ParticipantPermission(
        can_subscribe=permission.can_subscribe,
        can_publish=permission.can_publish,
        can_publish_data=permission.can_publish_data,
        can_publish_sources=[_number(int(source)) for source in sorted(permission.sources)],
        hidden=permission.hidden,
        recorder=permission.recorder,
        can_update_metadata=permission.can_update_metadata,
        agent=permission.agent,
    )


def participant_info(participant: Participant) -> models.ParticipantInfo:
    """A participant with its tracks."""
    return models.ParticipantInfo(
        sid=participant.sid,
        identity=participant.identity,
        name=participant.name,
        state=_number(int(participant.state)),
        tracks=[track_info(track) for track in participant.tracks.values()],
        metadata=participant.metadata,
        attributes=participant.attributes,
        joined_at=participant.joined_at_ms // 1000,
        joined_at_ms=participant.joined_at_ms,
        version=participant.version,
        permission=permission_info(participant.permission),
        is_publisher=bool(participant.tracks),
        kind=_number(participant.kind),
    )


def track_info(track: Track) -> models.TrackInfo:
    """A track."""
    request = track.request
    layers = [layer_info(layer) for layer in track.layers]
    info = models.TrackInfo(
        sid=track.sid,
        type=_number(int(track.kind)),
        name=request.name,
        muted=track.muted,
        width=request.width,
        height=request.height,
        simulcast=track.simulcast,
        disable_dtx=request.disable_dtx,
        source=_number(int(track.source)),
        layers=layers,
        mime_type=track.mime_type,
        mid=track.mid,
        stereo=request.stereo,
        disable_red=request.disable_red,
        encryption=_number(request.encryption),
        stream=request.stream,
        audio_features=[_number(number) for number in request.audio_features],
    )
    if track.mime_type:
        info.codecs.append(
            models.SimulcastCodecInfo(mime_type=track.mime_type, mid=track.mid, cid=request.cid, layers=layers)
        )
    return info


def layer_info(layer: TrackLayer) -> models.VideoLayer:
    """A layer."""
    return models.VideoLayer(
        quality=_number(layer.quality),
        width=layer.width,
        height=layer.height,
        bitrate=layer.bitrate_bps,
        rid=layer.rid,
    )


def track_request(request: rtc.AddTrackRequest) -> TrackRequest:
    """A client's announcement of a track; numbers it may not know count as unknown."""
    mime_type = request.simulcast_codecs[0].codec if request.simulcast_codecs else ""
    return TrackRequest(
        cid=(request.simulcast_codecs[0].cid if request.simulcast_codecs else "") or request.cid,
        name=request.name[:256],
        kind=Kind.VIDEO if request.type == models.TrackType.VIDEO else Kind.AUDIO,
        source=_SOURCES.get(int(request.source), Source.UNKNOWN),
        muted=request.muted,
        width=request.width,
        height=request.height,
        layers=tuple(
            TrackLayer(layer.quality, layer.width, layer.height, layer.bitrate, layer.rid)
            for layer in request.layers[:4]
        ),
        stream=request.stream[:64],
        stereo=request.stereo,
        disable_dtx=request.disable_dtx,
        disable_red=request.disable_red,
        encryption=int(request.encryption),
        mime_type=mime_type if "/" in mime_type else "",
        codec=mime_type.rpartition("/")[2].lower()[:16],
        audio_features=tuple(int(number) for number in request.audio_features),
    )


def server_info(version: str) -> models.ServerInfo:
    """What clients check: JavaScript refuses a server without a version."""
    return models.ServerInfo(
        edition=models.ServerInfo.Edition.Standard,
        version=COMPATIBLE_VERSION,
        protocol=PROTOCOL,
        node_id="trunkline",
        debug_info=f"trunkline {version}",
    )


def join_response(
    session: LiveSession,
    participant: Participant,
    version: str,
    ice_servers: Sequence[rtc.ICEServer] = (),
    *,
    dual: bool = False,
) -> rtc.SignalResponse:
    """The first message to a participant that joined. ``dual``: it is sent to over a connection that we offer."""
    return rtc.SignalResponse(
        join=rtc.JoinResponse(
            room=room_info(session),
            participant=participant_info(participant),
            other_participants=[participant_info(other) for other in session.others(participant)],
            server_version=COMPATIBLE_VERSION,
            server_info=server_info(version),
            ice_servers=ice_servers,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            enabled_publish_codecs=codecs(),
            subscriber_primary=dual,
            fast_publish=dual and participant.permission.can_publish,
        )
    )


def reconnect_response(
    version: str, last_sequence: int, ice_servers: Sequence[rtc.ICEServer] = ()
) -> rtc.SignalResponse:
    """The first message to a participant that resumed. ``last_sequence``: of its numbered messages that came."""
    return rtc.SignalResponse(
        reconnect=rtc.ReconnectResponse(
            server_info=server_info(version), ice_servers=ice_servers, last_message_seq=last_sequence
        )
    )


def ice_servers(urls: Sequence[str], username: str, credential: str) -> list[rtc.ICEServer]:
    """Relays that clients may use."""
    return [rtc.ICEServer(urls=urls, username=username, credential=credential)] if urls else []


def offer(sdp: str, number: int, tracks_by_mid: Mapping[str, str]) -> rtc.SignalResponse:
    """An offer of what the client is sent."""
    return rtc.SignalResponse(
        offer=rtc.SessionDescription(type="offer", sdp=sdp, id=number, mid_to_track_id=tracks_by_mid)
    )


def connection_quality(found: Sequence[tuple[str, Quality, float]]) -> rtc.SignalResponse:
    """How well participants are connected."""
    return rtc.SignalResponse(
        connection_quality=rtc.ConnectionQualityUpdate(
            updates=[
                rtc.ConnectionQualityInfo(participant_sid=sid, quality=_number(int(quality)), score=score)
                for sid, quality, score in found
            ]
        )
    )


def stream_state(publisher_sid: str, track_sid: str, paused: bool) -> rtc.SignalResponse:
    """A track is paused for want of bandwidth, or goes on."""
    state = rtc.StreamState.PAUSED if paused else rtc.StreamState.ACTIVE
    return rtc.SignalResponse(
        stream_state_update=rtc.StreamStateUpdate(
            stream_states=[rtc.StreamStateInfo(participant_sid=publisher_sid, track_sid=track_sid, state=state)]
        )
    )


def subscription_allowed(publisher_sid: str, track_sid: str, allowed: bool) -> rtc.SignalResponse:
    """A publisher lets one get a track, or does not any more."""
    return rtc.SignalResponse(
        subscription_permission_update=rtc.SubscriptionPermissionUpdate(
            participant_sid=publisher_sid, track_sid=track_sid, allowed=allowed
        )
    )


def answer(sdp: str, offer_id: int, tracks_by_mid: Mapping[str, str]) -> rtc.SignalResponse:
    """The answer to an offer."""
    return rtc.SignalResponse(
        answer=rtc.SessionDescription(type="answer", sdp=sdp, id=offer_id, mid_to_track_id=tracks_by_mid)
    )


def update(participants: Sequence[Participant]) -> rtc.SignalResponse:
    """Others changed."""
    return rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=[participant_info(p) for p in participants]))


def speakers_changed(speakers: Sequence[Speaker]) -> rtc.SignalResponse:
    """Who speaks changed."""
    return rtc.SignalResponse(
        speakers_changed=rtc.SpeakersChanged(
            speakers=[models.SpeakerInfo(sid=s.sid, level=s.level, active=s.active) for s in speakers]
        )
    )


def subscribed_quality(track: Track, quality: int | None, layers: int) -> rtc.SignalResponse:
    """Which qualities of a track anybody wants; publishers with dynacast switch the others off."""
    qualities = [
        rtc.SubscribedQuality(quality=_number(number), enabled=quality is not None and number <= quality)
        for number in range(layers)
    ]
    codec = track.mime_type.partition("/")[2].lower()
    return rtc.SignalResponse(
        subscribed_quality_update=rtc.SubscribedQualityUpdate(
            track_sid=track.sid,
            subscribed_qualities=qualities,
            subscribed_codecs=[rtc.SubscribedCodec(codec=codec, qualities=qualities)],
        )
    )


def leave(reason: str, *, rejoin: bool, resume: bool = False) -> rtc.SignalResponse:
    """It is over, or (``rejoin``, ``resume``) to be done anew or gone on with over another connection."""
    action = rtc.LeaveRequest.Action.RECONNECT if rejoin else rtc.LeaveRequest.Action.DISCONNECT
    if resume:
        action = rtc.LeaveRequest.Action.RESUME
    return rtc.SignalResponse(
        leave=rtc.LeaveRequest(
            reason=REASONS.get(reason, models.DisconnectReason.UNKNOWN_REASON),
            action=action,
            can_reconnect=rejoin or resume,
        )
    )


def quality_for(width: int, height: int) -> int:
    """The quality that suits the size a client shows a track at: 0 low, 1 medium, 2 high."""
    shorter = min(width, height) if height else width
    if shorter <= 216:
        return 0
    return 1 if shorter <= 432 else 2
