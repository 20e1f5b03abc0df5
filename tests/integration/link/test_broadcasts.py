"""Broadcasts: tagged audiences, one entry for all, unread and sync, schedules that survive a kill."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.link.acts import history, pushed, refused, texts, until
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving
from trunkline.base.errors import Code

NEWS = "/v1/broadcasts/conversations/news"


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The body of a success."""
    assert answer.status_code == status, answer.text
    return answer.json()


def wrong(answer: httpx.Response, code: Code) -> None:
    """The problem must be this one."""
    assert answer.json()["name"] == code.slug, answer.text


@pytest.fixture
def news(app: App) -> Iterator[httpx.Client]:
    """The app server, with a broadcast conversation."""
    with app.acting() as server:
        ok(server.post("/v1/broadcasts/conversations", json={"id": "news", "name": "News"}), 201)
        yield server


def tag(server: httpx.Client, party: str, *tags: str) -> None:
    ok(server.put("/v1/tags", json={"parties": [party], "tags": list(tags)}))


def send(server: httpx.Client, text: str, audience: str = "*", **more: Any) -> Any:
    return ok(server.post(f"{NEWS}/messages", json={"content": {"text": text}, "audience": audience, **more}), 201)


def sync(client: WireClient, before: dict[str, Any] | None = None) -> dict[str, Any]:
    at = {"epoch": before["epoch"], "pts": before["pts"]} if before else {}
    found: dict[str, Any] = client.call("sync", **at)
    return found


def view(answer: dict[str, Any]) -> dict[str, Any] | None:
    return next((v for v in answer.get("conversations", []) if v["conversation"] == "news"), None)


def test_everyone_whose_tags_fit_sees_it_and_nobody_else(news: httpx.Client, connect: Connect) -> None:
    tag(news, "user/a", "vip", "de")
    tag(news, "user/b", "vip")
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    start = sync(c)
    one = send(news, "for germans", "vip AND de")
    two = send(news, "for all")
    three = send(news, "not for vips", "NOT vip")
    a.push("entry", lambda e: e["seq"] == two["seq"])
    c.push("entry", lambda e: e["seq"] == three["seq"])
    assert texts([e for name, e in a.pushes if name == "entry"]) == ["for germans", "for all"]
    assert texts([e for name, e in c.pushes if name == "entry"]) == ["for all", "not for vips"]
    for client, expected in ((a, ["for germans", "for all"]), (b, ["for all"]), (c, ["for all", "not for vips"])):
        entries = history(client, "news")
        assert texts(entries) == expected
        assert [e["seq"] for e in entries] == list(range(1, 5))  # dense: what is for others is a placeholder
        seen = view(sync(client))
        assert seen is not None
        assert (seen["kind"], seen["name"], seen["unread"], seen["head"]) == ("broadcast", "News", len(expected), 4)
        assert seen["last"]["content"]["text"] == expected[-1]
    after = sync(c, start)
    assert view(after) is not None
    assert sync(c, after).get("conversations", []) == []  # nothing new, nothing to look at
    until(lambda: ok(news.get(f"/v1/broadcasts/{two['broadcast']}")).get("reached") == 3, "those online are counted")
    assert ok(news.get(f"/v1/broadcasts/{one['broadcast']}"))["reached"] == 1


def test_later_changes_of_tags_do_nothing(news: httpx.Client, connect: Connect) -> None:
    tag(news, "user/a", "vip")
    send(news, "for vips", "vip")
    tag(news, "user/a")
    tag(news, "user/b", "vip")
    a, b = connect("user/a"), connect("user/b")
    assert texts(history(a, "news")) == ["for vips"]
    refused(Code.NOT_MEMBER, b, "history.get", conversation="news")
    assert view(sync(b)) is None
    send(news, "for vips again", "vip")
    assert texts(history(a, "news")) == ["for vips"]
    assert texts(history(b, "news")) == ["for vips again"]
    assert ok(news.get("/v1/parties/user/b/tags"))["tags"] == ["vip"]


def test_cursors_unread_and_deleting_for_me(news: httpx.Client, connect: Connect) -> None:
    a, other = connect("user/a"), connect("user/a", "d2")
    seqs = [send(news, str(n))["seq"] for n in range(4)]
    send(news, "not for a", "vip")
    moved = a.call("cursor.move", conversation="news", read=seqs[1])
    assert moved["unread"] == 2
    assert other.push("cursor", lambda c: c.get("unread") is not None)["unread"] == 2
    a.call("message.hide", conversation="news", seqs=[seqs[2]])
    assert view(sync(other)) | {} and view(sync(other))["unread"] == 1  # type: ignore[operator,index]
    news.delete(f"/v1/conversations/news/messages/{seqs[3]}")
    found = view(sync(a))
    assert found is not None and found.get("unread", 0) == 0
    assert found["last"]["seq"] == seqs[1]
    assert texts(history(a, "news")) == ["0", "1"]
    before = sync(a)
    a.call("conversation.configure", conversation="news", mute=True)
    after = view(sync(a, before))
    assert after is not None and after["settings"]["mute"] is True and after["read"] == seqs[1]
    assert a.call("conversation.list")["conversations"] == []


def test_edits_and_recalls_reach_those_it_was_for(news: httpx.Client, connect: Connect) -> None:
    tag(news, "user/a", "vip")
    a, b = connect("user/a"), connect("user/b")
    send(news, "for all")
    seq = send(news, "helo", "vip")["seq"]
    ok(news.patch(f"/v1/conversations/news/messages/{seq}", json={"content": {"text": "hello"}}))
    assert a.push("entry", lambda e: e["type"] == "message.edited")["target"] == seq
    assert texts(history(a, "news")) == ["for all", "hello"]
    hidden = history(b, "news")
    assert texts(hidden) == ["for all"] and hidden[-1]["type"] == "placeholder"
    assert [e["type"] for e in pushed(b, "entry")] == ["text"]


def test_what_recipients_may_not_do(news: httpx.Client, connect: Connect) -> None:
    a = connect("user/a")
    seq = send(news, "for all")["seq"]
    where = {"conversation": "news"}
    refused(Code.FORBIDDEN, a, "message.send", content={"text": "x"}, **where)
    refused(Code.FORBIDDEN, a, "message.send", content={"text": "x"}, thread=seq, **where)
    refused(Code.FORBIDDEN, a, "message.react", seq=seq, key="+", **where)
    refused(Code.FORBIDDEN, a, "message.edit", seq=seq, content={"text": "x"}, **where)
    refused(Code.FORBIDDEN, a, "message.recall", seq=seq, **where)
    refused(Code.FORBIDDEN, a, "member.list", **where)
    refused(Code.FORBIDDEN, a, "group.join", **where)
    refused(Code.FORBIDDEN, a, "group.leave", **where)
    for method, more in (
        ("broadcast.send", {"content": {"text": "x"}, **where}),
        ("broadcast.create", {"id": "mine"}),
        ("broadcast.get", {"broadcast": "x"}),
        ("tags.set", {"parties": ["user/a"], "tags": ["vip"]}),
        ("tags.get", {"party": "user/a"}),
    ):
        refused(Code.FORBIDDEN, a, method, **more)
    assert [e["seq"] for e in history(a, "news")] == [1, seq]
    # The app itself names an audience too.
    wrong(news.post("/v1/conversations/news/messages", json={"content": {"text": "x"}}), Code.FORBIDDEN)


def test_bad_input_changes_nothing(news: httpx.Client, connect: Connect) -> None:
    def post(**more: Any) -> httpx.Response:
        return news.post(f"{NEWS}/messages", json={"content": {"text": "x"}, **more})

    wrong(post(audience="vip AND"), Code.INVALID_AUDIENCE)
    wrong(post(audience="(" * 50 + "t" + ")" * 50), Code.INVALID_AUDIENCE)
    wrong(post(content={"text": ""}), Code.INVALID_CONTENT)
    wrong(post(type="conversation.created"), Code.UNKNOWN_MESSAGE_TYPE)
    wrong(post(send_at_ms=2**53 - 1), Code.INVALID_PARAMS)
    wrong(post(id="a b"), Code.INVALID_PARAMS)
    wrong(news.put("/v1/tags", json={"parties": ["user/a"], "tags": ["a b"]}), Code.INVALID_TAG)
    wrong(news.put("/v1/tags", json={"parties": ["nobody"], "tags": ["a"]}), Code.INVALID_PARTY)
    wrong(
        news.put("/v1/tags", json={"parties": ["user/a"], "tags": [f"t{n}" for n in range(101)]}), Code.LIMIT_EXCEEDED
    )
    wrong(news.post("/v1/broadcasts/conversations", json={"id": "news"}), Code.ALREADY_EXISTS)
    wrong(news.post("/v1/broadcasts/conversations/nowhere/messages", json={"content": {"text": "x"}}), Code.NOT_FOUND)
    ok(news.post("/v1/groups", json={"id": "team", "owner": "user/a"}), 201)
    path = "/v1/broadcasts/conversations/team/messages"
    wrong(news.post(path, json={"content": {"text": "x"}}), Code.FORBIDDEN)
    wrong(news.get("/v1/broadcasts/none"), Code.NOT_FOUND)
    wrong(news.delete("/v1/broadcasts/none"), Code.NOT_FOUND)
    wrong(news.get(f"{NEWS}/messages", params={"after": "!"}), Code.INVALID_PAGE_CURSOR)
    assert ok(news.get(f"{NEWS}/messages"))["broadcasts"] == []
    assert ok(news.get("/v1/parties/user/a/tags"))["tags"] == []
    send(news, "once", id="promo-1")
    wrong(post(id="promo-1"), Code.ALREADY_EXISTS)
    wrong(news.delete("/v1/broadcasts/promo-1"), Code.TOO_LATE)
    assert len(ok(news.get(f"{NEWS}/messages"))["broadcasts"]) == 1


def test_an_app_is_slowed_down(news: httpx.Client) -> None:
    refusals = []
    for number in range(40):
        answer = news.post(f"{NEWS}/messages", json={"content": {"text": str(number)}})
        if answer.status_code != 201:
            wrong(answer, Code.RATE_LIMITED)
            refusals.append(number)
    assert refusals and refusals[0] >= 20
    page = ok(news.get(f"{NEWS}/messages", params={"limit": 15}))
    rest = ok(news.get(f"{NEWS}/messages", params={"limit": 200, "after": page["next"]}))
    assert len(page["broadcasts"]) + len(rest["broadcasts"]) == 40 - len(refusals)
    seqs = [row["seq"] for row in page["broadcasts"] + rest["broadcasts"]]
    assert len(set(seqs)) == len(seqs)


def test_apps_are_apart(server: Running) -> None:
    one, two = server.create_app(), server.create_app()
    with one.acting() as first, two.acting() as second, WireClient(server.url) as a, WireClient(server.url) as b:
        for each in (first, second):
            ok(each.post("/v1/broadcasts/conversations", json={"id": "news"}), 201)
        tag(first, "user/a", "vip")
        sent = send(first, "for the vips of one", "vip", id="same")
        send(second, "for the vips of two", "vip", id="same")
        a.call("hello", token=one.token("user/a"), device="d1")
        b.call("hello", token=two.token("user/a"), device="d1")
        assert texts(history(a, "news")) == ["for the vips of one"]
        refused(Code.NOT_MEMBER, b, "history.get", conversation="news")
        assert ok(second.get("/v1/parties/user/a/tags"))["tags"] == []
        assert ok(first.get("/v1/broadcasts/same"))["seq"] == sent["seq"]
        later = send(first, "later", id="only-one", send_at_ms=int(time.time() * 1000) + 3_600_000)
        assert later["status"] == "scheduled"
        wrong(second.delete("/v1/broadcasts/only-one"), Code.NOT_FOUND)
        wrong(second.get("/v1/broadcasts/only-one"), Code.NOT_FOUND)


def test_erasure_takes_the_tags_away(news: httpx.Client) -> None:
    tag(news, "user/a", "vip")
    assert ok(news.get("/v1/parties/user/a/export"))["tags"] == ["vip"]
    ok(news.delete("/v1/parties/user/a"))
    assert ok(news.get("/v1/parties/user/a/export"))["tags"] == []
    assert ok(news.get("/v1/parties/user/a/tags"))["tags"] == []


def test_erasing_a_reader_is_nobody_elses_business(news: httpx.Client, connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    seq = send(news, "for all")["seq"]
    a.call("cursor.move", conversation="news", read=seq)
    ok(news.delete("/v1/parties/user/a"))
    assert [e["type"] for e in history(b, "news")] == ["conversation.created", "text"]


def test_schedules_survive_kills_and_are_sent_exactly_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        with app.acting() as news:
            ok(news.post("/v1/broadcasts/conversations", json={"id": "news"}), 201)
            tag(news, "user/a", "vip")
            soon = int(time.time() * 1000) + 2_500
            for number in range(5):
                planned = send(news, f"planned {number}", "vip", id=f"p{number}", send_at_ms=soon)
                assert planned["status"] == "scheduled" and "seq" not in planned
            assert ok(news.delete("/v1/broadcasts/p3"))["status"] == "cancelled"
            far = send(news, "far", id="far", send_at_ms=soon + 3_600_000)
            assert far["send_at_ms"] == soon + 3_600_000
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    for _ in range(2):  # killed around the time they are due, too
        with serving(tmp_path) as server:
            app.server = server
            with app.acting() as news:
                until(
                    lambda: all(ok(news.get(f"/v1/broadcasts/p{n}"))["status"] == "sent" for n in (0, 1, 2, 4)),
                    "they are sent",
                )
                tag(news, "user/a")  # too late to matter
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    with serving(tmp_path) as server:
        app.server = server
        with app.acting() as news, WireClient(server.url) as a:
            a.call("hello", token=app.token("user/a"), device="d1")
            entries = history(a, "news")
            assert sorted(texts(entries)) == [f"planned {n}" for n in (0, 1, 2, 4)]
            assert all(entry["at_ms"] >= soon for entry in entries[1:])
            assert ok(news.get("/v1/broadcasts/p3"))["status"] == "cancelled"
            assert ok(news.get("/v1/broadcasts/far"))["status"] == "scheduled"
            wrong(news.delete("/v1/broadcasts/p3"), Code.TOO_LATE)
            assert ok(news.delete("/v1/broadcasts/far"))["status"] == "cancelled"
            found = view(sync(a))
            assert found is not None and found["unread"] == 4
