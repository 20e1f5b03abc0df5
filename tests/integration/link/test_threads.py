"""Threads: replies with their own unread, followers, cursors; who sees what of them; and a server that is killed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.integration.link.acts import entry_at, group, history, pushed, refused, say, tell, texts, unread, view
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import WireClient
from tests.integration.rest.running import App, Running, serving
from trunkline.base.errors import Code


def reply(client: WireClient, conversation: str, thread: int, text: str, **more: Any) -> int:
    """Reply in a thread; the seq."""
    return say(client, conversation, text, thread=thread, **more)


def thread(client: WireClient, conversation: str, root: int) -> dict[str, Any]:
    """A thread as its reader sees it."""
    found: dict[str, Any] = client.call("thread.get", conversation=conversation, thread=root)
    return found


def counts(client: WireClient, conversation: str, root: int) -> tuple[int, int]:
    """Unread replies and mentions in a thread."""
    found = thread(client, conversation, root)
    return found.get("unread", 0), found.get("unread_mentions", 0)


def listed(client: WireClient, **more: Any) -> list[int]:
    """Which threads the list shows."""
    return [row["thread"] for row in client.call("thread.list", **more)["threads"]]


def test_replies_count_in_their_thread_and_not_in_the_conversation(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    g = group(a, "g", "user/b", "user/c")
    root = say(a, g, "shall we?")
    b.call("cursor.move", conversation=g, read=root)
    c.call("cursor.move", conversation=g, read=root)
    first = reply(b, g, root, "yes")
    second = reply(b, g, root, "tomorrow", mentions=["user/c"])
    assert unread(c, g) == (0, 0)
    assert unread(a, g) == (0, 0)
    assert view(c, g)["last"]["seq"] == root
    # Its author follows from the first reply, who is named from that reply, who replies has read the own one.
    assert counts(a, g, root) == (2, 0)
    assert counts(c, g, root) == (1, 1)
    assert counts(b, g, root) == (0, 0)
    seen = thread(a, g, root)
    assert (seen["replies"], seen["last"]["seq"], seen["participants"]) == (2, second, ["user/b"])
    assert entry_at(a, g, root)["now"]["replies"] == 2
    assert entry_at(a, g, first)["thread"] == root
    assert [e["thread"] for name, e in a.pushes if name == "entry" and e["seq"] > root] == [root, root]
    after = a.call("thread.read", conversation=g, thread=root, read=first)
    assert (after["read"], after["unread"]) == (first, 1)
    assert a.call("thread.read", conversation=g, thread=root, read=root)["read"] == first  # never back
    # A busy thread does not hide the conversation's last message, and marking the conversation read needs no thread.
    for number in range(20):
        reply(b, g, root, f"and {number}")
    assert view(c, g)["last"]["seq"] == root
    assert counts(a, g, root) == (21, 0)
    say(b, g, "elsewhere")
    assert unread(c, g) == (1, 0)


def test_following_and_no_longer(connect: Connect) -> None:
    a, b, other = connect("user/a"), connect("user/b"), connect("user/b", "d2")
    c = connect("user/c")
    g = group(a, "g", "user/b", "user/c")
    root = say(a, g, "topic")
    reply(a, g, root, "one")
    assert listed(b) == []
    followed = b.call("thread.follow", conversation=g, thread=root)
    assert (followed["following"], followed.get("unread", 0)) == (True, 0)  # what was said before is not unread
    assert pushed(other, "thread")[-1] | {"read": 0} == {
        "conversation": g,
        "thread": root,
        "following": True,
        "read": 0,
    }
    reply(a, g, root, "two")
    assert counts(b, g, root) == (1, 0)
    gone = b.call("thread.follow", conversation=g, thread=root, on=False)
    assert "unread" not in gone and "following" not in gone
    reply(a, g, root, "three")
    assert listed(b) == [] and counts(b, g, root) == (0, 0)
    reply(a, g, root, "four", mentions=["user/b"])  # naming someone makes it follow again, from there
    assert counts(b, g, root) == (1, 1)
    assert listed(b) == [root] and listed(c) == []
    assert listed(c, conversation=g) == [root]  # all threads of a conversation
    assert listed(c, conversation=g, unread_only=True) == []


def test_lists_are_paged_by_the_newest_reply(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    g = group(a, "g", "user/b")
    roots = [say(a, g, f"topic {number}") for number in range(7)]
    for root in roots:
        reply(b, g, root, "hm")
    reply(b, g, roots[2], "newest")
    expected = [roots[2], *[root for root in reversed(roots) if root != roots[2]]]
    for more in ({}, {"conversation": g}):
        found: list[int] = []
        after = ""
        while True:
            page = a.call("thread.list", limit=3, after=after, **more)
            found += [row["thread"] for row in page["threads"]]
            after = page.get("next", "")
            if not after:
                break
        assert sorted(found) == sorted(expected)
        assert found[0] == roots[2]
    a.call("thread.read", conversation=g, thread=roots[2], read=view(a, g)["head"])
    assert roots[2] not in listed(a, unread_only=True)
    assert len(listed(a, unread_only=True)) == 6


def test_replies_are_read_page_by_page(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, root = tell(a, "user/b", "direct threads too")
    seqs = []
    for number in range(7):
        seqs.append(reply(b, conversation, root, str(number)))
        say(a, conversation, "between")
    first = a.call("thread.history", conversation=conversation, thread=root, limit=3)
    assert [e["seq"] for e in first["entries"]] == seqs[:3] and first["more"] is True
    rest = a.call("thread.history", conversation=conversation, thread=root, from_seq=seqs[3])
    assert [e["seq"] for e in rest["entries"]] == seqs[3:] and "more" not in rest
    last = a.call("thread.history", conversation=conversation, thread=root, limit=2, newest_first=True)
    assert [e["seq"] for e in last["entries"]] == seqs[-2:] and last["more"] is True
    b.call("message.edit", conversation=conversation, seq=seqs[0], content={"text": "changed"})
    again = a.call("thread.history", conversation=conversation, thread=root, to_seq=seqs[0])
    assert texts(again["entries"]) == ["changed"]


def test_recalls_deletions_and_expiry_correct_the_counts(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    g = group(a, "g", "user/b")
    root = say(a, g, "topic")
    seqs = [reply(b, g, root, str(number), mentions=["user/a"]) for number in range(4)]
    assert counts(a, g, root) == (4, 4)
    b.call("message.recall", conversation=g, seq=seqs[3])
    assert counts(a, g, root) == (3, 3)
    assert entry_at(a, g, root)["now"]["replies"] == 3
    assert thread(a, g, root)["last"]["seq"] == seqs[2]
    a.call("message.hide", conversation=g, seqs=[seqs[0]])
    assert counts(a, g, root) == (2, 2)
    shown = a.call("thread.history", conversation=g, thread=root)["entries"]
    assert [e["seq"] for e in shown] == seqs[1:]
    assert shown[-1]["now"]["recalled"] is True and "content" not in shown[-1]
    assert unread(a, g) == (0, 0)
    # A repeat of a numbered recall is recognised, in a thread too.
    outbox = {"outbox": "outbox-of-b", "n": 1}
    once = b.call("message.recall", conversation=g, seq=seqs[2], **outbox)
    assert b.call("message.recall", conversation=g, seq=seqs[2], **outbox) == once
    assert counts(a, g, root) == (1, 1)


def test_who_joins_later_sees_the_replies_since_and_may_answer(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    g = group(a, "g", "user/b")
    root, lone = say(a, g, "before c"), say(a, g, "no thread")
    reply(b, g, root, "also before")
    a.call("group.invite", conversation=g, parties=["user/c"])
    refused(Code.NOT_FOUND, c, "thread.get", conversation=g, thread=root)
    refused(Code.NOT_FOUND, c, "message.send", conversation=g, content={"text": "x"}, thread=root)
    assert listed(c, conversation=g) == []
    since = reply(b, g, root, "now c is here")
    seen = thread(c, g, root)
    assert seen["root"]["type"] == "placeholder" and "content" not in seen["root"]
    assert (seen["replies"], seen["last"]["seq"]) == (1, since)
    assert texts(c.call("thread.history", conversation=g, thread=root)["entries"]) == ["now c is here"]
    reply(c, g, root, "may I?")
    assert thread(c, g, root)["following"] is True
    refused(Code.NOT_FOUND, c, "message.send", conversation=g, content={"text": "x"}, thread=lone)


def test_who_leaves_follows_no_more_and_sees_what_was_until_then(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    g = group(a, "g", "user/b")
    root = say(a, g, "topic")
    reply(b, g, root, "one")
    b.call("group.leave", conversation=g)
    reply(a, g, root, "two", mentions=["user/b"])
    seen = thread(b, g, root)
    assert (seen["replies"], texts([seen["last"]])) == (1, ["one"])
    assert "following" not in seen and "unread" not in seen
    assert listed(b) == []
    assert texts(b.call("thread.history", conversation=g, thread=root)["entries"]) == ["one"]
    refused(Code.NOT_MEMBER, b, "thread.follow", conversation=g, thread=root)
    refused(Code.NOT_MEMBER, b, "thread.read", conversation=g, thread=root, read=1)
    refused(Code.NOT_MEMBER, b, "message.send", conversation=g, content={"text": "x"}, thread=root)
    a.call("group.invite", conversation=g, parties=["user/b"])
    assert counts(b, g, root) == (0, 0)
    reply(a, g, root, "three", mentions=["user/b"])
    assert counts(b, g, root) == (1, 1)


def test_who_is_blocked_does_not_reply_either(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, root = tell(a, "user/b", "hello")
    b.call("block.set", party="user/a")
    refused(Code.BLOCKED, a, "message.send", conversation=conversation, content={"text": "x"}, thread=root)
    assert len(history(b, conversation)) == root


def test_erasing_a_party_empties_its_replies_and_keeps_the_counts(connect: Connect, app: App) -> None:
    a, b = connect("user/a"), connect("user/b")
    g = group(a, "g", "user/b")
    root = say(a, g, "topic")
    seq = reply(b, g, root, "secret")
    with app.acting() as server:
        assert server.delete("/v1/parties/user/b").status_code == 200
    assert counts(a, g, root) == (1, 0)
    (entry,) = a.call("thread.history", conversation=g, thread=root)["entries"]
    assert entry["seq"] == seq and "content" not in entry
    assert thread(a, g, root)["replies"] == 1


def test_bad_input_changes_nothing(connect: Connect) -> None:
    a, b, stranger = connect("user/a"), connect("user/b"), connect("user/s")
    g = group(a, "g", "user/b")
    root = say(a, g, "topic")
    answer = reply(b, g, root, "one")
    gone = say(a, g, "taken back")
    a.call("message.recall", conversation=g, seq=gone)
    head = view(a, g)["head"]
    send = {"conversation": g, "content": {"text": "x"}}
    refused(Code.NOT_FOUND, a, "message.send", thread=999, **send)
    refused(Code.NOT_FOUND, a, "message.send", thread=1, **send)  # conversation.created is no message
    refused(Code.TARGET_UNAVAILABLE, a, "message.send", thread=answer, **send)  # a reply has no thread of its own
    refused(Code.TARGET_UNAVAILABLE, a, "message.send", thread=gone, **send)
    refused(Code.INVALID_PARAMS, a, "message.send", thread=-1, **send)
    refused(Code.NOT_MEMBER, stranger, "message.send", thread=root, **send)
    for method in ("thread.get", "thread.follow", "thread.history"):
        refused(Code.NOT_FOUND, a, method, conversation=g, thread=999)
        refused(Code.NOT_FOUND, a, method, conversation=g, thread=answer)
        refused(Code.NOT_FOUND, a, method, conversation="nowhere", thread=1)
        refused(Code.NOT_MEMBER, stranger, method, conversation=g, thread=root)
    refused(Code.INVALID_PARAMS, a, "thread.read", conversation=g, thread=root, read=head + 1)
    refused(Code.INVALID_PARAMS, a, "thread.read", conversation=g, thread=root, read=0)
    refused(Code.NOT_MEMBER, stranger, "thread.list", conversation=g)
    refused(Code.INVALID_PAGE_CURSOR, a, "thread.list", after="!")
    refused(Code.INVALID_PAGE_CURSOR, a, "thread.list", after="gA")
    assert view(a, g)["head"] == head
    assert counts(a, g, root) == (1, 0)
    # The same id for another thread is another request.
    other = say(a, g, "other")
    numbered = connect("user/a", "d2", "outbox-of-a")
    seq = reply(numbered, g, root, "x", n=1)
    assert reply(numbered, g, root, "x", n=1) == seq
    refused(Code.ID_CONFLICT, numbered, "message.send", thread=other, n=1, **send)
    refused(Code.ID_CONFLICT, numbered, "message.send", n=1, **send)


def test_apps_do_not_see_each_others_threads(server: Running) -> None:
    one, two = server.create_app(), server.create_app()
    with WireClient(server.url) as a, WireClient(server.url) as b:
        a.call("hello", token=one.token("user/a"), device="d1")
        b.call("hello", token=two.token("user/a"), device="d1")
        root = say(a, group(a, "same", "user/x"), "topic")
        reply(a, "same", root, "reply")
        assert listed(a) == [root] and listed(b) == []
        refused(Code.NOT_FOUND, b, "thread.get", conversation="same", thread=root)
        other = say(b, group(b, "same", "user/x"), "another topic")
        assert other == root
        assert thread(b, "same", root).get("replies", 0) == 0
        refused(Code.NOT_FOUND, b, "thread.history", conversation="nowhere", thread=root)


def test_sync_says_that_marks_changed_and_only_then(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    g = group(a, "g", "user/b")
    root = say(a, g, "topic")
    start = a.call("sync")
    assert "threads_changed" not in start
    reply(b, g, root, "one")
    first = a.call("sync", epoch=start["epoch"], pts=start["pts"])
    assert first["threads_changed"] is True
    marks = a.call("thread.changes", after_pts=start["pts"])
    assert marks["marks"] == [{"conversation": g, "thread": root, "following": True, "read": root}]
    reply(b, g, root, "two")  # changes nothing of the mark: no write per follower
    second = a.call("sync", epoch=first["epoch"], pts=first["pts"])
    assert "threads_changed" not in second and [v["conversation"] for v in second["conversations"]] == [g]
    assert a.call("thread.changes", after_pts=marks["pts"]).get("marks", []) == []


def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        app = server.create_app()
        with WireClient(server.url) as a, WireClient(server.url) as b:
            a.call("hello", token=app.token("user/a"), device="d1")
            b.call("hello", token=app.token("user/b"), device="d1")
            g = group(a, "g", "user/b")
            root = say(a, g, "topic")
            seqs = [reply(b, g, root, str(number)) for number in range(5)]
            a.call("thread.read", conversation=g, thread=root, read=seqs[1])
            b.call("thread.follow", conversation=g, thread=root, on=False)
            before = thread(a, g, root)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving(tmp_path) as server:
        app.server = server
        with WireClient(server.url) as a, WireClient(server.url) as b:
            a.call("hello", token=app.token("user/a"), device="d1")
            b.call("hello", token=app.token("user/b"), device="d1")
            assert thread(a, g, root) == before
            assert counts(a, g, root) == (3, 0)
            assert "following" not in thread(b, g, root)
            reply(b, g, root, "after")
            assert counts(a, g, root) == (4, 0)
