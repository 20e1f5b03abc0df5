"""Attributes over real sockets: compare-and-set races, change events, and those that go with their owner."""

from __future__ import annotations

import threading
import time

from tests.integration.link.acts import refused, until
from tests.integration.link.wire_client import Refused
from tests.integration.rooms.acts import CONTENT, SEQ, TYPE, items, join, room, wait_for
from tests.integration.rooms.conftest import Connect
from trunkline.base.errors import Code

CHANGED = "room.attributes_changed"


def test_of_many_racing_compare_and_sets_exactly_one_wins_each_round(connect: Connect) -> None:
    host = connect("user/host")
    room(host, attributes="audience")
    racers = [connect(f"user/racer{i}") for i in range(6)]
    for client in (host, *racers):
        join(client)
    version = host.call("room.set_attribute", conversation="r1", key="seat", value="free", version=0)["version"]
    host.call("room.role", conversation="r1", parties=[f"user/racer{i}" for i in range(6)], role="moderator")
    for _ in range(5):
        won: list[int] = []
        lost: list[int] = []

        def race(client: object, at: int, won: list[int] = won, lost: list[int] = lost) -> None:
            try:
                made = client.call("room.set_attribute", conversation="r1", key="seat", value="taken", version=at)  # type: ignore[attr-defined]
                won.append(made["version"])
            except Refused as error:
                lost.append(error.code)

        threads = [threading.Thread(target=race, args=(client, version)) for client in racers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(won) == 1
        assert lost == [Code.VERSION_CONFLICT.number] * 5
        assert won[0] > version
        version = won[0]


def test_changes_are_told_to_every_member_in_order(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    for value in ("one", "two"):
        host.call("room.set_attribute", conversation="r1", key="song", value=value)
    host.call("room.delete_attribute", conversation="r1", key="song")

    def events() -> list[dict[str, object]]:
        return [i[CONTENT] for i in items(ann) if i[TYPE] == CHANGED]

    wait_for(ann, lambda: len(events()) == 3)
    assert [event.get("set", [["", "gone"]])[0][1] for event in events()] == ["one", "two", "gone"]  # type: ignore[index]
    assert all(i[SEQ] for i in items(ann) if i[TYPE] == CHANGED)


def test_kept_ones_stay_and_auto_deleted_ones_go_with_their_owner(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host, attributes="audience")
    join(host), join(ann)
    ann.call("room.set_attribute", conversation="r1", key="hand", value="up", auto_delete=True)
    ann.call("room.set_attribute", conversation="r1", key="vote", value="yes")
    shown = {a["key"]: a.get("auto_delete", False) for a in join(connect("user/bob"))["attributes"]}
    assert shown == {"hand": True, "vote": False}
    refused(Code.INVALID_PARAMS, ann, "room.set_attribute", conversation="r1", key="hand", value="x")
    ann.socket.close()

    def removed() -> bool:
        return any("hand" in i[CONTENT].get("removed", []) for i in items(host) if i[TYPE] == CHANGED)

    wait_for(host, removed)
    left = host.call("room.attributes", conversation="r1")["attributes"]
    assert [a["key"] for a in left] == ["vote"]


def test_what_others_own_is_changed_by_those_who_run_the_room_only(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    room(host, attributes="audience")
    for client in (host, ann, bob):
        join(client)
    ann.call("room.set_attribute", conversation="r1", key="k", value="mine")
    refused(Code.FORBIDDEN, bob, "room.set_attribute", conversation="r1", key="k", value="mine now")
    refused(Code.FORBIDDEN, bob, "room.delete_attribute", conversation="r1", key="k")
    host.call("room.set_attribute", conversation="r1", key="k", value="ours")
    host.call("room.configure", conversation="r1", attributes="co-host")
    refused(Code.FORBIDDEN, ann, "room.set_attribute", conversation="r1", key="new", value="x")


def test_a_hundred_changes_a_second_and_no_more(connect: Connect) -> None:
    host = connect("user/host")
    room(host)
    join(host)
    codes: list[int] = []
    began_s = time.monotonic()
    # As often as it takes: a slow machine may need longer for a hundred than they are allowed in.
    while Code.RATE_LIMITED.number not in codes:
        assert time.monotonic() - began_s < 40, "it was never refused"
        sent = [
            host.request("room.set_attribute", conversation="r1", key="k", value=str(number)) for number in range(50)
        ]
        while sent:
            frame = host.receive()
            if frame[0] in (2, 3) and frame[1] in sent:
                sent.remove(frame[1])
                codes.append(frame[2].get("code", 0) if frame[0] == 3 else 0)
    assert codes[:100] == [0] * 100
    assert codes.count(0) <= 100 + 100 * (time.monotonic() - began_s)


def test_versions_grow_across_a_room_that_nobody_was_in(connect: Connect) -> None:
    host = connect("user/host")
    room(host)
    join(host)
    first = host.call("room.set_attribute", conversation="r1", key="k", value="1")["version"]
    host.call("room.delete_attribute", conversation="r1", key="k")
    host.call("room.leave", conversation="r1")
    until(lambda: host.call("room.get", conversation="r1").get("online", 0) == 0, "it is empty")
    join(host)
    assert host.call("room.set_attribute", conversation="r1", key="k", value="2", version=0)["version"] > first
