"""Groups over the link: roles, policies, coming and going, and what each stay may see."""

from __future__ import annotations

import time

from tests.integration.link.acts import entry_at, group, history, pushed, refused, say, tell, texts, view
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running
from trunkline.base.errors import Code


def test_metadata_is_set_changed_and_pushed(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b", name="Team", custom={"k": "v"})
    refused(Code.ALREADY_EXISTS, b, "group.create", id="team")
    refused(Code.FORBIDDEN, b, "group.update", conversation="team", name="Mine")
    a.call("group.update", conversation="team", name="Crew")
    assert b.push("entry", lambda e: e["type"] == "conversation.updated")["content"] == {"name": "Crew"}
    found = view(b, "team")
    assert (found["name"], found["custom"], found["member_count"], found["role"]) == ("Crew", {"k": "v"}, 2, "member")


def test_roles_decide_who_may_act_on_whom(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b", "user/c", "user/d")
    refused(Code.FORBIDDEN, b, "group.kick", conversation="team", parties=["user/c"])
    refused(Code.FORBIDDEN, b, "member.change", conversation="team", party="user/b", role="admin")
    a.call("member.change", conversation="team", party="user/b", role="admin")
    refused(Code.FORBIDDEN, b, "group.kick", conversation="team", parties=["user/a"])
    refused(Code.FORBIDDEN, b, "member.change", conversation="team", party="user/c", role="admin")
    b.call("group.kick", conversation="team", parties=["user/c"])
    refused(Code.NOT_MEMBER, c, "message.send", conversation="team", content={"text": "x"})
    members = a.call("member.list", conversation="team")["members"]
    assert [(m["party"], m["role"]) for m in members] == [
        ("user/a", "owner"),
        ("user/b", "admin"),
        ("user/d", "member"),
    ]


def test_the_owner_hands_over_or_dismisses(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b")
    refused(Code.OWNER_MUST_TRANSFER, a, "group.leave", conversation="team")
    refused(Code.FORBIDDEN, b, "group.transfer", conversation="team", party="user/b")
    refused(Code.NOT_MEMBER, a, "group.transfer", conversation="team", party="user/z")
    a.call("group.transfer", conversation="team", party="user/b")
    assert (view(b, "team")["role"], view(a, "team")["role"]) == ("owner", "admin")
    a.call("group.leave", conversation="team")
    b.call("group.dismiss", conversation="team")
    refused(Code.DISMISSED, b, "message.send", conversation="team", content={"text": "x"})
    refused(Code.DISMISSED, b, "group.invite", conversation="team", parties=["user/c"])
    assert view(b, "team")["dismissed"] is True


def test_policies_decide_who_comes_in(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b", who_invites="admin")
    refused(Code.FORBIDDEN, c, "group.join", conversation="team")
    refused(Code.FORBIDDEN, b, "group.invite", conversation="team", parties=["user/c"])
    a.call("group.update", conversation="team", join="open", who_invites="member")
    c.call("group.join", conversation="team")
    assert b.call("group.invite", conversation="team", parties=["user/c", "user/d"])["changed"] == ["user/d"]


def test_muted_members_cannot_speak(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b")
    until_ms = int(time.time() * 1000) + 3_600_000
    a.call("member.change", conversation="team", party="user/b", muted_until_ms=until_ms)
    refused(Code.MUTED, b, "message.send", conversation="team", content={"text": "x"})
    a.call("member.change", conversation="team", party="user/b", muted_until_ms=0)
    say(b, "team", "free")
    a.call("group.update", conversation="team", muted_all=True)
    refused(Code.MUTED, b, "message.send", conversation="team", content={"text": "x"})
    say(a, "team", "only me")
    a.call("group.update", conversation="team", muted_all=False)
    say(b, "team", "free again")


def test_members_see_the_rules_of_their_group_and_their_changes(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b", who_invites="admin")
    names = ("join", "who_invites", "history_before_join")

    def rules() -> list[object]:
        shown = b.call("conversation.get", conversation="team")
        return [shown.get(name) for name in names]

    assert rules() == ["invite", "admin", None]
    a.call("group.update", conversation="team", join="closed", history_before_join=True)
    assert rules() == ["closed", "admin", True]
    (synced,) = b.call("sync", epoch=0, pts=0)["conversations"]
    assert [synced.get(name) for name in names] == ["closed", "admin", True]


def test_history_begins_at_the_join_unless_the_group_opens_it(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team")
    before = say(a, "team", "before")
    joined = a.call("group.invite", conversation="team", parties=["user/b"])["seq"]
    after = say(a, "team", "after")
    assert [e["seq"] for e in history(b, "team")] == [joined, after]
    changed = a.call("message.edit", conversation="team", seq=before, content={"text": "secret"})["seq"]
    pushed_change = b.push("entry", lambda e: e["seq"] == changed)
    assert (pushed_change["type"], pushed_change.get("content")) == ("placeholder", None)
    assert entry_at(b, "team", changed)["type"] == "placeholder"
    refused(Code.NOT_FOUND, b, "message.react", conversation="team", seq=before, key="+1")
    a.call("group.update", conversation="team", history_before_join=True)
    a.call("group.invite", conversation="team", parties=["user/c"])
    assert texts(history(c, "team")) == ["secret", "after"]
    assert view(c, "team").get("unread", 0) == 0


def test_nothing_after_leaving_and_both_stays_after_a_return(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b")
    say(a, "team", "first stay")
    left = b.call("group.leave", conversation="team")["seq"]
    hidden = say(a, "team", "between")
    refused(Code.NOT_MEMBER, b, "message.send", conversation="team", content={"text": "x"})
    assert history(b, "team")[-1]["seq"] == left
    assert all(e["seq"] <= left for e in pushed(b, "entry"))
    a.call("group.invite", conversation="team", parties=["user/b"])
    say(a, "team", "second stay")
    entries = history(b, "team")
    assert texts(entries) == ["first stay", "second stay"]
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert entries[hidden - 1]["type"] == "placeholder"
    assert view(b, "team")["unread"] == 1


def test_guests_only_speak_where_they_were_invited(connect: Connect) -> None:
    a, guest = connect("user/a"), connect("guest/g")
    refused(Code.GUEST_FORBIDDEN, guest, "message.send", to="user/a", content={"text": "x"})
    refused(Code.GUEST_FORBIDDEN, guest, "group.create", id="mine")
    group(a, "team", "guest/g")
    say(guest, "team", "hello")
    refused(Code.GUEST_FORBIDDEN, guest, "group.invite", conversation="team", parties=["user/c"])
    conversation, _ = tell(a, "guest/g", "hi")
    say(guest, conversation, "answer")


def test_a_foreign_apps_group_does_not_exist(connect: Connect, server: Running) -> None:
    group(connect("user/a"), "team")
    with WireClient(server.url) as stranger:
        stranger.call("hello", token=server.create_app().token("user/a"), device="d1")
        for method in ("conversation.get", "history.get", "group.join", "group.leave", "member.list"):
            refused(Code.NOT_FOUND, stranger, method, conversation="team")
        # Regression: an id that was asked about before became a direct conversation of its sender with itself.
        refused(Code.NOT_FOUND, stranger, "message.send", conversation="team", content={"text": "x"})
        assert stranger.call("conversation.list")["conversations"] == []


def test_a_former_member_does_not_see_what_an_edit_after_leaving_made_of_a_message(connect: Connect) -> None:
    """Regression: history showed former members the present state of messages from their time."""
    owner, leaver = connect("user/owner"), connect("user/leaver")
    group = owner.call("group.create", name="g", members=["user/leaver"])["conversation"]
    kept = owner.call("message.send", conversation=group, content={"text": "as it was"})["seq"]
    gone = owner.call("message.send", conversation=group, content={"text": "to be recalled"})["seq"]
    leaver.call("group.leave", conversation=group)
    owner.call("message.edit", conversation=group, seq=kept, content={"text": "secret of later"})
    owner.call("message.react", conversation=group, seq=kept, key="+1")
    owner.call("message.recall", conversation=group, seq=gone)
    seen = {entry["seq"]: entry for entry in leaver.call("history.get", conversation=group)["entries"]}
    assert seen[kept]["content"] == {"text": "as it was"}
    assert "secret of later" not in str(seen)
    assert "reactions" not in seen[kept].get("now", {})
    assert seen[gone].get("content") is None


def test_only_the_app_server_adds_members_to_a_closed_group(app: App, connect: Connect) -> None:
    owner = connect("user/owner")
    group = owner.call("group.create", name="g", join="closed")["conversation"]
    refused(Code.FORBIDDEN, owner, "group.invite", conversation=group, parties=["user/x"])
    with app.acting() as server:
        assert server.post(f"/v1/groups/{group}/members", json={"parties": ["user/x"]}).is_success
    assert owner.call("member.list", conversation=group)["count"] == 2
