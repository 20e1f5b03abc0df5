"""Places in live sessions of conversations: they follow membership and role at every moment.

One suite for both engines: the embedded one, and a LiveKit cluster, for which a second server stands.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from livekit import api

from tests.integration.link.wire_client import WireClient
from tests.integration.live.conftest import Enter
from tests.integration.live.person import Person, live_token, until
from tests.integration.rest.running import App, Running, serving
from trunkline.base.errors import Code

pytestmark = pytest.mark.timeout(120)
Connect = Callable[[str], WireClient]


class House:
    """A server with conversations, and the engine of its live sessions."""

    def __init__(self, front: Running, cluster: App | None) -> None:
        self.front = front
        self.cluster = cluster

    def app(self) -> App:
        """A new app on it."""
        return self.front.create_app()

    def url(self) -> str:
        """Where clients of live sessions are sent."""
        server = self.cluster.server if self.cluster is not None else self.front
        return server.url.replace("http", "ws", 1)

    def room(self, app: App, conversation: str) -> str:
        """What a conversation's session is called on the engine."""
        return f"{app.id}/{conversation}" if self.cluster is not None else conversation


@pytest.fixture(scope="module", params=["embedded", "livekit"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(tmp_path_factory.mktemp("media"), LIVE__ENABLED="true", ROOMS__GRACE_S="0.5") as media:
        if request.param == "embedded":
            yield House(media, None)
            return
        cluster = media.create_app("cluster")
        directory = tmp_path_factory.mktemp("front")
        (directory / "cluster.secret").write_text(cluster.secret + "\n")
        options = {
            "LIVE__ENGINE": "livekit",
            "LIVE__URL": media.url.replace("http", "ws", 1),
            "LIVE__KEY": cluster.key,
            "LIVE__SECRET_FILE": str(directory / "cluster.secret"),
            "ROOMS__GRACE_S": "0.5",
        }
        with serving(directory, LIVE__ENABLED="true", **options) as front:
            yield House(front, cluster)


@pytest.fixture
def app(house: House) -> App:
    return house.app()


@pytest.fixture
def connect(app: App) -> Iterator[Connect]:
    """``connect("user/a")``: a greeted link of a party."""
    opened: list[WireClient] = []

    def make(party: str) -> WireClient:
        client = WireClient(app.server.url)
        opened.append(client)
        client.call("hello", token=app.token(party), device="d1")
        return client

    yield make
    for client in opened:
        client.socket.close()


def group(app: App, *parties: str) -> None:
    body = {"id": "team", "owner": parties[0], "members": list(parties[1:])}
    with app.acting() as server:
        assert server.post("/v1/groups", json=body).status_code == 201


def place(app: App, party: str, conversation: str = "team", device: str = "") -> dict[str, str]:
    with app.as_client(party, device or None) as client:
        answer = client.post(f"/v1/conversations/{conversation}/live", json={})
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


async def sit(app: App, party: str, device: str = "", conversation: str = "team") -> Person:
    given = place(app, party, conversation, device)
    person = Person(given["identity"])
    await person.room.connect(given["url"], given["token"])
    return person


async def test_members_get_places_and_two_devices_of_one_are_two(house: House, app: App) -> None:
    group(app, "user/ann", "user/bob")
    given = place(app, "user/ann", device="phone")
    assert given["identity"] == "user/ann#phone" and given["room"] == house.room(app, "team")
    assert given["url"] == house.url()
    people = [await sit(app, "user/ann", "phone"), await sit(app, "user/ann", "laptop"), await sit(app, "user/bob")]
    bob = people[2]
    await people[0].speak()
    await until(lambda: bob.hears("user/ann#phone").loudness > 4000, "bob hears ann's phone")
    assert set(bob.room.remote_participants) == {"user/ann#phone", "user/ann#laptop"}
    for person in people:
        await person.leave()


def test_others_get_none(app: App) -> None:
    group(app, "user/ann", "user/bob")
    with app.as_client("user/eve") as client:
        refused = client.post("/v1/conversations/team/live", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, Code.NOT_MEMBER.number)
        assert client.post("/v1/conversations/nowhere/live", json={}).json()["code"] == Code.NOT_FOUND.number
    with app.acting() as server:
        assert server.post("/v1/conversations/team/live", json={}).json()["code"] == Code.INVALID_PARTY.number
    with app.acting("user/ann") as server:
        assert server.post("/v1/conversations/team/live", json={"device": "a b"}).json()["code"] == 1004


def test_somebody_blocked_cannot_call(app: App) -> None:
    with app.as_client("user/bob") as bob, app.as_client("user/ann") as ann:
        sent = ann.post("/v1/messages", json={"to": "user/bob", "content": {"text": "hello"}}).json()
        assert bob.put("/v1/blocks/user/ann").status_code in (200, 204)
        refused = ann.post(f"/v1/conversations/{sent['conversation']}/live", json={})
        assert refused.json()["code"] == Code.BLOCKED.number, refused.text


async def test_a_token_minted_offline_gives_a_stranger_no_place(house: House, app: App, enter: Enter) -> None:
    if house.cluster is not None:
        pytest.skip("a cluster knows its own keys only")
    group(app, "user/ann", "user/bob")
    ann = await sit(app, "user/ann")
    with pytest.raises(Exception):  # noqa: B017 - the library raises a plain one
        await enter("user/eve", "team", token=live_token(app, "user/eve", "team"))
    await enter("recorder", "team", token=live_token(app, "recorder", "team"))
    await until(lambda: set(ann.room.remote_participants) == {"recorder"}, "identities that are no parties may")
    await ann.leave()


async def test_removal_from_the_group_ends_media_within_a_second(app: App) -> None:
    group(app, "user/ann", "user/bob", "user/cat")
    ann, bob = await sit(app, "user/ann"), await sit(app, "user/bob")
    await ann.speak()
    await bob.speak()
    await until(lambda: bob.hears("user/ann").loudness > 4000 and ann.hears("user/bob").loudness > 4000, "both hear")
    with app.acting() as server:
        kicked_s = time.monotonic()
        assert server.delete("/v1/groups/team/members/user/bob").status_code == 200
    await until(lambda: "disconnected" in bob.events and not ann.room.remote_participants, "bob is out", 3)
    assert time.monotonic() - kicked_s < 1.0
    await ann.leave()
    await bob.leave()


async def test_a_muted_member_publishes_nothing_until_the_mute_ends(app: App) -> None:
    group(app, "user/ann", "user/bob")
    ann, bob = await sit(app, "user/ann"), await sit(app, "user/bob")
    await bob.speak()
    await until(lambda: ann.hears("user/bob").loudness > 4000, "ann hears bob")
    with app.acting() as server:
        muted = {"muted_until_ms": int(time.time() * 1000) + 3_000}
        assert server.patch("/v1/groups/team/members/user/bob", json=muted).status_code == 200
    await until(lambda: not ann.room.remote_participants["user/bob"].track_publications, "bob's track is taken back")
    await bob.room.local_participant.publish_data(b"unheard", reliable=True)
    await until(lambda: _may_publish(bob), "the mute ended", 8)
    await bob.room.local_participant.publish_data(b"heard", reliable=True)
    await until(lambda: bool(ann.messages), "a message")
    assert [message[1] for message in ann.messages] == [b"heard"]
    await bob.speak()
    await until(lambda: ann.hears("user/bob").loudness > 4000, "ann hears bob again")
    await ann.leave()
    await bob.leave()


async def test_a_token_from_before_the_removal_does_not_help(house: House, app: App) -> None:
    group(app, "user/ann", "user/bob")
    given = place(app, "user/bob")
    ann = await sit(app, "user/ann")
    with app.acting() as server:
        assert server.delete("/v1/groups/team/members/user/bob").status_code == 200
    bob = Person("user/bob")
    if house.cluster is None:
        with pytest.raises(Exception):  # noqa: B017 - the library raises a plain one
            await bob.room.connect(given["url"], given["token"])
    else:
        # The cluster's door is not ours: it lets him in, and he is put out again.
        await bob.room.connect(given["url"], given["token"])
        await until(lambda: "disconnected" in bob.events, "bob is out", 12)
    await until(lambda: not ann.room.remote_participants, "ann is alone")
    await ann.leave()
    await bob.leave()


async def test_in_a_live_room_the_stage_speaks_and_the_audience_listens(app: App, connect: Connect) -> None:
    host, guest, fan = connect("user/host"), connect("user/guest"), connect("user/fan")
    host.call("room.create", id="show")
    for client in (host, guest, fan):
        client.call("room.join", conversation="show")
    people = [await sit(app, party, conversation="show") for party in ("user/host", "user/guest", "user/fan")]
    singer, later, listener = people
    await singer.speak()
    await until(lambda: listener.hears("user/host").loudness > 4000, "the audience hears the host")
    assert _may_publish(singer) and not _may_publish(listener)
    with pytest.raises(Exception):  # noqa: B017 - the library raises a plain one
        await asyncio.wait_for(later.speak(), 2)

    asked_s = time.monotonic()
    host.call("room.role", conversation="show", parties=["user/guest"], role="guest")
    await until(lambda: _may_publish(later), "the guest may speak")
    assert time.monotonic() - asked_s < 1.0
    await later.speak()
    await until(lambda: listener.hears("user/guest").loudness > 4000, "the audience hears the guest")

    asked_s = time.monotonic()
    host.call("room.mute", conversation="show", parties=["user/guest"], until_ms=int(time.time() * 1000) + 60_000)
    await until(lambda: not listener.room.remote_participants["user/guest"].track_publications, "the guest is muted")
    assert time.monotonic() - asked_s < 1.0
    asked_s = time.monotonic()
    host.call("room.kick", conversation="show", parties=["user/fan"])
    await until(lambda: "disconnected" in listener.events, "who is put out of the room is out of its session", 3)
    assert time.monotonic() - asked_s < 1.0
    guest.call("room.leave", conversation="show")
    await until(lambda: "disconnected" in later.events, "who leaves the room leaves its session", 3)
    for person in people:
        await person.leave()


def test_who_is_not_in_the_room_has_no_place(app: App, connect: Connect) -> None:
    connect("user/host").call("room.create", id="show")
    with app.as_client("user/fan") as client:
        refused = client.post("/v1/conversations/show/live", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, Code.NOT_MEMBER.number)


async def test_in_a_channel_permissions_decide(app: App) -> None:
    with app.acting("user/ann") as owner:
        made = {"id": "club", "members": ["user/bob", "user/cat"]}
        assert owner.post("/v1/communities", json=made).status_code == 201
        channel: dict[str, Any] = {"id": "talks", "everyone": {"deny": ["send"]}}
        assert owner.post("/v1/communities/club/channels", json=channel).status_code == 201
    ann, bob = await sit(app, "user/ann", conversation="talks"), await sit(app, "user/bob", conversation="talks")
    await ann.speak()
    await until(lambda: bob.hears("user/ann").loudness > 4000, "bob hears ann")
    assert not _may_publish(bob)
    with app.acting("user/ann") as owner:
        assert owner.patch("/v1/channels/talks", json={"everyone": {}}).status_code == 200
        await until(lambda: _may_publish(bob), "bob may speak", 3)
        assert owner.patch("/v1/channels/talks", json={"everyone": {"deny": ["view"]}}).status_code == 200
    await until(lambda: "disconnected" in bob.events, "bob does not see the channel any more", 3)
    with app.as_client("user/cat") as client:
        refused = client.post("/v1/conversations/talks/live", json={})
    assert refused.json()["code"] == Code.NOT_MEMBER.number
    assert "disconnected" not in ann.events
    await ann.leave()
    await bob.leave()


def test_the_clusters_webhooks_are_taken_when_it_signed_them(house: House) -> None:
    if house.cluster is None:
        pytest.skip("the embedded engine has none to send to itself")
    body = b'{"event": "participant_joined", "room": {"name": "x/y"}}'
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()

    def post(secret: str, said: str) -> int:
        token = api.AccessToken(house.cluster.key, secret).with_ttl(datetime.timedelta(minutes=1)).with_sha256(said)  # type: ignore[union-attr]
        headers = {"Authorization": token.to_jwt()}
        return httpx.post(f"{house.front.url}/v1/live/webhook", content=body, headers=headers).status_code

    assert post(house.cluster.secret, digest) == 200
    assert post(house.cluster.secret, "of something else") == 401
    assert post("not the secret, but as long as one has to be", digest) == 401


def _may_publish(person: Person) -> bool:
    permissions = person.room.local_participant.permissions
    return permissions is not None and bool(permissions.can_publish)
