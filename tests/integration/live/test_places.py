"""Places in live sessions of conversations: they follow membership at every moment."""

from __future__ import annotations

import time

import pytest

from tests.integration.live.conftest import Enter
from tests.integration.live.person import Person, live_token, until
from tests.integration.rest.running import App
from trunkline.base.errors import Code

pytestmark = pytest.mark.timeout(120)


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


async def sit(app: App, party: str, device: str = "") -> Person:
    given = place(app, party, device=device)
    person = Person(given["identity"])
    await person.room.connect(given["url"], given["token"])
    return person


async def test_members_get_places_and_two_devices_of_one_are_two(app: App) -> None:
    group(app, "user/ann", "user/bob")
    given = place(app, "user/ann", device="phone")
    assert given["identity"] == "user/ann#phone" and given["room"] == "team"
    assert given["url"] == app.server.url.replace("http", "ws", 1)
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


async def test_a_token_minted_offline_gives_a_stranger_no_place(app: App, enter: Enter) -> None:
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


def _may_publish(person: Person) -> bool:
    permissions = person.room.local_participant.permissions
    return permissions is not None and bool(permissions.can_publish)
