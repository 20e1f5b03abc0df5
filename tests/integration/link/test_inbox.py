"""Cursors, receipts, own settings, the conversation list, sync and history ranges."""

from __future__ import annotations

from tests.integration.link.acts import group, history, refused, say, tell, texts, unread, view
from tests.integration.link.conftest import Connect
from trunkline.base.errors import Code


def test_cursors_reach_own_devices_with_counts_and_the_peer_without(connect: Connect) -> None:
    a, b, b2 = connect("user/a"), connect("user/b"), connect("user/b", device="d2")
    conversation, one = tell(a, "user/b", "one")
    two = say(a, conversation, "two")
    b.call("cursor.move", conversation=conversation, delivered=two, read=one)
    own = b2.push("cursor", lambda c: c["party"] == "user/b")
    assert (own["delivered"], own["read"], own["unread"], own["unread_mentions"]) == (two, one, 1, 0)
    peer = a.push("cursor", lambda c: c["party"] == "user/b")
    assert (peer["delivered"], peer["read"], peer.get("unread")) == (two, one, None)
    assert (view(a, conversation)["peer_read"], view(a, conversation)["peer_delivered"]) == (one, two)
    assert b.call("cursor.move", conversation=conversation, read=1)["read"] == one, "cursors never go back"
    refused(Code.INVALID_PARAMS, b, "cursor.move", conversation=conversation, read=two + 1)
    assert unread(b, conversation) == (1, 0)


def test_group_receipts_count_members_without_the_sender(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b", "user/c")
    seq = say(a, "team", "x")
    b.call("cursor.move", conversation="team", read=seq)
    c.call("cursor.move", conversation="team", delivered=seq)
    receipt = a.call("receipt.get", conversation="team", seq=seq)
    assert (receipt["audience"], receipt["delivered"], receipt["read"]) == (2, 2, 1)
    assert receipt["readers"] == ["user/b"]


def test_own_settings_reach_the_other_devices_and_nobody_else(connect: Connect) -> None:
    a, a2, b = connect("user/a"), connect("user/a", device="d2"), connect("user/b")
    conversation, _ = tell(a, "user/b", "x")
    settings = {"pinned": True, "order": 3, "mute": True, "dnd_until_ms": 5, "draft": "unsent", "hidden": True}
    a.call("conversation.configure", conversation=conversation, **settings)
    assert a2.push("settings")["settings"] == settings
    assert view(a2, conversation)["settings"] == settings
    assert view(b, conversation).get("settings", {}) == {}
    a.call("conversation.configure", conversation=conversation, draft="")
    assert view(a2, conversation)["settings"] == {k: v for k, v in settings.items() if k != "draft"}
    assert a.call("conversation.list")["conversations"] == []
    a.call("conversation.configure", conversation=conversation, hidden=False)
    assert [c["conversation"] for c in a2.call("conversation.list")["conversations"]] == [conversation]


def test_the_list_is_pinned_first_then_newest_and_pages(connect: Connect) -> None:
    a = connect("user/a")
    for i in range(5):
        group(a, f"g{i}")
    a.call("conversation.configure", conversation="g0", pinned=True, order=2)
    a.call("conversation.configure", conversation="g3", pinned=True, order=1)
    found, after = [], ""
    while True:
        page = a.call("conversation.list", limit=2, after=after)
        found += [c["conversation"] for c in page["conversations"]]
        after = page.get("next", "")
        if not after:
            break
    assert found[:2] == ["g3", "g0"]
    assert sorted(found[2:]) == ["g1", "g2", "g4"]
    active = [view(a, c)["active_at_ms"] for c in found[2:]]
    assert active == sorted(active, reverse=True)
    refused(Code.INVALID_PAGE_CURSOR, a, "conversation.list", after="nonsense")


def test_history_by_seq_by_time_and_from_the_end(connect: Connect) -> None:
    a = connect("user/a")
    group(a, "g")
    for i in range(6):
        say(a, "g", str(i))
    page = a.call("history.get", conversation="g", from_seq=2, limit=2)
    assert (texts(page["entries"]), page["more"], page["head"]) == (["0", "1"], True, 7)
    newest = a.call("history.get", conversation="g", limit=2, newest_first=True)
    assert (texts(newest["entries"]), newest["more"]) == (["4", "5"], True)
    whole = a.call("history.get", conversation="g", from_seq=6, to_seq=7)
    assert (texts(whole["entries"]), whole.get("more", False)) == (["4", "5"], False)
    at_ms = [e["at_ms"] for e in history(a, "g")]
    by_time = history(a, "g", from_ms=at_ms[3], to_ms=at_ms[4])
    assert [e["seq"] for e in by_time] == [i + 1 for i, at in enumerate(at_ms) if at_ms[3] <= at <= at_ms[4]]
    assert history(a, "g", from_ms=at_ms[-1] + 1) == []
