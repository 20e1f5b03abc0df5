"""Communities: channels whose members are computed, permissions, user groups, bans, unread over channels, kills."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from tests.integration.link.acts import history, pushed, refused, say, texts, unread, until, view
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving
from trunkline.base.errors import Code


def community(owner: WireClient, *members: str, **more: Any) -> str:
    """A community with the channels ``talk`` and ``staff``; only the user group ``mods`` sees the latter."""
    owner.call("community.create", id="club", name="Club", members=list(members), join="open", **more)
    owner.call("usergroup.set", community="club", id="mods", allow=["manage_messages", "mention_all"])
    owner.call("category.set", community="club", id="main", name="Main")
    owner.call("channel.create", community="club", id="talk", name="Talk", category="main")
    owner.call(
        "channel.create",
        community="club",
        id="staff",
        name="Staff",
        everyone={"deny": ["view"]},
        groups={"mods": {"allow": ["view"]}},
    )
    return "club"


def a_millisecond_later() -> None:
    """Joining is known to the millisecond."""
    now_ms = int(time.time() * 1000)
    until(lambda: int(time.time() * 1000) > now_ms + 1, "time goes on")


def sync(client: WireClient, before: dict[str, Any] | None = None) -> dict[str, Any]:
    at = {"epoch": before["epoch"], "pts": before["pts"]} if before else {}
    found: dict[str, Any] = client.call("sync", **at)
    return found


def shown(answer: dict[str, Any]) -> list[str]:
    return sorted(v["conversation"] for v in answer.get("conversations", []))


def channels(client: WireClient) -> dict[str, int]:
    """What is unread in each channel."""
    return {v["conversation"]: v.get("unread", 0) for v in client.call("channel.list", community="club")["channels"]}


def test_members_see_the_channels_they_may_view(connect: Connect) -> None:
    a, b, c, stranger = connect("user/a"), connect("user/b"), connect("user/c"), connect("user/s")
    community(a, "user/b", "user/c")
    a.call("usergroup.assign", community="club", id="mods", add=["user/c"])
    hello = say(a, "talk", "hello")
    secret = say(c, "staff", "between us")
    assert b.push("entry", lambda e: e["conversation"] == "talk" and e["type"] == "text")["seq"] == hello
    assert c.push("entry", lambda e: e["conversation"] == "talk" and e["type"] == "text")["seq"] == hello
    assert [e["conversation"] for e in pushed(b, "entry") if e["type"] == "text"] == ["talk"]
    assert a.push("entry", lambda e: e["conversation"] == "staff" and e["type"] == "text")["seq"] == secret
    assert texts(history(b, "talk")) == ["hello"]
    assert shown(sync(b)) == ["club", "talk"]
    assert shown(sync(c)) == ["club", "staff", "talk"]
    seen = b.call("community.get", community="club")
    assert [(ch["id"], ch.get("category", "")) for ch in seen["channels"]] == [("talk", "main")]
    assert (seen["permissions"], seen["role"]) == (["send", "view"], "member")
    assert c.call("community.get", community="club")["mine"] == ["mods"]
    assert view(b, "talk")["community"] == "club"
    for method, more in (
        ("history.get", {}),
        ("message.send", {"content": {"text": "x"}}),
        ("conversation.get", {}),
        ("cursor.move", {"read": 1}),
        ("message.react", {"seq": secret, "key": "+"}),
        ("message.edit", {"seq": secret, "content": {"text": "x"}}),
        ("message.recall", {"seq": secret}),
        ("message.pin", {"seq": secret}),
        ("message.hide", {"seqs": [secret]}),
        ("thread.get", {"thread": secret}),
        ("receipt.get", {"seq": secret}),
        ("pin.list", {}),
        ("card.list", {}),
    ):
        refused(Code.NOT_MEMBER, b, method, conversation="staff", **more)
        refused(Code.NOT_MEMBER, stranger, method, conversation="talk", **more)
    refused(Code.NOT_MEMBER, stranger, "community.get", community="club")
    refused(Code.NOT_MEMBER, stranger, "channel.list", community="club")
    refused(Code.NOT_MEMBER, b, "message.forward", source="staff", seqs=[secret], to="user/c")


def test_permissions_decide_what_one_may_do(connect: Connect) -> None:
    a, b, mod = connect("user/a"), connect("user/b"), connect("user/m")
    community(a, "user/b", "user/m")
    a.call("usergroup.assign", community="club", id="mods", add=["user/m"])
    a.call("channel.create", community="club", id="news", everyone={"deny": ["send"]})
    refused(Code.FORBIDDEN, b, "message.send", conversation="news", content={"text": "x"})
    refused(Code.FORBIDDEN, mod, "message.send", conversation="news", content={"text": "x"})
    news = say(a, "news", "read this")
    refused(Code.FORBIDDEN, b, "message.react", conversation="news", seq=news, key="+")
    refused(Code.FORBIDDEN, b, "message.send", conversation="talk", content={"text": "x"}, mentions=["*"])
    loud = say(mod, "talk", "all of you", mentions=["*"])
    assert unread(b, "talk") == (1, 1)
    mine = say(b, "talk", "mine")
    refused(Code.FORBIDDEN, b, "message.recall", conversation="talk", seq=loud)
    refused(Code.FORBIDDEN, b, "message.pin", conversation="talk", seq=mine)
    mod.call("message.pin", conversation="talk", seq=mine)
    mod.call("message.recall", conversation="talk", seq=mine)
    assert texts(history(b, "talk")) == ["all of you"]
    a.call("member.change", conversation="club", party="user/b", muted_until_ms=2**52)
    refused(Code.MUTED, b, "message.send", conversation="talk", content={"text": "x"})
    a.call("member.change", conversation="club", party="user/b", muted_until_ms=0)
    say(b, "talk", "again")
    # What nobody but those with the permission may change.
    for method, more in (
        ("channel.create", {"id": "mine"}),
        ("category.set", {"id": "mine"}),
        ("category.delete", {"id": "main"}),
        ("usergroup.set", {"id": "mine"}),
        ("usergroup.delete", {"id": "mods"}),
        ("usergroup.assign", {"id": "mods", "add": ["user/b"]}),
        ("community.permit", {"everyone": {"allow": ["view"]}}),
        ("community.ban", {"party": "user/m"}),
    ):
        refused(Code.FORBIDDEN, b, method, community="club", **more)
    refused(Code.FORBIDDEN, b, "channel.update", channel="talk", name="x")
    refused(Code.FORBIDDEN, b, "channel.delete", channel="talk")
    # Who manages groups gives no more than it has.
    a.call("usergroup.set", community="club", id="leads", allow=["manage_groups"])
    a.call("usergroup.assign", community="club", id="leads", add=["user/b"])
    refused(Code.FORBIDDEN, b, "usergroup.set", community="club", id="new", allow=["ban"])
    refused(Code.FORBIDDEN, b, "usergroup.assign", community="club", id="mods", add=["user/b"])
    b.call("usergroup.set", community="club", id="new", allow=["send"])
    # In its own conversation only the owner and admins speak.
    refused(Code.MUTED, b, "message.send", conversation="club", content={"text": "x"})
    say(a, "club", "welcome")


def test_a_change_of_permissions_shows_and_hides_channels(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    community(a, "user/b")
    say(a, "staff", "before")
    start = sync(b)
    assert shown(start) == ["club", "talk"]
    a.call("usergroup.assign", community="club", id="mods", add=["user/b"])
    b.push("lagged", lambda _: True)
    now = sync(b, start)
    assert "staff" in shown(now)
    assert texts(history(b, "staff")) == ["before"]
    b.call("cursor.move", conversation="staff", read=2)
    say(b, "staff", "mine")
    a.call("usergroup.assign", community="club", id="mods", remove=["user/b"])
    gone = sync(b, now)
    assert "staff" in gone["removed"] and "staff" not in shown(gone)
    refused(Code.NOT_MEMBER, b, "history.get", conversation="staff")
    refused(Code.NOT_MEMBER, b, "message.recall", conversation="staff", seq=3)
    a.call("channel.delete", channel="talk")
    after = sync(b, gone)
    assert "talk" in after["removed"]
    refused(Code.NOT_MEMBER, b, "history.get", conversation="talk")
    assert [ch["id"] for ch in a.call("community.get", community="club")["channels"]] == ["staff"]
    assert "removed" not in sync(b, after)


def test_unread_begins_at_joining_and_costs_no_write(connect: Connect) -> None:
    a, b, other = connect("user/a"), connect("user/b"), connect("user/b", "d2")
    community(a)
    for number in range(3):
        say(a, "talk", f"before {number}")
    a_millisecond_later()
    b.call("group.join", conversation="club")
    assert channels(b) == {"talk": 0}
    assert texts(history(b, "talk")) == ["before 0", "before 1", "before 2"]  # who may view sees it all
    seqs = [say(a, "talk", str(number)) for number in range(4)]
    start = sync(b)
    assert channels(b) == {"talk": 4}
    own = say(b, "talk", "own")
    assert channels(b) == {"talk": 4}
    assert b.call("cursor.move", conversation="talk", read=seqs[1])["unread"] == 2
    assert other.push("cursor", lambda c: c.get("unread") is not None)["unread"] == 2
    a.call("message.recall", conversation="talk", seq=seqs[3])
    b.call("message.hide", conversation="talk", seqs=[seqs[2]])
    assert channels(b) == {"talk": 0}
    say(a, "talk", "for you", mentions=["user/b"])
    assert unread(b, "talk") == (1, 1)
    b.call("conversation.configure", conversation="talk", mute=True, notify="mentions")
    later = sync(b, start)
    (talk,) = [v for v in later["conversations"] if v["conversation"] == "talk"]
    assert (talk["unread"], talk["settings"]) == (1, {"mute": True, "notify": "mentions"})
    assert shown(sync(b, later)) == []
    b.call("group.leave", conversation="club")
    left = sync(b, later)
    assert "talk" in left["removed"]
    refused(Code.NOT_MEMBER, b, "history.get", conversation="talk")
    say(a, "talk", "while away")
    a_millisecond_later()
    b.call("group.join", conversation="club")
    assert channels(b) == {"talk": 0}
    say(a, "talk", "welcome back")
    assert channels(b) == {"talk": 1}
    assert own > seqs[-1]


def test_threads_work_in_channels(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    community(a, "user/b")
    root = say(a, "talk", "topic")
    reply = say(b, "talk", "answer", thread=root)
    assert unread(a, "talk") == (0, 0)
    seen = a.call("thread.get", conversation="talk", thread=root)
    assert (seen["replies"], seen["unread"], seen["last"]["seq"]) == (1, 1, reply)
    assert [row["thread"] for row in a.call("thread.list")["threads"]] == [root]
    a.call("thread.read", conversation="talk", thread=root, read=reply)
    assert a.call("thread.list", unread_only=True)["threads"] == []


def test_who_is_banned_stays_out(connect: Connect) -> None:
    a, b, admin = connect("user/a"), connect("user/b"), connect("user/x")
    community(a, "user/b", "user/x")
    a.call("member.change", conversation="club", party="user/x", role="admin")
    a.call("usergroup.assign", community="club", id="mods", add=["user/b"])
    admin.call("community.ban", community="club", party="user/b")
    refused(Code.NOT_MEMBER, b, "history.get", conversation="talk")
    refused(Code.FORBIDDEN, b, "group.join", conversation="club")
    refused(Code.FORBIDDEN, a, "group.invite", conversation="club", parties=["user/b"])
    assert a.call("community.get", community="club")["bans"] == ["user/b"]
    refused(Code.FORBIDDEN, admin, "community.ban", community="club", party="user/a")
    refused(Code.INVALID_PARTY, a, "community.ban", community="club", party="nobody")
    a.call("community.ban", community="club", party="user/b", on=False)
    b.call("group.join", conversation="club")
    assert "mine" not in b.call("community.get", community="club")  # leaving ends user groups
    assert texts(history(b, "talk")) == []


def test_bad_input_changes_nothing(connect: Connect) -> None:
    a = connect("user/a")
    community(a, "user/b")
    before = a.call("community.get", community="club")
    a.call("group.create", id="team")
    where = {"community": "club"}
    refused(Code.ALREADY_EXISTS, a, "community.create", id="club")
    refused(Code.INVALID_CONVERSATION, a, "community.create", id="d.x")
    refused(Code.FORBIDDEN, a, "community.get", community="team")
    refused(Code.NOT_FOUND, a, "community.get", community="nowhere")
    refused(Code.ALREADY_EXISTS, a, "channel.create", id="team", **where)
    refused(Code.NOT_FOUND, a, "channel.create", id="new", category="none", **where)
    refused(Code.NOT_FOUND, a, "channel.create", id="new", groups={"none": {"allow": ["view"]}}, **where)
    refused(Code.INVALID_PARAMS, a, "channel.create", id="new", everyone={"allow": ["fly"]}, **where)
    refused(Code.INVALID_CONVERSATION, a, "channel.create", id=".", **where)
    refused(Code.FORBIDDEN, a, "channel.update", channel="team", name="x")
    refused(Code.INVALID_PARAMS, a, "channel.update", channel="talk")
    refused(Code.NOT_FOUND, a, "channel.update", channel="talk", category="none")
    refused(Code.NOT_FOUND, a, "channel.delete", channel="nowhere")
    refused(Code.NOT_FOUND, a, "category.delete", id="none", **where)
    refused(Code.INVALID_PARAMS, a, "category.set", id="a b", **where)
    refused(Code.NOT_FOUND, a, "usergroup.assign", id="none", add=["user/b"], **where)
    refused(Code.NOT_MEMBER, a, "usergroup.assign", id="mods", add=["user/z"], **where)
    refused(Code.INVALID_PARTY, a, "usergroup.assign", id="mods", add=["nobody"], **where)
    refused(Code.NOT_FOUND, a, "usergroup.delete", id="none", **where)
    refused(Code.INVALID_PAGE_CURSOR, a, "channel.list", after="none", **where)
    refused(Code.FORBIDDEN, a, "group.update", conversation="club", history_before_join=True)
    refused(Code.FORBIDDEN, a, "group.join", conversation="talk")
    refused(Code.FORBIDDEN, a, "group.invite", conversation="talk", parties=["user/z"])
    refused(Code.FORBIDDEN, a, "member.list", conversation="talk")
    assert a.call("community.get", community="club") == before


def test_limits(connect: Connect) -> None:
    a = connect("user/a")
    community(a)
    for number in range(99):
        a.call("usergroup.set", community="club", id=f"g{number}")
    refused(Code.LIMIT_EXCEEDED, a, "usergroup.set", community="club", id="one-more")
    a.call("usergroup.set", community="club", id="g0", name="changed")
    for number in range(99):
        a.call("category.set", community="club", id=f"c{number}")
    refused(Code.LIMIT_EXCEEDED, a, "category.set", community="club", id="one-more")


def test_apps_are_apart(server: Running) -> None:
    one, two = server.create_app(), server.create_app()
    with WireClient(server.url) as a, WireClient(server.url) as b:
        a.call("hello", token=one.token("user/a"), device="d1")
        b.call("hello", token=two.token("user/a"), device="d1")
        community(a)
        say(a, "talk", "of one")
        refused(Code.NOT_FOUND, b, "community.get", community="club")
        refused(Code.NOT_FOUND, b, "history.get", conversation="talk")
        community(b)
        assert texts(history(b, "talk")) == []
        assert [e for e in pushed(b, "entry") if e["type"] == "text"] == []


def test_an_app_server_and_erasure(connect: Connect, app: App) -> None:
    a, b = connect("user/a"), connect("user/b")
    community(a, "user/b")
    say(b, "talk", "secret")
    with app.acting() as server:
        sent = server.post("/v1/conversations/talk/messages", json={"content": {"text": "from the app"}})
        assert sent.status_code == 201, sent.text
        assert server.delete("/v1/parties/user/b").status_code == 200
    assert texts(history(a, "talk")) == ["from the app"]
    assert a.call("community.get", community="club")["member_count"] == 1


def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        with WireClient(server.url) as a, WireClient(server.url) as b:
            a.call("hello", token=app.token("user/a"), device="d1")
            b.call("hello", token=app.token("user/b"), device="d1")
            community(a, "user/b")
            a.call("usergroup.assign", community="club", id="mods", add=["user/b"])
            seqs = [say(a, "talk", str(number)) for number in range(5)]
            b.call("cursor.move", conversation="talk", read=seqs[1])
            before = a.call("community.get", community="club")
            last = sync(b)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving(tmp_path) as server:
        app.server = server
        with WireClient(server.url) as a, WireClient(server.url) as b:
            a.call("hello", token=app.token("user/a"), device="d1")
            b.call("hello", token=app.token("user/b"), device="d1")
            assert a.call("community.get", community="club") == before
            assert channels(b) == {"talk": 3, "staff": 0}
            say(a, "talk", "after")
            assert b.push("entry", lambda e: e["conversation"] == "talk")["content"] == {"text": "after"}
            assert "talk" in shown(sync(b, last))
            assert channels(b) == {"talk": 4, "staff": 0}
