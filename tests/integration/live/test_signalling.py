"""Signalling message by message: what is answered, refused, refreshed, and what a client may rehearse."""

from __future__ import annotations

import asyncio
import datetime
from urllib.parse import urlsplit

import aiohttp
import pytest
from livekit import api, rtc
from livekit.protocol import models
from livekit.protocol import rtc as wire

from tests.integration.live.conftest import Enter
from tests.integration.live.person import live_token, until
from tests.integration.live.signalling import Signalling
from tests.integration.rest.running import App

pytestmark = pytest.mark.timeout(120)


async def test_requests_are_answered_and_refusals_say_why(app: App) -> None:
    async with Signalling(app, "ann", can_update_own_metadata=True) as ann, Signalling(app, "bob") as bob:
        joined = await ann.joined()
        assert joined.server_info.protocol and joined.ping_interval == 5 and not joined.subscriber_primary
        await bob.joined()
        await ann.ask(update_metadata=wire.UpdateParticipantMetadata(request_id=7, attributes={"hand": "up"}))
        answer = await ann.next("request_response")
        assert (answer.request_id, answer.reason) == (7, wire.RequestResponse.Reason.OK)
        await bob.ask(update_metadata=wire.UpdateParticipantMetadata(request_id=8, metadata="x"))
        answer = await bob.next("request_response")
        assert (answer.request_id, answer.reason) == (8, wire.RequestResponse.Reason.NOT_ALLOWED)
        assert answer.message and answer.update_metadata.metadata == "x"
        await ann.ask(update_metadata=wire.UpdateParticipantMetadata(request_id=9, metadata="x" * 70_000))
        answer = await ann.next("request_response")
        assert answer.reason == wire.RequestResponse.Reason.LIMIT_EXCEEDED
        await ann.ask(update_video_track=wire.UpdateLocalVideoTrack(track_sid="TR_none", width=1, height=1))
        assert (await ann.next("request_response")).reason == wire.RequestResponse.Reason.NOT_FOUND
        await ann.ask(subscription=wire.UpdateSubscription(track_sids=["TR_none"], subscribe=True))
        refused = await ann.next("subscription_response")
        assert (refused.track_sid, refused.err) == ("TR_none", models.SubscriptionError.SE_TRACK_NOTFOUND)
        await ann.ask(ping_req=wire.Ping(timestamp=5))
        assert (await ann.next("pong_resp")).last_ping_timestamp == 5
        await ann.ask(ping=5)
        assert await ann.next("pong") > 0


async def test_a_track_is_announced_corrected_and_refused(app: App) -> None:
    async with Signalling(app, "ann") as ann, Signalling(app, "mute", can_publish=False) as mute:
        await ann.joined()
        await ann.ask(
            add_track=wire.AddTrackRequest(cid="c", name="cam", type=models.TrackType.VIDEO, width=10, height=5)
        )
        published = await ann.next("track_published")
        assert (published.cid, published.track.width) == ("c", 10) and published.track.sid.startswith("TR_")
        change = wire.UpdateLocalVideoTrack(track_sid=published.track.sid, width=640, height=360)
        await ann.ask(update_video_track=change)
        told = (await ann.next("update")).participants[0].tracks[0]
        assert (told.width, told.height) == (640, 360)
        await mute.joined()
        await mute.ask(add_track=wire.AddTrackRequest(cid="d", name="mic"))
        refused = await mute.next("request_response")
        assert refused.reason == wire.RequestResponse.Reason.NOT_ALLOWED and refused.add_track.cid == "d"


async def test_json_frames_are_answered_as_json(app: App) -> None:
    async with Signalling(app, "ann") as ann:
        await ann.joined()
        await ann.socket.send_str('{"pingReq": {"timestamp": "77"}}')
        frame = await ann.socket.receive(10)
        assert frame.type == aiohttp.WSMsgType.TEXT and frame.json()["pongResp"]["lastPingTimestamp"] == "77"


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", "{", b"\x0a\x05abc"])
async def test_garbage_ends_its_own_connection_only(app: App, garbage: bytes | str) -> None:
    async with Signalling(app, "ann") as ann, Signalling(app, "bob") as bob:
        await ann.joined()
        await bob.joined()
        send = ann.socket.send_bytes if isinstance(garbage, bytes) else ann.socket.send_str
        await send(garbage)  # type: ignore[arg-type]
        frame = await ann.socket.receive(10)
        while frame.type == aiohttp.WSMsgType.BINARY:
            frame = await ann.socket.receive(10)
        assert frame.type == aiohttp.WSMsgType.CLOSE and frame.data == 1007
        await bob.ask(ping=1)
        assert await bob.next("pong")


async def test_a_token_is_refreshed_before_it_ends_with_what_holds_now(app: App) -> None:
    grants = api.VideoGrants(room_join=True, room="room", can_publish_data=False)
    minted = api.AccessToken(app.key, app.secret).with_identity("ann").with_name("Ann").with_grants(grants)
    async with Signalling(app, "ann", token=minted.with_ttl(datetime.timedelta(seconds=4)).to_jwt()) as ann:
        await ann.joined()
        fresh = await ann.next("refresh_token", 15)
        claims = api.TokenVerifier(app.key, app.secret).verify(fresh)
        assert (claims.identity, claims.name) == ("ann", "Ann")
        assert claims.video is not None and claims.video.room == "room" and claims.video.can_publish_data is False
        async with Signalling(app, "ann", token=fresh) as again:
            await again.joined()


async def test_settings_in_the_token_shape_the_room_it_makes(app: App) -> None:
    minted = api.AccessToken(app.key, app.secret).with_identity("ann")
    minted.with_grants(api.VideoGrants(room_join=True, room="small"))
    minted.with_room_config(api.RoomConfiguration(max_participants=1, metadata="from the token", empty_timeout=7))
    async with Signalling(app, "ann", token=minted.to_jwt()) as ann, Signalling(app, "bob", "small") as bob:
        room = (await ann.joined()).room
        assert (room.max_participants, room.metadata, room.empty_timeout) == (1, "from the token", 7)
        left = await bob.next("leave")
        assert (
            left.reason == models.DisconnectReason.JOIN_FAILURE and left.action == wire.LeaveRequest.Action.DISCONNECT
        )


async def test_parameters_of_the_older_protocol(app: App) -> None:
    query = {"auto_subscribe": "0", "sdk": "js", "protocol": "9", "adaptive_stream": "1", "version": "1.15.13"}
    async with Signalling(app, "ann", path="/rtc", query=query) as ann:
        joined = await ann.joined()
        assert joined.subscriber_primary and joined.fast_publish
        offer = await ann.next("offer")
        assert offer.type == "offer" and "m=application" in offer.sdp and "a=ice-lite" in offer.sdp
        assert offer.sdp.count("a=setup:actpass") == 1
        await ann.ask(answer=wire.SessionDescription(type="answer", sdp="v=0\r\nnonsense", id=offer.id))
        assert (await ann.next("request_response")).message
    async with Signalling(app, "mute", path="/rtc", can_publish=False) as mute:
        assert not (await mute.joined()).fast_publish
    again = {"reconnect": "1", "sid": joined.participant.sid}
    async with Signalling(app, "ann", path="/rtc", query=again) as ann:
        await ann.next("reconnect")
        assert not ann.messages, "reconnect is the first message"
        renewed = await ann.next("offer")
        credentials = [line for line in offer.sdp.splitlines() if line.startswith("a=ice-ufrag")]
        assert credentials and credentials[0] not in renewed.sdp
    async with Signalling(app, "nobody", path="/rtc", query={"reconnect": "1", "sid": "PA_gone"}) as gone:
        left = await gone.next("leave")
        assert left.action == wire.LeaveRequest.Action.RECONNECT
        assert left.reason == models.DisconnectReason.STATE_MISMATCH


async def test_who_resumes_learns_who_left_meanwhile(app: App) -> None:
    async with Signalling(app, "ann") as ann, Signalling(app, "cat") as cat:
        sid = (await ann.joined()).participant.sid
        await cat.joined()
        async with Signalling(app, "bob") as bob:
            await bob.joined()
            await ann.socket.close()
            await bob.ask(leave=wire.LeaveRequest())
            gone = await cat.next("update")
            while gone.participants[0].state != models.ParticipantInfo.State.DISCONNECTED:
                gone = await cat.next("update")
        async with Signalling(app, "ann", path="/rtc", query={"reconnect": "1", "sid": sid}) as back:
            await back.next("reconnect")
            states = {p.identity: p.state for p in (await back.next("update")).participants}
            assert states["bob"] == models.ParticipantInfo.State.DISCONNECTED
            assert states["cat"] != models.ParticipantInfo.State.DISCONNECTED and "ann" in states


async def test_a_publisher_says_who_may_get_its_tracks(enter: Enter) -> None:
    ann, bob, cat = await enter("ann"), await enter("bob"), await enter("cat")
    await ann.speak()
    await until(lambda: bob.hears("ann").loudness > 4000 and cat.hears("ann").loudness > 4000, "both hear")
    permission = rtc.ParticipantTrackPermission(participant_identity="bob", allow_all=True)
    ann.room.local_participant.set_track_subscription_permissions(
        allow_all_participants=False, participant_permissions=[permission]
    )
    await until(lambda: cat.hears("ann").is_silent(), "cat hears nothing any more")
    before = bob.hears("ann").frames
    await until(lambda: bob.hears("ann").frames > before + 30, "bob still does")
    ann.room.local_participant.set_track_subscription_permissions(allow_all_participants=True)
    await until(lambda: cat.hears("ann").loudness > 4000, "cat hears again")


async def test_permission_updates_are_told(app: App, enter: Enter) -> None:
    async with Signalling(app, "bob") as bob:
        await bob.joined()
        ann = await enter("ann")
        publication = await ann.speak()
        ann.room.local_participant.set_track_subscription_permissions(allow_all_participants=False)
        told = await bob.next("subscription_permission_update")
        assert (told.track_sid, told.allowed) == (publication.sid, False)


async def test_how_well_people_are_connected_is_told(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    found: dict[str, int] = {}
    bob.room.on("connection_quality_changed", lambda who, quality: found.update({who.identity: quality}))
    await ann.speak()
    await until(lambda: {"ann", "bob"} <= set(found), "qualities", 15)
    excellent = rtc.ConnectionQuality.QUALITY_EXCELLENT
    assert found["ann"] == excellent and found["bob"] == excellent


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(
    ("scenario", "event"),
    [
        ("SIMULATE_NODE_FAILURE", "reconnected"),
        ("SIMULATE_MIGRATION", "reconnected"),
        ("SIMULATE_FULL_RECONNECT", "reconnected"),
        ("SIMULATE_SERVER_LEAVE", "disconnected"),
    ],
)
async def test_clients_can_rehearse_failures(enter: Enter, scenario: str, event: str, single: bool) -> None:
    ann = await enter("ann", single_peer_connection=single)
    bob = await enter("bob", single_peer_connection=single)
    await ann.speak()
    await until(lambda: bob.hears("ann").frames > 10, "bob hears ann")
    await ann.room.simulate_scenario(getattr(rtc.SimulateScenarioKind, scenario))
    await until(lambda: event in ann.events, f"{event} after {scenario}")
    if event == "reconnected":
        before = bob.hears("ann").frames
        await until(lambda: bob.hears("ann").frames > before + 20, "bob hears ann again", 15)
    else:
        await until(lambda: not bob.room.remote_participants, "ann is gone")


async def test_one_token_opens_one_room(app: App) -> None:
    token = live_token(app, "ann", "room")
    async with Signalling(app, "ann", token=token, query={"room": "other", "room_name": "other"}) as ann:
        assert (await ann.joined()).room.name == "room"


async def test_a_refused_upgrade_says_its_status(app: App) -> None:
    """Libraries decide by it whether to try again: it was 500 for everything once."""
    good = live_token(app, "ann", "room")
    nowhere = api.AccessToken(app.key, app.secret).with_identity("ann").with_grants(api.VideoGrants()).to_jwt()
    cases = [
        ({"access_token": good[:-4] + "AAAA"}, 401),
        ({}, 401),
        ({"access_token": nowhere}, 403),
        ({"access_token": good, "join_request": "%%%"}, 400),
    ]
    async with aiohttp.ClientSession() as session:
        for path in ("/rtc/v1", "/rtc"):
            for parameters, status in cases:
                if path == "/rtc" and "join_request" in parameters:
                    continue
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(f"{app.server.url}{path}", params=parameters)
                assert refused.value.status == status, (path, parameters)


async def test_what_a_client_says_before_it_is_told_that_it_joined_is_not_lost(app: App) -> None:
    """The upgrade and the first message come in one packet, before the server has looked the participant up."""
    server = urlsplit(app.server.url)
    reader, writer = await asyncio.open_connection(server.hostname, server.port)
    message = wire.SignalRequest(ping_req=wire.Ping(timestamp=77)).SerializeToString()
    upgrade = (
        f"GET /rtc/v1?access_token={live_token(app, 'ann', 'room')} HTTP/1.1\r\nHost: {server.netloc}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(upgrade.encode() + bytes((0x82, 0x80 | len(message), 0, 0, 0, 0)) + message)
    try:
        async with asyncio.timeout(30):
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            found: list[wire.SignalResponse] = []
            while not found or found[-1].WhichOneof("message") != "pong_resp":
                size = (await reader.readexactly(2))[1]
                if size == 126:
                    size = int.from_bytes(await reader.readexactly(2), "big")
                found.append(wire.SignalResponse.FromString(await reader.readexactly(size)))
    finally:
        writer.close()
    assert found[0].WhichOneof("message") == "join", "still the first message"
    assert found[-1].pong_resp.last_ping_timestamp == 77
