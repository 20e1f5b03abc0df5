"""Cards on the real server: every kind, who may do what, times that end, and what repeating means."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.cards.acts import ACTIONS, EXAMPLES, OUTCOMES, PACKET, POLL, act, card, create, paid
from tests.integration.cards.conftest import Connect
from tests.integration.link.acts import entry_at, group, history, refused, unread, until
from tests.integration.rest.running import App
from tests.integration.rooms.acts import items, wait_for
from trunkline.base.errors import Code


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_kind_is_made_acted_on_and_read(connect: Connect, kind: str) -> None:
    people = {party: connect(party) for party in ("user/a", "user/b", "user/c")}
    a, b = people["user/a"], people["user/b"]
    name = group(a, "g", "user/b", "user/c")
    seq = create(a, name, kind)
    assert b.push("entry", lambda data: data["seq"] == seq)["type"] == "card.created"
    for party, action, value in ACTIONS[kind]:
        done = act(people[party], name, seq, action, value)
        change = entry_at(a, name, done["seq"])
        assert (change["type"], change["target"], change["sender"]) == ("card.changed", seq, party)
        assert (change["content"]["action"], change["content"]["value"]) == (action, value)
    seen = [card(client, name, seq) for client in people.values()]
    assert seen[0]["data"] == EXAMPLES[kind]
    assert all({**view, "mine": ""} == {**seen[0], "mine": ""} for view in seen)
    if kind in OUTCOMES:
        assert seen[0].get("summary", {}) == OUTCOMES[kind]
    if kind == "red_packet":
        assert sum(paid(seen[0])) == PACKET["amount"]
    if kind == "live_location":
        assert seen[0]["summary"]["positions"]["user/b"]["latitude"] == 1.5
    assert bool(seen[0].get("closed")) == (kind == "approval")
    listed = a.call("card.list", conversation=name)["cards"]
    assert [view["seq"] for view in listed] == [seq]
    open_ones = a.call("card.list", conversation=name, open_only=True)["cards"]
    assert len(open_ones) == (0 if kind == "approval" else 1)


def test_a_card_is_a_message_and_its_log_is_the_audit_trail(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    sent = a.call("card.create", to="user/b", kind="poll", data=POLL)
    name, seq = sent["conversation"], sent["seq"]
    assert unread(b, name) == (1, 0)
    act(b, name, seq, "vote", {"choices": [0]})
    act(b, name, seq, "vote", {"choices": [1]})
    assert unread(a, name) == (0, 0), "an action is no message"
    trail = [entry for entry in history(a, name, from_seq=seq) if entry["type"] == "card.changed"]
    assert [(entry["sender"], entry["content"]["value"]) for entry in trail] == [
        ("user/b", {"choices": [0]}),
        ("user/b", {"choices": [1]}),
    ]
    entry = entry_at(a, name, seq)
    assert entry["content"]["text"] == POLL["question"]
    assert entry["now"]["card"] == card(a, name, seq)["state"], "history carries the present state"


def test_acting_again_says_where_it_took_effect(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    name = group(a, "g", "user/b")
    made = {"conversation": name, "kind": "poll", "data": POLL, "outbox": "outbox-one", "n": 1}
    seq = a.call("card.create", **made)["seq"]
    assert a.call("card.create", **made)["seq"] == seq
    vote = {
        "conversation": name,
        "seq": seq,
        "action": "vote",
        "value": {"choices": [0]},
        "outbox": "outbox-two",
        "n": 1,
    }
    first = b.call("card.act", **vote)
    act(b, name, seq, "vote", {"choices": [1]})
    again = b.call("card.act", **vote)
    assert (again["seq"], again["repeated"]) == (first["seq"], True), "by its id, though the vote has changed since"
    assert card(a, name, seq)["summary"]["votes"] == [0, 1]
    refused(Code.ID_CONFLICT, b, "card.act", **(vote | {"value": {"choices": []}}))
    refused(Code.INVALID_PARAMS, b, "card.act", **{**vote, "outbox": None})
    same = act(b, name, seq, "vote", {"choices": [1]})
    assert same["repeated"] is True, "by its meaning"
    packet = create(a, name, "red_packet")
    claimed = act(b, name, packet, "claim")
    repeated = act(b, name, packet, "claim")
    assert repeated["seq"] == claimed["seq"]
    assert repeated["event"]["amount"] == claimed["event"]["amount"]


def test_times_end_cards_and_a_red_packet_refunds_exactly(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    name = group(a, "g", "user/b")
    poll = create(a, name, closes_in_ms=400)
    packet = create(a, name, "red_packet", closes_in_ms=400)
    won = act(b, name, packet, "claim")["event"]["amount"]
    until(lambda: bool(card(a, name, packet).get("closed")), "the red packet expires")
    until(lambda: bool(card(a, name, poll).get("closed")), "the poll closes")
    ended = card(b, name, packet)
    assert ended["closed"] == "expired"
    assert paid(ended) == (won, PACKET["amount"] - won, 0)
    refund = [e for e in history(a, name) if e.get("target") == packet and e["content"].get("closes")]
    assert [e["content"]["event"] for e in refund] == [
        {"type": "refunded", "party": "user/a", "currency": "CNY", "amount": PACKET["amount"] - won, "shares": 2}
    ]
    assert refund[0]["sender"] == "bot/system"
    refused(Code.CARD_CLOSED, b, "card.act", conversation=name, seq=poll, action="vote", value={"choices": [0]})
    refused(Code.CARD_CLOSED, a, "card.act", conversation=name, seq=packet, action="claim")
    assert act(b, name, packet, "claim")["event"]["amount"] == won, "who has claimed is still told"
    refused(Code.TOO_LATE, a, "card.create", conversation=name, kind="poll", data=POLL, closes_at_ms=1000)


def test_who_may_act_and_read(connect: Connect, app: App) -> None:
    a, b, c = (connect(f"user/{name}") for name in "abc")
    name = group(a, "g", "user/b")
    seq = create(a, name)
    vote: dict[str, Any] = {"conversation": name, "seq": seq, "action": "vote", "value": {"choices": [0]}}
    refused(Code.NOT_MEMBER, c, "card.act", **vote)
    refused(Code.NOT_MEMBER, c, "card.get", conversation=name, seq=seq)
    refused(Code.NOT_MEMBER, c, "card.list", conversation=name)
    refused(Code.NOT_MEMBER, c, "card.create", conversation=name, kind="poll", data=POLL)
    other = connect("user/a", of=app.server.create_app())
    refused(Code.NOT_FOUND, other, "card.get", conversation=name, seq=seq)
    refused(Code.NOT_FOUND, other, "card.act", **vote)
    refused(Code.FORBIDDEN, b, "card.act", conversation=name, seq=seq, action="close")
    a.call("member.change", conversation=name, party="user/b", muted_until_ms=2**50)
    refused(Code.MUTED, b, "card.act", **vote)
    refused(Code.MUTED, b, "card.create", conversation=name, kind="poll", data=POLL)
    a.call("member.change", conversation=name, party="user/b", muted_until_ms=0)
    b.call("card.act", **vote)
    b.call("group.leave", conversation=name)
    refused(Code.NOT_MEMBER, b, "card.act", **vote)
    act(a, name, seq, "vote", {"choices": [1]})
    assert card(b, name, seq)["summary"]["votes"] == [1, 0], "as it was when it left"
    act(a, name, seq, "close")
    assert card(a, name, seq)["closed"] == "closed"
    refused(Code.CARD_CLOSED, a, "card.act", **vote)
    a.call("group.dismiss", conversation=name)
    refused(Code.DISMISSED, a, "card.act", **vote)


def test_whoever_is_blocked_cannot_act(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    sent = a.call("card.create", to="user/b", kind="red_packet", data=PACKET)
    a.call("block.set", party="user/b", on=True)
    refused(Code.BLOCKED, b, "card.act", conversation=sent["conversation"], seq=sent["seq"], action="claim")
    refused(Code.BLOCKED, b, "card.create", to="user/a", kind="poll", data=POLL)
    a.call("block.set", party="user/b", on=False)
    assert act(b, sent["conversation"], sent["seq"], "claim")["event"]["amount"] >= 1
    refused(Code.FORBIDDEN, a, "card.act", conversation=sent["conversation"], seq=sent["seq"], action="claim")


def test_a_card_is_taken_back_and_a_red_packet_is_not(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    name = group(a, "g", "user/b")
    seq = create(a, name, closes_in_ms=300)
    act(b, name, seq, "vote", {"choices": [0]})
    a.call("message.recall", conversation=name, seq=seq)
    refused(Code.TARGET_UNAVAILABLE, b, "card.act", conversation=name, seq=seq, action="vote", value={"choices": [1]})
    refused(Code.TARGET_UNAVAILABLE, b, "card.get", conversation=name, seq=seq)
    assert b.call("card.list", conversation=name)["cards"] == []
    entry = entry_at(b, name, seq)
    assert entry.get("content") is None
    assert "card" not in entry["now"]
    packet = create(a, name, "red_packet")
    refused(Code.TARGET_UNAVAILABLE, a, "message.recall", conversation=name, seq=packet)
    refused(Code.TARGET_UNAVAILABLE, a, "message.edit", conversation=name, seq=packet, content={"text": "more"})
    poll = create(a, name)
    refused(Code.TARGET_UNAVAILABLE, a, "message.forward", source=name, seqs=[poll], to="user/b")
    closed = [e for e in history(a, name) if e["type"] == "card.changed" and e["content"].get("action") == "expire"]
    assert closed == [], "what was taken back does not expire"


def test_nobody_learns_who_voted_in_an_anonymous_poll(connect: Connect) -> None:
    a, b, c = (connect(f"user/{name}") for name in "abc")
    name = group(a, "g", "user/b", "user/c")
    seq = create(a, name, data={**POLL, "anonymous": True})
    done = b.call(
        "card.act", conversation=name, seq=seq, action="vote", value={"choices": [0]}, outbox="phone-outbox", n=1
    )
    act(c, name, seq, "vote", {"choices": [1]})
    act(b, name, seq, "vote", {"choices": [1]})
    entry = entry_at(a, name, done["seq"])
    assert entry["sender"] == "bot/system"
    assert "user/b" not in str(entry)
    assert "phone-outbox" not in str(entry)
    seen = card(a, name, seq)
    assert "user/b" not in str(seen)
    assert seen["summary"] == {"votes": [0, 2], "voters": 2}
    mine = card(b, name, seq)["mine"]
    assert seen["state"]["fields"]["votes"][1][mine][3] == [1]


BAD: list[tuple[Code, str, Any, dict[str, Any]]] = [
    (Code.UNKNOWN_CARD_ACTION, "tarot", {}, {}),
    (Code.INVALID_CONTENT, "poll", {"question": "x", "options": ["a"]}, {}),
    (Code.INVALID_CONTENT, "poll", {"question": "x", "options": ["a", "a"]}, {}),
    (Code.INVALID_CONTENT, "red_packet", {"amount": 2, "shares": 3}, {}),
    (Code.INVALID_CONTENT, "red_packet", {"amount": 2.5, "shares": 1}, {}),
    (Code.INVALID_CONTENT, "red_packet", {"amount": -5, "shares": 1}, {}),
    (Code.INVALID_CONTENT, "event", {"title": "x", "starts_at_ms": 10, "ends_at_ms": 5}, {}),
    (Code.INVALID_CONTENT, "location", {"latitude": 91, "longitude": 0}, {}),
    (Code.INVALID_CONTENT, "approval", {"title": "x", "approvers": ["user/b", "user/b"]}, {}),
    (Code.INVALID_CONTENT, "form", {"title": "x", "questions": [{"id": "q", "label": "Q", "type": "choice"}]}, {}),
    (Code.INVALID_CONTENT, "custom", {"name": "x", "fields": {"f": {"merge": "newest"}}}, {}),
    (Code.INVALID_CONTENT, "custom", {"name": "x", "fields": {"f": {"merge": "last", "schema": {"type": 7}}}}, {}),
    (Code.INVALID_CONTENT, "custom", {"name": "x", "fields": {"f": {"merge": "last", "schema": {"$ref": "#"}}}}, {}),
    (Code.INVALID_PARAMS, "poll", POLL, {"closes_at_ms": 2**50, "closes_in_ms": 5}),
    (Code.INVALID_PARAMS, "live_location", EXAMPLES["live_location"], {"closes_in_ms": 90_000_000}),
    (Code.INVALID_PARAMS, "poll", POLL, {"n": 1}),
    (Code.OVERSIZE, "custom", {"name": "x", "fields": {}, "data": {"blob": "x" * 70_000}}, {}),
]


def test_bad_cards_and_bad_actions_have_codes_and_change_nothing(connect: Connect, app: App) -> None:
    a, b = connect("user/a"), connect("user/b")
    name = group(a, "g", "user/b", "user/c")
    seqs = {kind: create(a, name, kind) for kind in EXAMPLES}
    before = len(history(a, name))
    for code, kind, data, more in BAD:
        refused(code, a, "card.create", conversation=name, kind=kind, data=data, **more)
    acts: list[tuple[Code, str, str, Any]] = [
        (Code.UNKNOWN_CARD_ACTION, "poll", "rsvp", {}),
        (Code.UNKNOWN_CARD_ACTION, "location", "update", {}),
        (Code.INVALID_CONTENT, "poll", "vote", {"choices": [2]}),
        (Code.INVALID_CONTENT, "poll", "vote", {"choices": [0, 1]}),
        (Code.INVALID_CONTENT, "poll", "vote", {"choices": "0"}),
        (Code.INVALID_CONTENT, "poll", "vote", {}),
        (Code.LIMIT_EXCEEDED, "event", "rsvp", {"answer": "yes", "guests": 3}),
        (Code.INVALID_CONTENT, "event", "rsvp", {"answer": "perhaps"}),
        (Code.FORBIDDEN, "event", "update", {"place": "mine"}),
        (Code.INVALID_CONTENT, "live_location", "update", {"latitude": 1000, "longitude": 0}),
        (Code.NOT_FOUND, "todo", "check", {"item": "nothing"}),
        (Code.ALREADY_EXISTS, "todo", "add", {"item": "t", "text": "again"}),
        (Code.INVALID_CONTENT, "form", "submit", {"answers": {}}),
        (Code.INVALID_CONTENT, "form", "submit", {"answers": {"size": "XL"}}),
        (Code.FORBIDDEN, "red_packet", "close", {}),
        (Code.INVALID_CONTENT, "custom", "apply", {"ops": [{"field": "cups", "value": 10}]}),
        (Code.INVALID_CONTENT, "custom", "apply", {"ops": [{"field": "plates", "value": 1}]}),
        (Code.INVALID_CONTENT, "custom", "apply", {"ops": []}),
        (Code.FORBIDDEN, "custom", "apply", {"ops": [{"field": "cups", "key": "user/a", "value": 1}]}),
    ]
    for code, kind, action, value in acts:
        refused(code, b, "card.act", conversation=name, seq=seqs[kind], action=action, value=value)
    d = connect("user/c")
    refused(
        Code.NOT_YOUR_TURN,
        d,
        "card.act",
        conversation=name,
        seq=seqs["approval"],
        action="decide",
        value={"decision": "approve"},
    )
    refused(Code.NOT_FOUND, b, "card.act", conversation=name, seq=1, action="vote")
    refused(Code.NOT_FOUND, b, "card.act", conversation=name, seq=10_000, action="vote")
    refused(Code.NOT_FOUND, b, "card.get", conversation=name, seq=10_000)
    refused(
        Code.UNKNOWN_MESSAGE_TYPE, a, "message.send", conversation=name, type="card.created", content={"kind": "poll"}
    )
    with app.acting() as server:
        assert server.post("/v1/broadcasts/conversations", json={"id": "news"}).status_code == 201
        answer = server.post("/v1/conversations/news/cards", json={"kind": "poll", "data": POLL})
        assert (answer.status_code, answer.json()["name"]) == (403, Code.FORBIDDEN.slug)
        answer = server.post(f"/v1/conversations/{name}/cards", json={"kind": "red_packet", "data": PACKET})
        assert (answer.status_code, answer.json()["name"]) == (403, Code.FORBIDDEN.slug)
    assert len(history(a, name)) == before


def test_an_erased_party_leaves_cards_without_its_words_and_sums_exact(connect: Connect, app: App) -> None:
    a, b = connect("user/a"), connect("user/b")
    name = group(a, "g", "user/b", "user/c")
    poll, todo = create(a, name), create(a, name, "todo")
    own, packet = create(b, name, "todo", {"title": "plover"}), create(b, name, "red_packet")
    act(b, name, poll, "vote", {"choices": [0]})
    act(a, name, poll, "vote", {"choices": [1]})
    act(b, name, todo, "add", {"item": "x", "text": "plover"})
    won = act(a, name, packet, "claim")["event"]["amount"]
    with app.acting() as server:
        assert server.delete("/v1/parties/user/b").status_code == 200
    assert card(a, name, poll)["summary"] == {"votes": [0, 1], "voters": 1}
    assert card(a, name, poll)["data"] == POLL, "the card of somebody else stays"
    assert "plover" not in str(card(a, name, todo))
    assert "plover" not in str(card(a, name, own))
    assert "plover" not in str(history(a, name, limit=100))
    assert act(a, name, poll, "vote", {"choices": [0]})["seq"] > packet
    refused(Code.ERASED, a, "card.act", conversation=name, seq=own, action="add", value={"item": "y", "text": "y"})
    c = connect("user/c")
    act(c, name, packet, "claim")
    claimed, refunded, left = paid(card(a, name, packet))
    assert claimed >= won + 1
    assert claimed + refunded + left == PACKET["amount"]


def test_cards_over_rest(connect: Connect, app: App) -> None:
    a = connect("user/a")
    name = group(a, "g", "user/b")
    with app.acting() as server, app.acting("user/a") as maker, app.as_client("user/b") as b:
        made = server.post(
            f"/v1/conversations/{name}/cards", json={"kind": "poll", "data": POLL}, headers={"Idempotency-Key": "p1"}
        )
        assert made.status_code == 201, made.text
        seq = made.json()["seq"]
        assert made.headers["Location"].endswith(f"/cards/{seq}")
        again = server.post(
            f"/v1/conversations/{name}/cards", json={"kind": "poll", "data": POLL}, headers={"Idempotency-Key": "p1"}
        )
        assert again.json()["seq"] == seq
        url = f"/v1/conversations/{name}/cards/{seq}"
        assert b.post(url + "/actions", json={"action": "vote", "value": {"choices": [1]}}).status_code == 200
        seen = b.get(url).json()
        assert (seen["summary"], seen["mine"], seen["sender"]) == (
            {"votes": [0, 1], "voters": 1},
            "user/b",
            "bot/system",
        )
        packet = maker.post("/v1/cards", json={"to": "user/b", "kind": "red_packet", "data": PACKET | {"shares": 1}})
        assert packet.status_code == 201, packet.text
        where = packet.json()
        done = b.post(
            f"/v1/conversations/{where['conversation']}/cards/{where['seq']}/actions", json={"action": "claim"}
        )
        assert done.json()["event"]["amount"] == PACKET["amount"]
        page = b.get(f"/v1/conversations/{name}/cards", params={"open_only": "true"}).json()
        assert [view["seq"] for view in page["cards"]] == [seq]


def test_a_room_has_cards_for_those_who_are_in_it(connect: Connect, app: App) -> None:
    host, viewer, away = connect("user/host"), connect("user/viewer"), connect("user/away")
    host.call("room.create", id="show")
    for client in (host, viewer):
        client.call("room.join", conversation="show")
    refused(Code.FORBIDDEN, viewer, "card.create", conversation="show", kind="poll", data=POLL)
    refused(Code.NOT_MEMBER, away, "card.create", conversation="show", kind="poll", data=POLL)
    refused(Code.INVALID_PARAMS, host, "card.create", conversation="show", kind="poll", data=POLL, mentions=["*"])
    poll = create(host, "show")
    packet = create(host, "show", "red_packet", closes_in_ms=700)
    done = act(viewer, "show", poll, "vote", {"choices": [1]})
    won = act(viewer, "show", packet, "claim")["event"]["amount"]
    for client in (host, viewer):
        wait_for(client, lambda at=client: any(item[0] == "card.changed" for item in items(at, "show")))  # type: ignore[misc]
    heard = {item[4]: item for item in items(host, "show")}
    assert heard[poll][0] == "card.created"
    assert (heard[done["seq"]][1], heard[done["seq"]][3]["value"]) == ("user/viewer", {"choices": [1]})
    assert card(viewer, "show", poll)["summary"] == {"votes": [0, 1], "voters": 1}
    assert [view["seq"] for view in viewer.call("card.list", conversation="show")["cards"]] == [packet, poll]
    refused(Code.NOT_MEMBER, away, "card.get", conversation="show", seq=poll)
    refused(Code.NOT_MEMBER, away, "card.act", conversation="show", seq=poll, action="vote", value={"choices": [0]})
    refused(Code.FORBIDDEN, viewer, "card.act", conversation="show", seq=poll, action="close")
    host.call("room.mute", conversation="show", parties=["user/viewer"], until_ms=2**50)
    refused(Code.MUTED, viewer, "card.act", conversation="show", seq=poll, action="vote", value={"choices": [0]})
    refused(Code.NOT_FOUND, host, "room.recall", conversation="show", seq=packet)
    until(lambda: bool(card(host, "show", packet).get("closed")), "the red packet expires")
    assert paid(card(host, "show", packet)) == (won, PACKET["amount"] - won, 0)
    assert act(host, "show", poll, "close")["seq"] > packet
    late = create(host, "show", "red_packet", closes_in_ms=500)
    host.call("room.close", conversation="show")
    refused(Code.DISMISSED, host, "card.act", conversation="show", seq=poll, action="vote", value={"choices": [0]})
    with app.acting() as server:
        url = f"/v1/conversations/show/cards/{late}"
        until(lambda: bool(server.get(url).json().get("closed")), "a packet ends also when its room has closed")
        assert paid(server.get(url).json()) == (0, PACKET["amount"], 0)


def test_a_channel_has_cards_for_those_who_may_send_there(connect: Connect) -> None:
    owner, member, stranger = connect("user/owner"), connect("user/member"), connect("user/stranger")
    owner.call("community.create", id="town", members=["user/member"])
    owner.call("channel.create", community="town", id="square")
    owner.call("channel.create", community="town", id="news", everyone={"deny": ["send"]})
    owner.call("channel.create", community="town", id="board", everyone={"deny": ["view"]})
    poll = create(member, "square")
    done = act(owner, "square", poll, "vote", {"choices": [1]})
    assert entry_at(member, "square", done["seq"])["sender"] == "user/owner"
    assert card(member, "square", poll)["summary"] == {"votes": [0, 1], "voters": 1}
    act(owner, "square", poll, "close")
    for name, code in (("news", Code.FORBIDDEN), ("board", Code.NOT_MEMBER)):
        seq = create(owner, name) if name == "board" else 0
        refused(code, member, "card.create", conversation=name, kind="poll", data=POLL)
        if seq:
            refused(code, member, "card.act", conversation=name, seq=seq, action="vote", value={"choices": [0]})
            refused(code, member, "card.get", conversation=name, seq=seq)
    packet = create(owner, "square", "red_packet")
    refused(Code.NOT_MEMBER, stranger, "card.act", conversation="square", seq=packet, action="claim")
    assert act(member, "square", packet, "claim")["event"]["party"] == "user/member"
