"""Rooms over real sockets: coming and going, saying and hearing, on one server with several clients."""

from __future__ import annotations

import pytest

from tests.integration.link.acts import refused, until
from tests.integration.link.wire_client import Refused
from tests.integration.rest.running import App
from tests.integration.rooms.acts import (
    COUNT,
    SENDER,
    SEQ,
    TYPE,
    balanced,
    counts,
    hear,
    items,
    join,
    room,
    say,
    texts,
    wait_for,
)
from tests.integration.rooms.conftest import Connect
from trunkline.base.errors import Code


def test_a_reliable_message_has_a_seq_and_reaches_every_member(connect: Connect) -> None:
    host, ann, bob = connect("user/host"), connect("user/ann"), connect("user/bob")
    room(host)
    for client in (host, ann, bob):
        join(client)
    sent = [say(ann, f"m{i}")["seq"] for i in range(20)]
    assert sent == list(range(sent[0], sent[0] + 20))
    for client in (host, ann, bob):
        assert hear(client, "m19") == [f"m{i}" for i in range(20)]
        assert [i[SEQ] for i in items(client) if i[TYPE] == "x.say"] == sent


def test_batches_are_dense_in_seq(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    last = join(ann)["room"]["seq"]
    join(host)
    for i in range(30):
        say(host, f"m{i}")
        say(host, f"c{i}", "x.chat")
    hear(ann, "m29")
    for event, batch in ann.pushes:
        if event != "room":
            continue
        assert batch["prev"] == last
        seqs = [i[SEQ] for i in batch["items"] if i[SEQ]]
        assert seqs == list(range(last + 1, last + 1 + len(seqs)))
        last = batch["seq"]


def test_likes_are_merged_and_counted(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    for _ in range(50):
        ann.request("room.send", conversation="r1", type="x.like", content={})

    def heard() -> int:
        return sum(i[COUNT] for i in items(host) if i[TYPE] == "x.like")

    wait_for(host, lambda: heard() == 50)
    likes = counts(host)["x.like"]
    assert likes["received"] == likes["sent"] == 50
    assert likes["items"] == len([i for i in items(host) if i[TYPE] == "x.like"]) < 50


def test_of_latest_wins_the_last_is_delivered_and_the_others_are_counted(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    for i in range(50):
        ann.request("room.send", conversation="r1", type="x.where", content={"text": f"p{i}"})
    hear(host, "p49")
    where = counts(host)["x.where"]
    shown = [i for i in items(host) if i[TYPE] == "x.where"]
    assert where["received"] == 50
    assert where["sent"] == len(shown)
    assert where["dropped"] == {"superseded": 50 - len(shown)}


def test_a_joiner_sees_what_was_said_last_and_nothing_twice(connect: Connect) -> None:
    host = connect("user/host")
    room(host, recent=5)
    join(host)
    for i in range(10):
        say(host, f"m{i}")
    hear(host, "m9")
    ann = connect("user/ann")
    joined = join(ann)
    assert texts(joined["recent"]["items"]) == [f"m{i}" for i in range(5, 10)]
    assert joined["room"]["online"] == 2
    assert joined["role"] == "audience"
    say(host, "next")
    assert hear(ann, "next") == ["next"]


def test_who_is_not_in_the_room_can_neither_speak_nor_read(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    refused(Code.NOT_MEMBER, ann, "room.send", conversation="r1", type="x.say", content={"text": "hi"})
    refused(Code.NOT_MEMBER, ann, "room.entries", conversation="r1")
    refused(Code.NOT_MEMBER, ann, "room.members", conversation="r1")
    refused(Code.NOT_MEMBER, ann, "room.attributes", conversation="r1")
    refused(Code.NOT_MEMBER, ann, "history.get", conversation="r1")
    refused(Code.NOT_MEMBER, ann, "message.send", conversation="r1", content={"text": "hi"})
    assert counts(host)["x.say"]["refused"] == {"not_member": 1}


def test_leaving_ends_the_stay_at_once(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    assert [m["party"] for m in host.call("room.members", conversation="r1")["members"]] == ["user/ann", "user/host"]
    ann.call("room.leave", conversation="r1")
    assert host.call("room.members", conversation="r1")["online"] == 1
    refused(Code.NOT_MEMBER, ann, "room.leave", conversation="r1")
    say(host, "after")
    hear(host, "after")
    ann.call("block.list")
    assert items(ann) == []


def test_a_party_with_two_devices_stays_until_the_last_one_leaves(connect: Connect) -> None:
    host, phone, tablet = connect("user/host"), connect("user/ann", "phone"), connect("user/ann", "tablet")
    room(host)
    join(host), join(phone), join(tablet)
    assert host.call("room.get", conversation="r1")["online"] == 2
    phone.call("room.leave", conversation="r1")
    assert host.call("room.get", conversation="r1")["online"] == 2
    say(host, "still here?")
    hear(tablet, "still here?")
    tablet.call("room.leave", conversation="r1")
    assert host.call("room.get", conversation="r1")["online"] == 1


def test_a_broken_connection_resumes_within_the_grace_period(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host)
    before = join(ann)["room"]["seq"]
    ann.socket.close()
    until(
        lambda: any(m.get("away") for m in host.call("room.members", conversation="r1")["members"]),
        "the break was noticed",
    )
    missed = say(host, "while you were away")["seq"]
    again = connect("user/ann")
    joined = join(again)
    assert joined["resumed"] is True
    batch = again.call("room.entries", conversation="r1", after=before)
    assert [i[SEQ] for i in batch["items"]] == [missed]
    assert texts(batch["items"]) == ["while you were away"]


def test_who_does_not_come_back_in_time_has_left(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    ann.socket.close()
    until(lambda: host.call("room.get", conversation="r1")["online"] == 1, "the stay ended")
    assert join(connect("user/ann")).get("resumed", False) is False


def test_a_room_survives_the_whole_connection_of_everyone(connect: Connect) -> None:
    host = connect("user/host")
    room(host, name="Show")
    join(host)
    say(host, "one")
    host.socket.close()
    again = connect("user/host")
    joined = join(again)
    assert joined["room"]["name"] == "Show"
    assert joined["role"] == "host"
    assert texts(joined["recent"]["items"])[-1:] == ["one"]


def test_the_same_send_again_gets_the_first_answer_and_is_delivered_once(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    first = say(ann, "once", outbox="outbox-1", n=1)
    again = say(ann, "once", outbox="outbox-1", n=1)
    assert again["seq"] == first["seq"]
    with pytest.raises(Refused) as conflict:
        say(ann, "other", outbox="outbox-1", n=1)
    assert conflict.value.code == Code.ID_CONFLICT.number
    say(ann, "two", outbox="outbox-1", n=2)
    assert hear(host, "two") == ["once", "two"]
    found = counts(host)["x.say"]
    assert found["dropped"] == {"repeated": 1}
    assert found["refused"] == {"id_conflict": 1}
    assert found["received"] == 4
    assert balanced(counts(host))


def test_closing_a_room_tells_everyone_and_ends_it(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    refused(Code.FORBIDDEN, ann, "room.close", conversation="r1")
    host.call("room.close", conversation="r1")
    assert ann.push("room.out")["reason"] == "closed"
    assert [i[TYPE] for i in items(ann)][-1] == "conversation.dismissed"
    refused(Code.DISMISSED, ann, "room.join", conversation="r1")
    refused(Code.DISMISSED, host, "room.send", conversation="r1", type="x.say", content={"text": "x"})


def test_two_apps_have_nothing_in_common(server: object, app: App, connect: Connect) -> None:
    other = app.server.create_app("other")
    mine, theirs = connect("user/host"), connect("user/host", of=other)
    room(mine, "same")
    refused(Code.NOT_FOUND, theirs, "room.join", conversation="same")
    room(theirs, "same")
    join(mine, "same"), join(theirs, "same")
    say(mine, "ours", conversation="same")
    say(theirs, "yours", conversation="same")
    assert hear(mine, "ours", conversation="same") == ["ours"]
    assert hear(theirs, "yours", conversation="same") == ["yours"]
    assert mine.call("room.get", conversation="same")["online"] == 1
    assert counts(mine, "same")["x.say"]["received"] == 1
    assert [i[SENDER] for i in items(mine, "same")][-1] == "user/host"


def test_counters_are_in_the_metrics_and_name_no_types_of_apps(app: App, connect: Connect) -> None:
    host = connect("user/host")
    room(host)
    join(host)
    say(host, "one")
    refused(Code.UNKNOWN_MESSAGE_TYPE, host, "room.send", conversation="r1", type="x.other", content={})
    hear(host, "one")
    with app.server.operator() as operator:
        text = operator.get("/metrics").text
    assert 'trunkline_room_messages_total{outcome="sent",reason="",type="x"}' in text
    assert 'trunkline_room_messages_total{outcome="refused",reason="unknown_message_type",type="other"}' in text
    assert "x.say" not in text


def test_those_who_run_a_room_are_pushed_its_counters(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    say(ann, "one")
    shown = host.push("room.stats", lambda stats: stats["types"].get("x.say", {}).get("delivered") == 2)
    assert shown["online"] == 2
    assert shown["types"]["x.say"]["sent"] == 1
    refused(Code.FORBIDDEN, ann, "room.stats", conversation="r1")
    assert [event for event, _ in ann.pushes if event == "room.stats"] == []


def test_who_comes_and_goes_is_told_where_the_room_wants_it(connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host, notices=True)
    room(host, "quiet")
    join(host), join(host, "quiet")
    join(ann), join(ann, "quiet")
    ann.call("room.leave", conversation="r1")
    ann.call("room.leave", conversation="quiet")

    def told() -> set[tuple[str, str]]:
        return {(i[TYPE], i[SENDER]) for i in items(host)}

    wait_for(host, lambda: {("room.joined", "user/ann"), ("room.left", "user/ann")} <= told())
    refused(Code.UNKNOWN_MESSAGE_TYPE, host, "room.send", conversation="r1", type="room.joined", content={})
    say(host, "done", conversation="quiet")
    hear(host, "done", conversation="quiet")
    assert [i[TYPE] for i in items(host, "quiet") if i[TYPE].startswith("room.")] == []
    assert balanced(counts(host))
