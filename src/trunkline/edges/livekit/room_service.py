"""LiveKit's ``RoomService``: what app servers administer live sessions with. Each method is one function.

Not here: HTTP and tokens (``http``). A method needs ``roomCreate``, ``roomList``, or ``roomAdmin`` of its room.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf.message import Message
from livekit.protocol import models, room

from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.live_tokens import VideoGrant
from trunkline.domain.live import LiveSession
from trunkline.edges.livekit import data, signals
from trunkline.edges.livekit.calls import Calls
from trunkline.edges.livekit.joining import permission_from
from trunkline.services.live import LiveMember, LiveSessions


@dataclass(slots=True, frozen=True)
class Method:
    """One method.

    Attributes:
        request: its message.
        run: does it, for an app.
        allowed: whether a grant lets one call it.
    """

    request: type[Message]
    run: Callable[[RoomService, str, Any], Message | Awaitable[Message]]
    allowed: Callable[[VideoGrant, Any], bool]


def _admin(grant: VideoGrant, request: Any) -> bool:
    return grant.room_admin and bool(grant.room) and grant.room == request.room


class RoomService:
    """The methods, over the sessions, and over calls to participants."""

    def __init__(self, live: LiveSessions, calls: Calls) -> None:
        self._live = live
        self._calls = calls

    async def call(self, app: str, grant: VideoGrant, method: Method, request: Message) -> Message:
        """Run a method.

        Raises:
            TrunklineError: ``FORBIDDEN``, ``NOT_FOUND`` or ``INVALID_PARAMS``; nothing has changed.
            CallFailed: the method of a participant has no result.
        """
        if not method.allowed(grant, request):
            raise TrunklineError(Code.FORBIDDEN, "the token's grants do not cover this call")
        answer = method.run(self, app, request)
        return answer if isinstance(answer, Message) else await answer

    def statistics(self, app: str, grant: VideoGrant, name: str) -> list[dict[str, Any]]:
        """Every participant's media now, for an administrator of the session. Not one of LiveKit's methods.

        Raises:
            TrunklineError: ``FORBIDDEN`` or ``NOT_FOUND``.
        """
        if not (grant.room_admin and grant.room and grant.room == name):
            raise TrunklineError(Code.FORBIDDEN, "the token's grants do not cover this call")
        session = self._live.find(app, name)
        if session is None:
            raise TrunklineError(Code.NOT_FOUND, "there is no such session")
        return [
            {"identity": member.participant.identity, "sid": member.participant.sid} | asdict(member.media.statistics())
            for member in self._live.roster.members(session)
        ]

    def create_room(self, app: str, request: room.CreateRoomRequest) -> models.Room:
        """Make a session, or change the present one to what the request names."""
        session = self._live.create(app, request.name)
        settings = session.settings
        settings.empty_timeout_s = request.empty_timeout or settings.empty_timeout_s
        settings.departure_timeout_s = request.departure_timeout or settings.departure_timeout_s
        settings.max_participants = request.max_participants or settings.max_participants
        if request.metadata and request.metadata != settings.metadata:
            self._live.describe(session, request.metadata)
        return signals.room_info(session)

    def list_rooms(self, app: str, request: room.ListRoomsRequest) -> room.ListRoomsResponse:
        """The app's sessions, or those of them that are named."""
        names = set(request.names)
        sessions = [session for session in self._live.of_app(app) if not names or session.name in names]
        return room.ListRoomsResponse(rooms=[signals.room_info(session) for session in sessions])

    def delete_room(self, app: str, request: room.DeleteRoomRequest) -> room.DeleteRoomResponse:
        """End a session."""
        self._session(app, request.room)
        self._live.end(app, request.room)
        return room.DeleteRoomResponse()

    def list_participants(self, app: str, request: room.ListParticipantsRequest) -> room.ListParticipantsResponse:
        """Who is in a session, hidden ones too."""
        session = self._session(app, request.room)
        return room.ListParticipantsResponse(
            participants=[signals.participant_info(p) for p in session.participants.values()]
        )

    def get_participant(self, app: str, request: room.RoomParticipantIdentity) -> models.ParticipantInfo:
        """One participant."""
        return signals.participant_info(self._member(app, request.room, request.identity).participant)

    def remove_participant(self, app: str, request: room.RoomParticipantIdentity) -> room.RemoveParticipantResponse:
        """Make a participant leave."""
        self._member(app, request.room, request.identity)
        self._live.remove(app, request.room, [request.identity], "participant removed")
        return room.RemoveParticipantResponse()

    def mute_track(self, app: str, request: room.MuteRoomTrackRequest) -> room.MuteRoomTrackResponse:
        """Mute a track for everyone. Unmuting somebody from afar is refused, as LiveKit does by default."""
        member = self._member(app, request.room, request.identity)
        track = member.participant.tracks.get(request.track_sid)
        if track is None:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "the participant has no such track", field="track_sid")
        if not request.muted and track.muted:
            raise TrunklineError(Code.FORBIDDEN, "a track is unmuted only by its publisher")
        member.mute_by_server(track.sid, request.muted)
        return room.MuteRoomTrackResponse(track=signals.track_info(track))

    def update_participant(self, app: str, request: room.UpdateParticipantRequest) -> models.ParticipantInfo:
        """Change what others see of a participant, or what it may do."""
        member = self._member(app, request.room, request.identity)
        member.describe(request.name or None, request.metadata or None, dict(request.attributes), own=False)
        if request.HasField("permission"):
            member.grant(permission_from(request.permission))
        return signals.participant_info(member.participant)

    def update_subscriptions(
        self, app: str, request: room.UpdateSubscriptionsRequest
    ) -> room.UpdateSubscriptionsResponse:
        """Subscribe a participant to tracks, or unsubscribe it."""
        member = self._member(app, request.room, request.identity)
        sids = [*request.track_sids]
        for tracks in request.participant_tracks:
            sids.extend(tracks.track_sids)
        member.subscribe(sids[:1000], request.subscribe)
        return room.UpdateSubscriptionsResponse()

    def send_data(self, app: str, request: room.SendDataRequest) -> room.SendDataResponse:
        """Send a message to participants: those named, or all."""
        session = self._session(app, request.room)
        if len(request.data) > data.MAX_PACKET_BYTES:
            raise TrunklineError(Code.INVALID_PARAMS, f"data has at most {data.MAX_PACKET_BYTES} bytes", field="data")
        packet = data.from_server(request.data, request.topic if request.HasField("topic") else None)
        label = data.LOSSY if request.kind == models.DataPacket.Kind.LOSSY else data.RELIABLE
        wanted, sids = set(request.destination_identities), set(request.destination_sids)
        for member in self._live.roster.members(session):
            participant = member.participant
            if not (wanted or sids) or participant.identity in wanted or participant.sid in sids:
                member.media.send_data(label, packet, wait=label == data.RELIABLE)
        return room.SendDataResponse()

    def update_room_metadata(self, app: str, request: room.UpdateRoomMetadataRequest) -> models.Room:
        """Change a session's metadata; participants are told."""
        session = self._session(app, request.room)
        self._live.describe(session, request.metadata)
        return signals.room_info(session)

    async def perform_rpc(self, app: str, request: room.PerformRpcRequest) -> room.PerformRpcResponse:
        """Call a method that a participant has registered: its result."""
        member = self._member(app, request.room, request.destination_identity)
        payload = await self._calls.call(member, request.method, request.payload, request.response_timeout_ms)
        return room.PerformRpcResponse(payload=payload)

    def _session(self, app: str, name: str) -> LiveSession:
        session = self._live.find(app, name)
        if session is None:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "there is no such room", field="room")
        return session

    def _member(self, app: str, name: str, identity: str) -> LiveMember:
        member = self._live.roster.member(self._session(app, name), identity)
        if member is None:
            raise TrunklineError(Code.UNKNOWN_RESOURCE, "there is no such participant", field="identity")
        return member


METHODS: dict[str, Method] = {
    "CreateRoom": Method(room.CreateRoomRequest, RoomService.create_room, lambda grant, _: grant.room_create),
    "ListRooms": Method(room.ListRoomsRequest, RoomService.list_rooms, lambda grant, _: grant.room_list),
    "DeleteRoom": Method(room.DeleteRoomRequest, RoomService.delete_room, lambda grant, _: grant.room_create),
    "ListParticipants": Method(room.ListParticipantsRequest, RoomService.list_participants, _admin),
    "GetParticipant": Method(room.RoomParticipantIdentity, RoomService.get_participant, _admin),
    "RemoveParticipant": Method(room.RoomParticipantIdentity, RoomService.remove_participant, _admin),
    "MutePublishedTrack": Method(room.MuteRoomTrackRequest, RoomService.mute_track, _admin),
    "UpdateParticipant": Method(room.UpdateParticipantRequest, RoomService.update_participant, _admin),
    "UpdateSubscriptions": Method(room.UpdateSubscriptionsRequest, RoomService.update_subscriptions, _admin),
    "SendData": Method(room.SendDataRequest, RoomService.send_data, _admin),
    "PerformRpc": Method(room.PerformRpcRequest, RoomService.perform_rpc, _admin),
    "UpdateRoomMetadata": Method(room.UpdateRoomMetadataRequest, RoomService.update_room_metadata, _admin),
}
NOT_OFFERED = {
    "ForwardParticipant": "a participant is in one session here: let it join the other one, with a token for that",
    "MoveParticipant": "a participant is not moved here: let it join the other session, and remove it from this one",
}
"""Methods that LiveKit's own open server refuses as well (only its cloud has them), and what to do instead."""
