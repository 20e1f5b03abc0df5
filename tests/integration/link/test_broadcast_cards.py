"""Cards that are broadcast: whom they were for acts on them, nobody else sees them, and they survive a kill."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.link.acts import history, refused, until
from tests.integration.link.conftest import Connect
from tests.integration.link.test_broadcasts import NEWS, ok, send, tag, wrong
from tests.integration.link.test_broadcasts import news as news
from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, serving
from trunkline.base.errors import Code

POLL = {"kind": "poll", "data": {"question": "Lunch?", "options": ["noodles", "pizza"]}}


def put_up(server: httpx.Client, content: dict[str, Any], audience: str = "*", **more: Any) -> Any:
    """Broadcast a card."""
    request = {"type": "card.created", "content": content, "audience": audience, **more}
    return ok(server.post(f"{NEWS}/messages", json=request), 201)


def act(client: WireClient, seq: int, action: str, **value: Any) -> dict[str, Any]:
    done: dict[str, Any] = client.call("card.act", conversation="news", seq=seq, action=action, value=value)
    return done


def summary(client: WireClient, seq: int) -> dict[str, Any]:
    found: dict[str, Any] = client.call("card.get", conversation="news", seq=seq)["summary"]
    return found


def test_whom_a_card_was_for_acts_on_it_and_nobody_else_sees_it(news: httpx.Client, connect: Connect) -> None:
    tag(news, "user/a", "vip")
    tag(news, "user/b", "vip")
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    send(news, "for all")
    poll = put_up(news, POLL, "vip")["seq"]
    shown = b.push("entry", lambda e: e["seq"] == poll)
    assert (shown["type"], shown["content"]["kind"], shown["content"]["text"]) == ("card.created", "poll", "Lunch?")
    voted = act(a, poll, "vote", choices=[1])["seq"]
    for client in (a, b):
        assert client.push("entry", lambda e: e["seq"] == voted)["target"] == poll
    tag(news, "user/b")  # whom it was for was decided when it was sent
    act(b, poll, "vote", choices=[1])
    last = act(b, poll, "vote", choices=[0])["seq"]
    assert summary(a, poll) == summary(b, poll) == {"votes": [1, 1], "voters": 2}
    assert [card["seq"] for card in a.call("card.list", conversation="news")["cards"]] == [poll]
    refused(Code.NOT_FOUND, c, "card.act", conversation="news", seq=poll, action="vote", value={"choices": [0]})
    refused(Code.NOT_FOUND, c, "card.get", conversation="news", seq=poll)
    assert c.call("card.list", conversation="news")["cards"] == []
    assert [e["type"] for e in history(c, "news")][2:] == ["placeholder"] * 4
    refused(Code.FORBIDDEN, a, "message.send", conversation="news", content={"text": "x"})
    refused(Code.FORBIDDEN, a, "card.create", conversation="news", **POLL)
    refused(Code.FORBIDDEN, a, "card.act", conversation="news", seq=poll, action="close")
    ok(news.post(f"/v1/conversations/news/cards/{poll}/actions", json={"action": "close"}))
    refused(Code.CARD_CLOSED, a, "card.act", conversation="news", seq=poll, action="vote", value={"choices": [0]})
    assert a.push("entry", lambda e: e["seq"] > last)["content"]["action"] == "close"


def test_a_red_packet_for_an_audience_is_claimed_and_refunded_exactly(app: App, connect: Connect) -> None:
    packet = {"kind": "red_packet", "data": {"amount": 101, "shares": 3, "split": "random"}}
    with app.acting("user/shop") as shop, app.acting() as server:
        ok(shop.post("/v1/broadcasts/conversations", json={"id": "news"}), 201)
        tag(shop, "user/a", "vip")
        tag(shop, "user/b", "vip")
        a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
        send(shop, "for all")
        seq = put_up(shop, packet, "vip")["seq"]
        won = [act(client, seq, "claim")["event"]["amount"] for client in (a, b)]
        assert act(a, seq, "claim")["repeated"]
        refused(Code.NOT_FOUND, c, "card.act", conversation="news", seq=seq, action="claim")
        ok(server.post(f"/v1/conversations/news/cards/{seq}/actions", json={"action": "close"}))
        ended = a.push("entry", lambda e: e.get("target") == seq and e["content"].get("closes"))
        assert ended["content"]["event"]["amount"] == 101 - sum(won)
        assert summary(b, seq)["refunded"] == 101 - sum(won)


def test_bad_cards_have_codes_and_change_nothing(news: httpx.Client, connect: Connect) -> None:
    a = connect("user/a")
    send(news, "for all")

    def post(content: Any, **more: Any) -> httpx.Response:
        return news.post(f"{NEWS}/messages", json={"type": "card.created", "content": content, **more})

    wrong(post({"kind": "nothing", "data": {}}), Code.UNKNOWN_CARD_ACTION)
    wrong(post({"kind": "poll", "data": {"question": "?"}}), Code.INVALID_CONTENT)
    wrong(post({"kind": "poll"}), Code.INVALID_CONTENT)
    wrong(post({"text": "x"}), Code.INVALID_CONTENT)
    wrong(post(POLL | {"closes_at_ms": 1}), Code.TOO_LATE)
    wrong(post(POLL, expires_in_ms=5_000), Code.INVALID_PARAMS)
    wrong(post({"kind": "red_packet", "data": {"amount": 1, "shares": 1}}), Code.FORBIDDEN)
    assert [e["seq"] for e in history(a, "news")] == [1, 2]


@pytest.mark.timeout(120)
def test_a_planned_card_is_put_up_once_and_votes_survive_kills(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        with app.acting() as news:
            ok(news.post("/v1/broadcasts/conversations", json={"id": "news"}), 201)
            soon = int(time.time() * 1000) + 1_000
            put_up(news, POLL | {"closes_in_ms": 3_600_000}, id="poll", send_at_ms=soon)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    seq = 0
    for choice in (0, 1):
        with serving(tmp_path) as server:
            app.server = server
            with app.acting() as news, WireClient(server.url) as a:
                until(lambda: ok(news.get("/v1/broadcasts/poll"))["status"] == "sent", "it is put up")
                seq = ok(news.get("/v1/broadcasts/poll"))["seq"]
                a.call("hello", token=app.token(f"user/{choice}"), device="d1")
                act(a, seq, "vote", choices=[choice])
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    with serving(tmp_path) as server, WireClient(server.url) as a:
        app.server = server
        a.call("hello", token=app.token("user/0"), device="d1")
        assert summary(a, seq) == {"votes": [1, 1], "voters": 2}
        card = a.call("card.get", conversation="news", seq=seq)
        assert card["closes_at_ms"] == card["at_ms"] + 3_600_000
        assert [e["type"] for e in history(a, "news")] == ["conversation.created", "card.created"] + [
            "card.changed"
        ] * 2
