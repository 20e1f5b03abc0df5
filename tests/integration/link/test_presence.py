"""Presence, typing and block lists."""

from __future__ import annotations

from tests.integration.link.acts import group, pushed, refused, tell
from tests.integration.link.conftest import Connect
from trunkline.base.errors import Code


def test_watchers_are_told_who_comes_and_goes(connect: Connect) -> None:
    a = connect("user/a")
    (before,) = a.call("presence.watch", parties=["user/b"])["presences"]
    assert before["online"] is False
    b = connect("user/b", device="phone")
    assert a.push("presence", lambda p: p["online"])["devices"] == ["phone"]
    b.socket.close()
    assert a.push("presence", lambda p: not p["online"])["party"] == "user/b"
    a.pushes.clear()
    a.call("presence.unwatch", parties=["user/b"])
    connect("user/b", device="phone")
    assert pushed(a, "presence") == []


def test_typing_reaches_members_and_not_oneself(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b")
    a.call("typing.set", conversation="team")
    assert b.push("typing") == {"conversation": "team", "party": "user/a", "typing": True}
    a.call("typing.set", conversation="team", typing=False)
    assert b.push("typing", lambda t: not t["typing"])["party"] == "user/a"
    refused(Code.NOT_MEMBER, c, "typing.set", conversation="team")
    assert pushed(a, "typing") == pushed(c, "typing") == []


def test_a_blocked_party_is_refused_and_sees_nobody_online(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, _ = tell(a, "user/b", "hello")
    b.call("block.set", party="user/a")
    refused(Code.BLOCKED, a, "message.send", conversation=conversation, content={"text": "x"})
    refused(Code.BLOCKED, a, "message.send", to="user/b", content={"text": "x"})
    (seen,) = a.call("presence.get", parties=["user/b"])["presences"]
    assert seen["online"] is False
    tell(b, "user/a", "the other way works")
    b.call("block.set", party="user/a", on=False)
    tell(a, "user/b", "again")
