"""Those who run a room: roles, mutes, bans, kicks, admission, slow mode; and what bad input gets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.integration.link.acts import refused, until
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rest.running import App
from tests.integration.rooms.acts import TYPES, counts, hear, items, join, room, say, texts
from tests.integration.rooms.conftest import Connect
from trunkline.base.errors import Code
from trunkline.client import mint_token

FAR = 2_000_000_000_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_roles_are_given_by_those_above_and_survive_everyone_leaving(connect: Connect) -> None:
    host, co, mod, ann = (connect(f"user/{name}") for name in ("host", "co", "mod", "ann"))
    room(host)
    refused(Code.FORBIDDEN, ann, "room.role", conversation="r1", parties=["user/ann"], role="host")
    host.call("room.role", conversation="r1", parties=["user/co"], role="co-host")
    refused(Code.FORBIDDEN, co, "room.role", conversation="r1", parties=["user/ann"], role="co-host")
    refused(Code.FORBIDDEN, co, "room.role", conversation="r1", parties=["user/host"], role="audience")
    co.call("room.role", conversation="r1", parties=["user/mod"], role="moderator")
    refused(Code.FORBIDDEN, mod, "room.role", conversation="r1", parties=["user/ann"], role="guest")
    refused(Code.FORBIDDEN, mod, "room.configure", conversation="r1", name="mine")
    co.call("room.configure", conversation="r1", name="ours")
    assert join(ann)["role"] == "audience"
    assert join(mod)["role"] == "moderator"
    named = {n["party"]: n["role"] for n in host.call("room.named", conversation="r1")["parties"]}
    assert named == {"user/host": "host", "user/co": "co-host", "user/mod": "moderator"}
    host.call("room.role", conversation="r1", parties=["user/mod"], role="audience")
    refused(Code.FORBIDDEN, mod, "room.stats", conversation="r1")


def test_the_muted_are_told_so_and_speak_again_when_it_is_over(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    host.call("room.mute", conversation="r1", parties=["user/ann"], until_ms=FAR)
    for type in ("x.say", "x.chat"):
        refused(Code.MUTED, ann, "room.send", conversation="r1", type=type, content={"text": "no"})
    ann.call("room.send", conversation="r1", type="x.like", content={})
    refused(Code.FORBIDDEN, ann, "room.mute", conversation="r1", parties=["user/host"], until_ms=0)
    host.call("room.mute", conversation="r1", parties=["user/ann"], until_ms=0)
    say(ann, "again")
    assert hear(host, "again") == ["again"]
    assert counts(host)["x.say"]["refused"] == {"muted": 1}


def test_the_mute_of_everyone_spares_guests_and_those_who_run_the_room(connect: Connect) -> None:
    host, guest, ann = connect("user/host"), connect("user/guest"), connect("user/ann")
    room(host)
    for client in (host, guest, ann):
        join(client)
    host.call("room.role", conversation="r1", parties=["user/guest"], role="guest")
    host.call("room.configure", conversation="r1", muted_all=True)
    refused(Code.MUTED, ann, "room.send", conversation="r1", type="x.say", content={"text": "no"})
    say(guest, "yes")
    say(host, "and I")
    assert hear(ann, "yes", "and I") == ["yes", "and I"]


def test_slow_mode_refuses_with_the_time_to_wait_and_spares_what_is_not_speech(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host, slow_mode_ms=60_000)
    join(host), join(ann)
    say(ann, "one")
    with pytest.raises(Refused) as caught:
        say(ann, "two", "x.chat")
    assert caught.value.code == Code.SLOW_MODE.number
    assert 0 < caught.value.error["retry_ms"] <= 60_000
    for _ in range(3):
        ann.call("room.send", conversation="r1", type="x.like", content={})
        say(host, "hosts may")
    host.call("room.configure", conversation="r1", slow_mode_ms=0)
    say(ann, "three")
    assert "two" not in hear(host, "three")


def test_a_kick_puts_out_every_device_and_keeps_them_out_for_a_while(connect: Connect) -> None:
    host, phone, tablet = connect("user/host"), connect("user/ann", "phone"), connect("user/ann", "tablet")
    room(host)
    join(host), join(phone), join(tablet)
    refused(Code.FORBIDDEN, phone, "room.kick", conversation="r1", parties=["user/host"])
    assert host.call("room.kick", conversation="r1", parties=["user/ann", "user/nobody"], for_ms=500)["parties"] == [
        "user/ann"
    ]
    for device in (phone, tablet):
        assert device.push("room.out") == {"conversation": "r1", "reason": "kicked"}
    refused(Code.NOT_MEMBER, phone, "room.send", conversation="r1", type="x.say", content={"text": "no"})
    refused(Code.BANNED, phone, "room.join", conversation="r1")

    def back() -> bool:
        try:
            return bool(join(phone))
        except Refused:
            return False

    until(back, "the kick ended")
    say(host, "welcome back")
    hear(phone, "welcome back")
    tablet.call("block.list")
    assert "welcome back" not in texts(items(tablet))


def test_a_ban_lasts_until_it_ends_or_is_lifted(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    host.call("room.ban", conversation="r1", parties=["user/ann"], until_ms=FAR)
    assert ann.push("room.out")["reason"] == "banned"
    refused(Code.BANNED, ann, "room.join", conversation="r1")
    host.call("room.ban", conversation="r1", parties=["user/ann"], until_ms=0)
    join(ann)
    host.call("room.ban", conversation="r1", parties=["user/ann"], until_ms=now_ms() - 1)
    say(ann, "still here")


def test_by_approval_one_asks_is_admitted_and_joins(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    room(host, join="approval")
    join(host)
    for client in (ann, bob):
        refused(Code.APPROVAL_NEEDED, client, "room.join", conversation="r1")
    assert host.push("room.asked", lambda asked: asked["party"] == "user/bob")
    waiting = [n["party"] for n in host.call("room.named", conversation="r1")["parties"] if n.get("waiting")]
    assert waiting == ["user/ann", "user/bob"]
    refused(Code.FORBIDDEN, ann, "room.admit", conversation="r1", parties=["user/ann"])
    assert host.call("room.admit", conversation="r1", parties=["user/ann"])["parties"] == ["user/ann"]
    host.call("room.admit", conversation="r1", parties=["user/bob"], on=False)
    assert ann.push("room.admitted")["on"] is True
    assert bob.push("room.admitted")["on"] is False
    join(ann)
    refused(Code.APPROVAL_NEEDED, bob, "room.join", conversation="r1")


def test_the_allow_list_lets_in_those_on_it(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    room(host, join="allow-list")
    join(host)
    host.call("room.allow", conversation="r1", parties=["user/ann"])
    join(ann)
    refused(Code.JOIN_REFUSED, bob, "room.join", conversation="r1")
    host.call("room.allow", conversation="r1", parties=["user/ann"], on=False)
    ann.call("room.leave", conversation="r1")
    refused(Code.JOIN_REFUSED, ann, "room.join", conversation="r1")


def test_a_token_opens_the_rooms_of_its_grant(app: App, connect: Connect) -> None:
    host = connect("user/host")
    room(host, "show-1", join="token")
    room(host, "other", join="token")
    with WireClient(app.server.url) as ann:
        grants = {"im": {"rooms": ["show-*"]}}
        ann.call("hello", token=mint_token(app.key, app.secret, "user/ann", grants=grants), device="d")
        join(ann, "show-1")
        refused(Code.JOIN_REFUSED, ann, "room.join", conversation="other")
    refused(Code.JOIN_REFUSED, connect("user/bob"), "room.join", conversation="show-1")
    join(host, "other")


def test_a_full_room_turns_away_the_audience_only(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    room(host, capacity=1)
    join(ann)
    refused(Code.ROOM_FULL, bob, "room.join", conversation="r1")
    join(host)
    ann.call("room.leave", conversation="r1")
    host.call("room.leave", conversation="r1")
    join(bob)


def test_an_app_server_runs_every_room_of_its_app(app: App, connect: Connect) -> None:
    ann = connect("user/ann")
    with app.acting() as server:
        made = server.post("/v1/rooms", json={"id": "r1", "host": "user/host", "types": TYPES})
        assert made.status_code == 201, made.text
        assert made.headers["location"] == "/v1/rooms/r1"
        join(ann)
        sent = server.post("/v1/rooms/r1/messages", json={"type": "x.say", "content": {"text": "hello all"}})
        assert sent.json()["seq"] > 0
        assert hear(ann, "hello all") == ["hello all"]
        page = server.get("/v1/rooms/r1/entries", params={"after": sent.json()["seq"] - 1}).json()
        assert page["items"][0][3] == {"text": "hello all"}
        assert server.get("/v1/rooms/r1").json()["online"] == 1
        assert [m["party"] for m in server.get("/v1/rooms/r1/members").json()["members"]] == ["user/ann"]
        assert server.put("/v1/rooms/r1/mutes", json={"parties": ["user/ann"], "until_ms": FAR}).status_code == 200
        refused(Code.MUTED, ann, "room.send", conversation="r1", type="x.say", content={"text": "no"})
        assert server.post("/v1/rooms/r1/kick", json={"parties": ["user/ann"]}).json()["parties"] == ["user/ann"]
        assert server.get("/v1/rooms/r1/stats").json()["types"]["x.say"]["refused"] == {"muted": 1}
        assert server.delete("/v1/rooms/r1").status_code == 200
    with app.as_client("user/ann") as client:
        assert client.post("/v1/rooms/r1/messages", json={"type": "x.say", "content": {}}).status_code == 410


BAD: list[tuple[str, dict[str, Any], Code]] = [
    ("room.create", {"id": "d.claims-to-be-direct"}, Code.INVALID_CONVERSATION),
    ("room.create", {"id": "r1"}, Code.ALREADY_EXISTS),
    ("room.create", {"id": "new", "host": "user/other"}, Code.FORBIDDEN),
    ("room.create", {"id": "new", "capacity": 500_000}, Code.LIMIT_EXCEEDED),
    ("room.create", {"id": "new", "types": {"chat": {"delivery": "sample"}}}, Code.INVALID_PARAMS),
    ("room.create", {"id": "new", "types": {"x.a": {"delivery": "maybe"}}}, Code.INVALID_PARAMS),
    ("room.create", {"id": "new", "join": "password"}, Code.INVALID_PARAMS),
    ("room.create", {"id": "new", "messages_per_s": 0}, Code.INVALID_PARAMS),
    ("room.configure", {"conversation": "r1"}, Code.INVALID_PARAMS),
    ("room.configure", {"conversation": "none", "name": "x"}, Code.NOT_FOUND),
    ("room.configure", {"conversation": "r1", "slow_mode_ms": -1}, Code.INVALID_PARAMS),
    ("room.join", {"conversation": "g1"}, Code.FORBIDDEN),
    ("room.join", {"conversation": "none"}, Code.NOT_FOUND),
    ("room.send", {"conversation": "r1", "type": "x.none", "content": {}}, Code.UNKNOWN_MESSAGE_TYPE),
    ("room.send", {"conversation": "r1", "type": "x.say", "content": [1]}, Code.INVALID_CONTENT),
    ("room.send", {"conversation": "r1", "type": "x.say", "content": {}, "n": 1}, Code.INVALID_PARAMS),
    ("room.send", {"conversation": "r1", "type": "x.chat", "content": {"text": "y" * 5000}}, Code.OVERSIZE),
    ("room.send", {"conversation": "r1", "type": "x.say", "content": {"text": "y" * 70_000}}, Code.OVERSIZE),
    ("room.send", {"conversation": "g1", "type": "x.say", "content": {}}, Code.FORBIDDEN),
    ("room.role", {"conversation": "r1", "parties": ["user/x"], "role": "king"}, Code.INVALID_PARAMS),
    ("room.role", {"conversation": "r1", "parties": [], "role": "guest"}, Code.INVALID_PARAMS),
    ("room.role", {"conversation": "r1", "parties": ["nobody"], "role": "guest"}, Code.INVALID_PARTY),
    ("room.mute", {"conversation": "r1", "parties": ["user/x"], "until_ms": -1}, Code.INVALID_PARAMS),
    ("room.ban", {"conversation": "r1", "parties": ["user x"], "until_ms": 1}, Code.INVALID_PARTY),
    ("room.kick", {"conversation": "r1", "parties": ["user/x"], "for_ms": 10**12}, Code.INVALID_PARAMS),
    ("room.entries", {"conversation": "r1", "limit": 0}, Code.INVALID_PARAMS),
    ("room.set_attribute", {"conversation": "r1", "key": "", "value": ""}, Code.INVALID_PARAMS),
    ("room.set_attribute", {"conversation": "r1", "key": "k", "value": "v" * 5000}, Code.INVALID_PARAMS),
    ("room.set_attribute", {"conversation": "r1", "key": "k", "value": "v", "version": 7}, Code.VERSION_CONFLICT),
    ("room.delete_attribute", {"conversation": "r1", "key": "none"}, Code.NOT_FOUND),
    ("group.update", {"conversation": "r1", "name": "x"}, Code.FORBIDDEN),
    ("message.send", {"conversation": "r1", "content": {"text": "x"}}, Code.NOT_MEMBER),
]


def test_bad_input_has_a_code_and_changes_nothing(connect: Connect) -> None:
    host = connect("user/host")
    room(host)
    host.call("group.create", id="g1", members=[])
    join(host)
    before = host.call("room.get", conversation="r1"), host.call("room.named", conversation="r1")
    for method, params, code in BAD:
        refused(code, host, method, **params)
    after = host.call("room.get", conversation="r1"), host.call("room.named", conversation="r1")
    assert after == before
    refused(Code.NOT_FOUND, host, "room.get", conversation="new")
    assert items(host) == []


def test_what_was_taken_back_is_not_shown_to_those_who_come_later(connect: Connect) -> None:
    host, bob = connect("user/host"), connect("user/bob")
    room(host)
    join(host)
    bad, good = say(host, "bad")["seq"], say(host, "good")["seq"]
    refused(Code.FORBIDDEN, bob, "room.recall", conversation="r1", seq=bad)
    host.call("room.recall", conversation="r1", seq=bad)
    until(lambda: any(i[0] == "message.recalled" and i[6] == bad for i in fresh(host)), "the recall arrived")
    ann = connect("user/ann")
    assert texts(join(ann)["recent"]["items"]) == ["good"]
    page = ann.call("room.entries", conversation="r1", after=bad - 1)["items"]
    assert [(i[0], i[3], i[4]) for i in page[:2]] == [("x.say", {}, bad), ("x.say", {"text": "good"}, good)]


def fresh(client: WireClient) -> list[Any]:
    """All items so far, after a round trip."""
    client.call("block.list")
    return items(client)
