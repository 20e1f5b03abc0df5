"""Administration with the official ``livekit-api`` library, and the endpoints clients ask when they are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from livekit import api, rtc

from tests.integration.live.conftest import Enter
from tests.integration.live.person import live_token, until
from tests.integration.rest.running import App, Running

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def admin(app: App) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(app.server.url, app.key, app.secret) as made:
        yield made


async def test_rooms_are_made_listed_described_and_ended(admin: api.LiveKitAPI, enter: Enter) -> None:
    made = await admin.room.create_room(
        api.CreateRoomRequest(name="hall", max_participants=1, metadata="first", empty_timeout=60)
    )
    assert (made.name, made.max_participants, made.metadata, made.empty_timeout) == ("hall", 1, "first", 60)
    again = await admin.room.create_room(api.CreateRoomRequest(name="hall"))
    assert again.sid == made.sid
    ann = await enter("ann", "hall")
    with pytest.raises(Exception):  # noqa: B017 - the library raises a plain one
        await enter("bob", "hall")
    described: list[str] = []
    ann.room.on("room_metadata_changed", lambda _before, now: described.append(now))
    await admin.room.update_room_metadata(api.UpdateRoomMetadataRequest(room="hall", metadata="second"))
    await until(lambda: described == ["second"], "ann is told")
    listed = (await admin.room.list_rooms(api.ListRoomsRequest())).rooms
    assert [(room.name, room.num_participants, room.metadata) for room in listed] == [("hall", 1, "second")]
    assert not (await admin.room.list_rooms(api.ListRoomsRequest(names=["other"]))).rooms
    await admin.room.delete_room(api.DeleteRoomRequest(room="hall"))
    await until(lambda: "disconnected" in ann.events, "ann is out")
    assert not (await admin.room.list_rooms(api.ListRoomsRequest())).rooms


async def test_participants_are_seen_changed_muted_and_removed(admin: api.LiveKitAPI, enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    publication = await ann.speak()
    await until(lambda: bob.hears("ann").frames > 20, "bob hears ann")
    listed = await admin.room.list_participants(api.ListParticipantsRequest(room="room"))
    assert {p.identity for p in listed.participants} == {"ann", "bob"}
    who = api.RoomParticipantIdentity(room="room", identity="ann")
    assert [t.sid for t in (await admin.room.get_participant(who)).tracks] == [publication.sid]
    await admin.room.update_participant(
        api.UpdateParticipantRequest(room="room", identity="ann", metadata="host", attributes={"hand": "up"})
    )
    await until(lambda: bob.room.remote_participants["ann"].metadata == "host", "metadata")
    assert bob.room.remote_participants["ann"].attributes == {"hand": "up"}
    muted = await admin.room.mute_published_track(
        api.MuteRoomTrackRequest(room="room", identity="ann", track_sid=publication.sid, muted=True)
    )
    assert muted.track.muted
    await until(lambda: "track_muted" in bob.events, "bob knows")
    with pytest.raises(api.TwirpError, match="unmuted only"):
        await admin.room.mute_published_track(
            api.MuteRoomTrackRequest(room="room", identity="ann", track_sid=publication.sid, muted=False)
        )
    await admin.room.update_participant(
        api.UpdateParticipantRequest(
            room="room", identity="ann", permission=api.ParticipantPermission(can_subscribe=True)
        )
    )
    await until(lambda: not bob.room.remote_participants["ann"].track_publications, "what ann may not is taken back")
    await admin.room.remove_participant(who)
    await until(lambda: "disconnected" in ann.events and not bob.room.remote_participants, "ann is out")


async def test_a_server_sends_data_and_chooses_subscriptions(admin: api.LiveKitAPI, enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    publication = await ann.speak()
    await until(lambda: bob.hears("ann").loudness > 4000, "bob hears ann")
    await admin.room.update_subscriptions(
        api.UpdateSubscriptionsRequest(room="room", identity="bob", track_sids=[publication.sid], subscribe=False)
    )
    await until(lambda: bob.hears("ann").is_silent(), "silence")
    await admin.room.send_data(
        api.SendDataRequest(room="room", data=b"for bob", destination_identities=["bob"], topic="news")
    )
    await admin.room.send_data(api.SendDataRequest(room="room", data=b"for all"))
    await until(lambda: len(bob.messages) == 2 and len(ann.messages) == 1, "messages")
    assert bob.messages[0] == ("", b"for bob", "news") and ann.messages[0][1] == b"for all"


async def test_an_app_server_calls_a_method_of_a_participant(app: App, admin: api.LiveKitAPI, enter: Enter) -> None:
    bob = await enter("bob")

    async def double(call: rtc.RpcInvocationData) -> str:
        if call.payload == "wrong":
            raise rtc.RpcError(1234, "not a number", "wrong")
        return f"{call.caller_identity}: {2 * int(call.payload)}"

    bob.room.local_participant.register_rpc_method("double", double)
    granted = api.VideoGrants(room_admin=True, room="room")
    token = api.AccessToken(app.key, app.secret).with_grants(granted).to_jwt()

    async def call(**request: object) -> tuple[int, dict[str, Any]]:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            body = {"room": "room", "destination_identity": "bob", "method": "double", "response_timeout_ms": 30_000}
            url = f"{app.server.url}/twirp/livekit.RoomService/PerformRpc"
            answer = await client.post(url, json=body | request)
            return answer.status_code, answer.json()

    assert await call(payload="21") == (200, {"payload": "server: 42"})
    status, failed = await call(payload="wrong")
    assert (status, failed["code"], failed["msg"]) == (409, "aborted", "not a number")
    assert failed["meta"] == {"rpc_code": "1234", "rpc_data": "wrong"}
    assert (await call(method="triple", payload="1"))[0] == 501
    assert (await call(destination_identity="nobody", payload="1"))[0] == 404
    assert (await call(payload="1" * 16_000))[0] == 400


async def test_calls_that_are_refused_say_why_and_change_nothing(app: App, server: Running, enter: Enter) -> None:
    await enter("ann")
    other = server.create_app("other")

    def call(method: str, body: bytes | str, token: str, kind: str = "application/json") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        return httpx.post(f"{app.server.url}/twirp/livekit.RoomService/{method}", content=body, headers=headers)

    def token(of: App, **grants: object) -> str:
        granted = api.VideoGrants(**grants)  # type: ignore[arg-type]
        return api.AccessToken(of.key, of.secret).with_grants(granted).to_jwt()

    room = '{"room": "room", "identity": "ann"}'
    admin = token(app, room_admin=True, room="room")
    elsewhere = token(app, room_admin=True, room="else")
    cases: list[tuple[str, str | bytes, str, str, int, str]] = [
        ("RemoveParticipant", room, live_token(app, "ann", "room"), "application/json", 403, "permission_denied"),
        ("RemoveParticipant", room, elsewhere, "application/json", 403, "permission_denied"),
        ("RemoveParticipant", room, token(other, room_admin=True, room="room"), "application/json", 404, "not_found"),
        ("RemoveParticipant", room, "garbage", "application/json", 401, "unauthenticated"),
        ("RemoveParticipant", "{", admin, "application/json", 400, "malformed"),
        ("RemoveParticipant", b"\xff\xff", admin, "application/protobuf", 400, "malformed"),
        ("MoveParticipant", room, admin, "application/json", 501, "unimplemented"),
        ("ForwardParticipant", room, admin, "application/json", 501, "unimplemented"),
        ("PerformRpc", room, elsewhere, "application/json", 403, "permission_denied"),
        ("RemoveParticipant", room, admin, "text/plain", 404, "bad_route"),
        ("Nonsense", room, admin, "application/json", 404, "bad_route"),
        ("RemoveParticipant", '{"room": "room", "identity": "nobody"}', admin, "application/json", 404, "not_found"),
        ("CreateRoom", '{"name": ""}', token(app, room_create=True), "application/json", 400, "invalid_argument"),
        ("CreateRoom", '{"name": "x"}', admin, "application/json", 403, "permission_denied"),
        ("ListRooms", "{}", admin, "application/json", 403, "permission_denied"),
    ]
    for method, body, used, kind, status, code in cases:
        answer = call(method, body, used, kind)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (method, body, answer.text)
        assert answer.json()["msg"]
    listed = call("ListParticipants", '{"room": "room"}', admin).json()
    assert [p["identity"] for p in listed["participants"]] == ["ann"]


def test_a_refused_client_learns_why(app: App) -> None:
    with httpx.Client(base_url=app.server.url) as client:
        good = live_token(app, "ann", "room")
        for path in ("/rtc/validate", "/rtc/v1/validate"):
            accepted = client.get(path, params={"access_token": good})
            assert (accepted.status_code, accepted.text) == (200, "success")
            assert accepted.headers["Access-Control-Allow-Origin"] == "*"
            refused = client.get(path, params={"access_token": good[:-4] + "AAAA"})
            assert refused.status_code == 401 and "signature" in refused.text
            assert client.get(path).status_code == 401
        bad = client.get("/rtc/v1/validate", params={"access_token": good, "join_request": "%%%"})
        assert bad.status_code == 400
