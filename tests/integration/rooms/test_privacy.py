"""Rooms keep nothing of a party that was erased, and show it all in an export."""

from __future__ import annotations

from tests.integration.link.acts import until
from tests.integration.rest.running import App
from tests.integration.rooms.acts import items, join, room, say, texts
from tests.integration.rooms.conftest import Connect


def test_an_export_has_what_a_party_said_in_rooms_and_nothing_of_others(app: App, connect: Connect) -> None:
    host, ann = connect("user/host"), connect("user/ann")
    room(host)
    join(host), join(ann)
    say(ann, "mine"), say(host, "yours")
    host.call("room.mute", conversation="r1", parties=["user/ann"], until_ms=2**52)
    with app.acting() as server:
        export = server.get("/v1/parties/user/ann/export").json()
        other = server.get("/v1/parties/user/zoe/export").json()
    assert [m["content"] for m in export["messages"] if m["type"] == "x.say"] == [{"text": "mine"}]
    (shown,) = [c for c in export["conversations"] if c["conversation"] == "r1"]
    assert (shown["kind"], shown["role"], shown["muted_until_ms"]) == ("room", "audience", 2**52)
    assert other["conversations"] == other["messages"] == []


def test_an_erased_party_leaves_rooms_without_its_words_and_attributes(app: App, connect: Connect) -> None:
    other = app.server.create_app("other")
    host, ann, same_name = connect("user/host"), connect("user/ann"), connect("user/ann", of=other)
    room(host, attributes="audience")
    room(same_name)
    join(host), join(ann), join(same_name)
    said = say(ann, "planted secret one")["seq"]
    say(host, "kept")
    say(same_name, "another app")
    ann.call("room.set_attribute", conversation="r1", key="wish", value="planted secret two")
    with app.acting() as app_server:
        erased = app_server.delete("/v1/parties/user/ann")
        assert erased.status_code == 200, erased.text
        assert erased.json()["conversations"] == 1

    def told() -> bool:
        host.call("block.list")
        return any(i[0] == "message.erased" and i[3] == {"party": "user/ann"} for i in items(host))

    until(told, "the members were told")
    page = host.call("room.entries", conversation="r1", after=said - 1)["items"]
    assert (page[0][0], page[0][3], page[0][4]) == ("x.say", {}, said)
    assert "planted" not in str(page)
    bob = connect("user/bob")
    joined = join(bob)
    assert "planted" not in str(joined)
    assert texts(joined["recent"]["items"]) == ["kept"]
    assert joined.get("attributes", []) == []
    assert texts(same_name.call("room.entries", conversation="r1")["items"]) == ["another app"]
