"""One signalling connection: the socket, joining and resuming, messages in, and the end.

Binary frames are protobuf, text frames the same as JSON; a client is answered in the kind it used. Not here: the
upgrade and the token (``door``), what a client may ask (``requests``), what it is told (``telling``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from livekit.protocol import rtc
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.live import Speaker
from trunkline.domain.live.membership import Standing
from trunkline.edges.livekit import data, requests, signals
from trunkline.edges.livekit.door import Door, Guest, Rehearsal
from trunkline.edges.livekit.prepared import Prepared
from trunkline.edges.livekit.telling import Telling
from trunkline.services.live import LiveMember

log = logging.getLogger("trunkline.livekit")
MAX_MESSAGE_BYTES = 1 << 20
MAX_EARLY = 64
"""Messages kept from a client that does not wait for the answer to its joining."""
SILENCE_S = 3 * signals.PING_TIMEOUT_S
"""Clients ping every few seconds; one that is silent for so long is not there."""
REFUSALS = {
    Code.FORBIDDEN: rtc.RequestResponse.Reason.NOT_ALLOWED,
    Code.INVALID_PARAMS: rtc.RequestResponse.Reason.LIMIT_EXCEEDED,
    Code.UNKNOWN_RESOURCE: rtc.RequestResponse.Reason.NOT_FOUND,
}


class SignalSession(WSListener, Telling):
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
        self._refresh_s = self._heard_s + door.refresh_in_s(guest)
        self._started: asyncio.Task[None] | None = None
        self._early: list[tuple[bytes, bool]] | None = []
        """What came before the client had joined, and whether as JSON; None from then on."""

    # --- the socket -------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done: join or resume."""
        self._transport = transport
        self._door.sessions.add(self)
        self._started = asyncio.get_running_loop().create_task(self._start(), name="live-join")

    async def _start(self) -> None:
        try:
            standing = await self._door.recheck(self._guest)
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
            self._join(request, standing)
        early, self._early = self._early, None
        for message, json in early or ():
            self._read(message, json=json)

    def _join(self, request: rtc.JoinRequest, standing: Standing | None) -> None:
        try:
            self._member = member = self._door.join(self._guest, standing, self)
        except TrunklineError as error:
            log.info("join refused", extra={"error": error.code.slug})
            self.on_left("join failure", rejoin=False)
            return
        dual = not self._guest.joining.single
        relays = self._door.relays(self._guest)
        self.send(signals.join_response(member.session, member.participant, self._door.version, relays, dual=dual))
        for announced in request.add_track_requests:
            self._ask("add_track", member, announced)
        if request.publisher_offer.sdp:
            member.reconcile()
            self._ask("offer", member, request.publisher_offer)
        member.reconcile()
        member.media.offer(restart=False)

    def _resume(self, request: rtc.JoinRequest) -> None:
        self._member = member = self._door.resume(self._guest)
        if member is None:
            self.on_left("state mismatch", rejoin=True)
            return
        relays = self._door.relays(self._guest)
        self.send(signals.reconnect_response(self._door.version, member.last_sequence, relays))
        member.resume(self)
        if self._door.take_rehearsal(self._guest, Rehearsal.CUT_ON_RESUME):
            self.close(1001, "rehearsed")
            return
        if request.publisher_offer.sdp:
            self._ask("offer", member, request.publisher_offer)
        if request.HasField("sync_state"):
            self._ask("sync_state", member, request.sync_state)

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
            if self._early is None:
                self._read(message, json=self._json)
            elif len(self._early) < MAX_EARLY and sum(len(early) for early, _ in self._early) < MAX_MESSAGE_BYTES:
                self._early.append((message, self._json))
            else:
                self.close(1008, "too much before joining")

    def _read(self, message: bytes, *, json: bool) -> None:
        if self._closed:
            return
        try:
            request = rtc.SignalRequest()
            if json:
                json_format.Parse(message, request, ignore_unknown_fields=True)
            else:
                request.ParseFromString(message)
        except (DecodeError, json_format.ParseError, UnicodeDecodeError):
            self.close(1007, "not a signal request")
            return
        name = request.WhichOneof("message") or ""
        if self._member is not None:
            self._ask(name, self._member, getattr(request, name, None))

    def _ask(self, name: str, member: LiveMember, body: Any) -> None:
        """Do what a request asks for, or say why not."""
        handler = requests.HANDLERS.get(name)
        if handler is None:
            return
        try:
            handler(self, member, body)
        except TrunklineError as error:
            self._refuse(name, body, error)

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

    # --- data -------------------------------------------------------------------------------

    def on_data(self, label: str, message: bytes) -> None:
        """The client sent a message on a data channel."""
        member = self._member
        if member is None or label not in data.LABELS:
            return
        stamped = data.stamp(message, member.participant)
        if stamped is None:
            return
        if stamped.answer is not None and self._door.calls.take(member, stamped.answer):
            return
        reliable = label == data.RELIABLE
        if reliable and stamped.sequence:
            if stamped.sequence <= member.last_sequence:
                return  # sent again by a client that resumed
            member.last_sequence = stamped.sequence
        try:
            member.send_data(label, stamped.data, stamped.identities, stamped.sids, wait=reliable)
        except TrunklineError as error:
            log.info("data refused", extra={"error": error.code.slug})

    # --- care and end -----------------------------------------------------------------------

    def send(self, response: rtc.SignalResponse | Prepared) -> None:
        """Send a message in the client's kind."""
        if self._closed or self._transport is None:
            return
        prepared = response if isinstance(response, Prepared) else Prepared(response)
        if self._json:
            self._transport.send(WSMsgType.TEXT, prepared.text)
        else:
            self._transport.send(WSMsgType.BINARY, prepared.binary)

    def sweep(self, now_s: float) -> None:
        """Close a connection that has been silent too long; give out a fresh token in time."""
        if now_s - self._heard_s > SILENCE_S:
            self.close(1001, "silent")
        elif now_s >= self._refresh_s and self._member is not None:
            token, self._refresh_s = self._door.refresh(self._guest, self._member, now_s)
            self.send(rtc.SignalResponse(refresh_token=token))

    def rehearse(self, request: rtc.SimulateScenario) -> None:
        """Fail as the client wants to see it; nobody else is touched."""
        member, scenario = self._member, request.WhichOneof("scenario")
        if member is None:
            return
        if scenario == "speaker_update":
            self.on_speakers([Speaker(member.participant.sid, 0.9, True)])
        elif scenario == "node_failure":
            self._member = None
            member.leave("connection timeout", tell=False)
            self.close(1001, "rehearsed")
        elif scenario == "migration":
            self.send(signals.leave("migration", rejoin=False, resume=True))
            self.close(1001, "rehearsed")
        elif scenario == "server_leave":
            member.leave("server shutdown")
        elif scenario == "leave_request_full_reconnect":
            member.leave("state mismatch", rejoin=True)
        elif scenario in ("disconnect_signal_on_resume", "disconnect_signal_on_resume_no_messages"):
            self._door.plan_rehearsal(self._guest, Rehearsal.CUT_ON_RESUME)
        elif scenario == "subscriber_bandwidth":
            member.media.constrain(request.subscriber_bandwidth or None)
        elif scenario == "switch_candidate_protocol":
            if request.switch_candidate_protocol != rtc.CandidateProtocol.UDP:
                self._door.plan_rehearsal(self._guest, Rehearsal.TCP_ONLY)
            member.leave("state mismatch", rejoin=True)

    def leave(self) -> None:
        """The client leaves."""
        member, self._member = self._member, None
        if member is not None:
            member.leave("client initiated", tell=False)
        self.close(1000, "left")

    def on_left(self, reason: str, *, rejoin: bool) -> None:
        """It is over."""
        self._member = None
        self.send(signals.leave(reason, rejoin=rejoin))
        self.close(1000, reason)

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
