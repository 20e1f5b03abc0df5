"""One signalling connection: messages in, asked of the participant; what the participant tells, messages out.

Binary frames are protobuf, text frames the same as JSON; a client is answered in the kind it used. Not here: the
upgrade and the token (``door``), what messages look like (``signals``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from livekit.protocol import rtc
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live import LiveSession, Participant, Speaker, Track
from trunkline.edges.livekit import data, signals
from trunkline.edges.livekit.door import Door, Guest
from trunkline.services.live import LiveMember

log = logging.getLogger("trunkline.livekit")
MAX_MESSAGE_BYTES = 1 << 20
SILENCE_S = 3 * signals.PING_TIMEOUT_S
"""Clients ping every few seconds; one that is silent for so long is not there."""
REFUSALS = {
    Code.FORBIDDEN: rtc.RequestResponse.Reason.NOT_ALLOWED,
    Code.INVALID_PARAMS: rtc.RequestResponse.Reason.LIMIT_EXCEEDED,
}


class SignalSession(WSListener):
    """A participant's signalling connection.

    Args:
        door: joins and resumes.
        guest: what the token and the request said.
    """

    def __init__(self, door: Door, guest: Guest) -> None:
        super().__init__()
        self._door = door
        self._guest = guest
        self._transport: WSTransport | None = None
        self._member: LiveMember | None = None
        self._json = False
        self._closed = False
        self._fragments: list[bytes] = []
        self._heard_s = time.monotonic()
        self._started: asyncio.Task[None] | None = None

    # --- the socket -------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done: join or resume."""
        self._transport = transport
        self._door.sessions.add(self)
        self._started = asyncio.get_running_loop().create_task(self._start(), name="live-join")

    async def _start(self) -> None:
        try:
            await self._door.recheck(self._guest)
        except TrunklineError as error:
            log.info("join refused", extra={"error": error.code.slug})
            self.on_left("join failure", rejoin=False)
            return
        if self._closed:
            return
        request = self._guest.joining.request
        if request.reconnect:
            self._resume(request)
        else:
            self._join(request)

    def _join(self, request: rtc.JoinRequest) -> None:
        try:
            self._member = member = self._door.join(self._guest, self)
        except TrunklineError as error:
            log.info("join refused", extra={"error": error.code.slug})
            self.on_left("join failure", rejoin=False)
            return
        self.send(signals.join_response(member.session, member.participant, self._door.version))
        for announced in request.add_track_requests:
            self._on_add_track(member, announced)
        if request.publisher_offer.sdp:
            member.reconcile()
            self._on_offer(member, request.publisher_offer)
        member.reconcile()

    def _resume(self, request: rtc.JoinRequest) -> None:
        self._member = self._door.resume(self._guest, self)
        if self._member is None:
            self.on_left("state mismatch", rejoin=True)
            return
        self.send(signals.reconnect_response(self._door.version))
        if request.publisher_offer.sdp:
            self._on_offer(self._member, request.publisher_offer)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone: the participant may resume for a while."""
        self._end()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A WebSocket frame arrived."""
        self._heard_s = time.monotonic()
        if self._closed:
            return
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind in (WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._take(frame, kind)

    def _take(self, frame: WSFrame, kind: WSMsgType) -> None:
        if kind != WSMsgType.CONTINUATION:
            self._json = kind == WSMsgType.TEXT
            self._fragments = []
        self._fragments.append(frame.get_payload_as_bytes())
        if sum(map(len, self._fragments)) > MAX_MESSAGE_BYTES:
            self.close(1009, "too long")
        elif frame.fin:
            message, self._fragments = b"".join(self._fragments), []
            self._message(message)

    def _message(self, message: bytes) -> None:
        try:
            request = rtc.SignalRequest()
            if self._json:
                json_format.Parse(message, request, ignore_unknown_fields=True)
            else:
                request.ParseFromString(message)
        except (DecodeError, json_format.ParseError, UnicodeDecodeError):
            self.close(1007, "not a signal request")
            return
        name = request.WhichOneof("message")
        handler = HANDLERS.get(name or "")
        if handler is None or self._member is None:
            return
        body = getattr(request, name or "")
        try:
            handler(self, self._member, body)
        except TrunklineError as error:
            self._refuse(name or "", body, error)

    def _refuse(self, name: str, body: Any, error: TrunklineError) -> None:
        """Say that a request was not carried out; it comes back with the reason."""
        log.info("request refused", extra={"request": name, "error": error.code.slug})
        response = rtc.RequestResponse(
            reason=REFUSALS.get(error.code, rtc.RequestResponse.Reason.NOT_ALLOWED), message=str(error.detail)
        )
        if name in rtc.RequestResponse.DESCRIPTOR.fields_by_name:
            getattr(response, name).CopyFrom(body)
        response.request_id = getattr(body, "request_id", 0)
        self.send(rtc.SignalResponse(request_response=response))

    # --- requests ---------------------------------------------------------------------------

    def _on_offer(self, member: LiveMember, offer: rtc.SessionDescription) -> None:
        member.offer(offer.sdp, offer.id)

    def _on_add_track(self, member: LiveMember, request: rtc.AddTrackRequest) -> None:
        member.publish(signals.track_request(request))

    def _on_mute(self, member: LiveMember, request: rtc.MuteTrackRequest) -> None:
        member.mute(request.sid, request.muted)

    def _on_subscription(self, member: LiveMember, request: rtc.UpdateSubscription) -> None:
        sids = [*request.track_sids]
        for tracks in request.participant_tracks:
            sids.extend(tracks.track_sids)
        member.subscribe(sids[:1000], request.subscribe)

    def _on_track_setting(self, member: LiveMember, request: rtc.UpdateTrackSettings) -> None:
        quality = None if request.disabled else int(request.quality)
        if quality is not None and request.width:
            quality = signals.quality_for(request.width, request.height)
        member.limit(list(request.track_sids)[:1000], quality)

    def _on_subscription_permission(self, member: LiveMember, request: rtc.SubscriptionPermission) -> None:
        if request.all_participants:
            member.allow(None)
            return
        allowed: dict[str, frozenset[str]] = {}
        for entry in request.track_permissions:
            identity = entry.participant_identity or member.identity_of(entry.participant_sid)
            if entry.all_tracks:
                allowed[identity] = frozenset()
            elif entry.track_sids:
                allowed[identity] = frozenset(entry.track_sids)
        member.allow(allowed)

    def _on_update_metadata(self, member: LiveMember, request: rtc.UpdateParticipantMetadata) -> None:
        member.describe(request.name or None, request.metadata or None, dict(request.attributes), own=True)
        self.send(
            rtc.SignalResponse(
                request_response=rtc.RequestResponse(
                    request_id=request.request_id, reason=rtc.RequestResponse.Reason.OK
                )
            )
        )

    def _on_leave(self, member: LiveMember, _request: rtc.LeaveRequest) -> None:
        self._member = None
        member.leave("client initiated", tell=False)
        self.close(1000, "left")

    def _on_ping(self, _member: LiveMember, _sent_ms: int) -> None:
        self.send(rtc.SignalResponse(pong=int(time.time() * 1000)))

    def _on_ping_req(self, _member: LiveMember, request: rtc.Ping) -> None:
        pong = rtc.Pong(last_ping_timestamp=request.timestamp, timestamp=int(time.time() * 1000))
        self.send(rtc.SignalResponse(pong_resp=pong))

    def _on_sync_state(self, member: LiveMember, request: rtc.SyncState) -> None:
        if request.HasField("subscription"):
            self._on_subscription(member, request.subscription)

    # --- what the participant tells ---------------------------------------------------------

    def on_answer(self, sdp: str, offer_id: int, tracks_by_mid: Mapping[str, str]) -> None:
        """The answer to an offer."""
        self.send(signals.answer(sdp, offer_id, tracks_by_mid))

    def on_participants(self, participants: Sequence[Participant]) -> None:
        """Others changed, came or left."""
        if participants:
            self.send(signals.update(participants))

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

    def on_speakers(self, speakers: Sequence[Speaker]) -> None:
        """Who speaks changed."""
        self.send(signals.speakers_changed(speakers))

    def on_room(self, session: LiveSession) -> None:
        """The session's description changed."""
        self.send(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=signals.room_info(session))))

    def on_data(self, label: str, message: bytes) -> None:
        """The client sent a message on a data channel."""
        member = self._member
        if member is None or label not in data.LABELS:
            return
        stamped = data.stamp(message, member.participant)
        if stamped is None:
            return
        try:
            member.send_data(label, stamped.data, stamped.identities, stamped.sids, wait=label == data.RELIABLE)
        except TrunklineError as error:
            log.info("data refused", extra={"error": error.code.slug})

    def on_left(self, reason: str, *, rejoin: bool) -> None:
        """It is over."""
        self._member = None
        self.send(signals.leave(reason, rejoin=rejoin))
        self.close(1000, reason)

    # --- care and end -----------------------------------------------------------------------

    def send(self, response: rtc.SignalResponse) -> None:
        """Send a message in the client's kind."""
        if self._closed or self._transport is None:
            return
        if self._json:
            self._transport.send(WSMsgType.TEXT, json_format.MessageToJson(response, indent=None).encode())
        else:
            self._transport.send(WSMsgType.BINARY, response.SerializeToString())

    def sweep(self, now_s: float) -> None:
        """Close a connection that has been silent too long."""
        if now_s - self._heard_s > SILENCE_S:
            self.close(1001, "silent")

    def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        transport = self._transport
        if self._closed or transport is None:
            return
        transport.send_close(_close_code(code), reason.encode()[:120])
        transport.disconnect()
        self._end()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._door.sessions.discard(self)
        if self._started is not None:
            self._started.cancel()
        if self._member is not None:
            self._door.away(self._member, self)
            self._member = None


def _close_code(code: int) -> Any:
    return WSCloseCode(code)


HANDLERS: dict[str, Callable[[SignalSession, LiveMember, Any], None]] = {
    "offer": SignalSession._on_offer,
    "add_track": SignalSession._on_add_track,
    "mute": SignalSession._on_mute,
    "subscription": SignalSession._on_subscription,
    "track_setting": SignalSession._on_track_setting,
    "subscription_permission": SignalSession._on_subscription_permission,
    "update_metadata": SignalSession._on_update_metadata,
    "leave": SignalSession._on_leave,
    "ping": SignalSession._on_ping,
    "ping_req": SignalSession._on_ping_req,
    "sync_state": SignalSession._on_sync_state,
}
