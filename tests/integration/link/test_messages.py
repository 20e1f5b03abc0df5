"""Sending: every type, quoting, mentioning, ids of sends, order, forwarding."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.link.acts import entry_at, group, history, refused, say, tell, texts, unread
from tests.integration.link.conftest import Connect
from tests.integration.rest.running import App
from trunkline.base.errors import Code

OUTBOX = "outbox-of-a"

CONTENTS: dict[str, dict[str, Any]] = {
    "text": {"text": "héllo \U0001f600"},
    "image": {"url": "https://x/i.png", "width": 640, "height": 480, "size_bytes": 1, "mime": "image/png"},
    "voice": {"url": "https://x/v.ogg", "duration_ms": 900, "waveform": [0, 255]},
    "video": {"url": "https://x/v.mp4", "duration_ms": 9000, "poster": "https://x/p.png"},
    "file": {"url": "https://x/f.pdf", "name": "f.pdf", "size_bytes": 12345},
    "location": {"latitude": -33.9, "longitude": 151.2, "title": "here"},
    "sticker": {"pack": "cats", "id": "7"},
    "custom": {"kind": "order", "items": [1, {"deep": [None, True]}], "sum": 1.5},
}


@pytest.mark.parametrize("type", CONTENTS)
def test_every_message_type_arrives_as_it_was_sent(connect: Connect, type: str) -> None:
    a, b = connect("user/a"), connect("user/b")
    content = CONTENTS[type] | {"unknown": ["kept"]}
    sent = a.call("message.send", to="user/b", type=type, content=content)
    pushed = b.push("entry", lambda e: e["type"] == type)
    stored = entry_at(b, sent["conversation"], sent["seq"])
    for entry in (pushed, stored):
        assert (entry["seq"], entry["sender"], entry["content"]) == (sent["seq"], "user/a", content)
    assert unread(b, sent["conversation"]) == (1, 0)


@pytest.mark.parametrize(
    ("type", "content"),
    [
        ("text", {}),
        ("text", {"text": ""}),
        ("text", {"text": "x" * 20_001}),
        ("image", {"width": 1}),
        ("voice", {"url": "https://x"}),
        ("file", {"url": "https://x", "name": "f"}),
        ("location", {"latitude": 91, "longitude": 0}),
        ("sticker", {"pack": "cats"}),
        ("custom", [1]),
    ],
)
def test_content_that_does_not_fit_its_type_is_refused(connect: Connect, type: str, content: Any) -> None:
    a = connect("user/a")
    refused(Code.INVALID_CONTENT, a, "message.send", to="user/b", type=type, content=content)
    assert a.call("conversation.list")["conversations"] == []


def test_types_one_cannot_send(connect: Connect) -> None:
    a = connect("user/a")
    merged = {"title": "t", "entries": [{}]}
    for type in ("forward", "message.recalled", "placeholder", "nonsense"):
        refused(Code.UNKNOWN_MESSAGE_TYPE, a, "message.send", to="user/b", type=type, content=merged)


def test_sender_and_time_cannot_be_forged(connect: Connect) -> None:
    a = connect("user/a")
    for forged in ({"sender": "user/b"}, {"at_ms": 1}):
        refused(Code.FORGED_FIELD, a, "message.send", to="user/b", content={"text": "x"}, **forged)


def test_a_reply_names_what_it_quotes(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, question = tell(a, "user/b", "question?")
    answer = say(b, conversation, "answer", reply_to=question)
    assert a.push("entry", lambda e: e["seq"] == answer)["reply_to"] == question
    assert entry_at(b, conversation, answer)["reply_to"] == question
    refused(Code.TARGET_UNAVAILABLE, a, "message.send", conversation=conversation, content={"text": "x"}, reply_to=99)


def test_mentions_count_for_whom_they_name(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b", "user/c")
    seq = say(c, "team", "hey b", mentions=["user/b"])
    assert b.push("entry", lambda e: e["seq"] == seq)["mentions"] == ["user/b"]
    assert (unread(a, "team"), unread(b, "team"), unread(c, "team")) == ((1, 0), (1, 1), (0, 0))


def test_mentioning_all_is_for_owner_and_admins(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b", "user/c")
    refused(Code.FORBIDDEN, b, "message.send", conversation="team", content={"text": "x"}, mentions=["*"])
    say(a, "team", "all", mentions=["*"])
    assert (unread(b, "team"), unread(c, "team"), unread(a, "team")) == ((1, 1), (1, 1), (0, 0))
    a.call("member.change", conversation="team", party="user/b", role="admin")
    say(b, "team", "all again", mentions=["*"])
    assert (unread(c, "team"), unread(a, "team")) == ((2, 2), (1, 1))


# --- ids of sends ---------------------------------------------------------------------------


def test_a_repeat_answers_the_original_position_before_and_after_projection(connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    first = a.call("message.send", to="user/b", content={"text": "x"}, n=1)
    assert a.call("message.send", to="user/b", content={"text": "x"}, n=1) == first
    refused(Code.ID_CONFLICT, a, "message.send", to="user/b", content={"text": "y"}, n=1)
    refused(Code.ID_CONFLICT, a, "message.send", to="user/c", content={"text": "x"}, n=1)
    a.call("sync")  # answered from the index: everything so far is projected
    assert a.call("message.send", to="user/b", content={"text": "x"}, n=1) == first
    refused(Code.ID_CONFLICT, a, "message.send", to="user/b", content={"text": "y"}, n=1)
    refused(Code.ID_CONFLICT, a, "message.send", to="user/c", content={"text": "x"}, n=1)
    assert texts(history(a, first["conversation"])) == ["x"]
    assert [c["conversation"] for c in a.call("conversation.list")["conversations"]] == [first["conversation"]]


def test_a_repeat_on_another_connection_is_the_same_send(connect: Connect) -> None:
    one = connect("user/a", device="d1", outbox=OUTBOX)
    first = one.call("message.send", to="user/b", content={"text": "x"}, n=7)
    two = connect("user/a", device="d2", outbox=OUTBOX)
    assert two.call("message.send", to="user/b", content={"text": "x"}, n=7) == first
    refused(Code.ID_CONFLICT, two, "message.send", to="user/b", content={"text": "z"}, n=7)
    other = connect("user/a", device="d3", outbox="another-outbox")
    assert other.call("message.send", to="user/b", content={"text": "x"}, n=7)["seq"] == first["seq"] + 1


def test_repeats_in_flight_together_are_one_message(connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    ids = [a.request("message.send", to="user/b", content={"text": "x"}, n=1) for _ in range(20)]
    replies: dict[int, Any] = {}
    while len(replies) < len(ids):
        frame = a.receive()
        if frame[0] == 2:
            replies[frame[1]] = frame[2]
    assert len({str(reply) for reply in replies.values()}) == 1
    assert texts(history(a, replies[ids[0]]["conversation"])) == ["x"]


def test_hello_tells_the_highest_n_of_the_outbox(app: App, connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    a.call("message.send", to="user/b", content={"text": "x"}, n=5)
    again = connect("user/a", device="d2")
    again.socket.close()
    raw = type(a)(app.server.url)
    assert raw.call("hello", token=app.token("user/a"), device="d3", outbox=OUTBOX)["outbox_n"] == 5
    raw.socket.close()


def test_after_refuses_what_would_overtake(connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    conversation, _ = tell(a, "user/b", "one", n=1)
    refused(Code.INVALID_CONTENT, a, "message.send", conversation=conversation, content={"text": ""}, n=2, after=1)
    refused(Code.OUT_OF_ORDER, a, "message.send", conversation=conversation, content={"text": "three"}, n=3, after=2)
    say(a, conversation, "two", n=2, after=1)
    say(a, conversation, "three", n=3, after=2)
    assert texts(history(a, conversation)) == ["one", "two", "three"]
    a.call("sync")
    say(a, conversation, "four", n=4, after=3)
    refused(Code.OUT_OF_ORDER, a, "message.send", conversation=conversation, content={"text": "x"}, n=9, after=8)
    assert texts(history(a, conversation)) == ["one", "two", "three", "four"]


def test_pipelined_messages_keep_their_order(connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    conversation, _ = tell(a, "user/b", "0", n=1)
    for i in range(1, 49):
        a.request("message.send", conversation=conversation, content={"text": str(i)}, n=i + 1, after=i)
    say(a, conversation, "49", n=50, after=49)
    assert texts(history(a, conversation)) == [str(i) for i in range(50)]


# --- forwarding -----------------------------------------------------------------------------


def test_forward_copies_messages_one_by_one(connect: Connect) -> None:
    a, c = connect("user/a", outbox=OUTBOX), connect("user/c")
    source, one = tell(a, "user/b", "one")
    two = say(a, source, "two")
    a.call("message.edit", conversation=source, seq=two, content={"text": "two, edited"})
    forward = {"source": source, "seqs": [two, one], "to": "user/c", "n": 10}
    sent = a.call("message.forward", **forward)["sent"]
    assert a.call("message.forward", **forward)["sent"] == sent
    assert texts(history(c, sent[0]["conversation"])) == ["two, edited", "one"]


def test_forward_merges_messages_into_one(connect: Connect) -> None:
    a, c = connect("user/a"), connect("user/c")
    source, one = tell(a, "user/b", "one")
    two = a.call("message.send", conversation=source, type="sticker", content=CONTENTS["sticker"])["seq"]
    a.call("message.forward", source=source, seqs=[one, two], to="user/c", merged=True, title="our talk")
    merged = c.push("entry", lambda e: e["type"] == "forward")["content"]
    assert merged["title"] == "our talk"
    assert [(e["sender"], e["type"], e["content"]) for e in merged["entries"]] == [
        ("user/a", "text", {"text": "one"}),
        ("user/a", "sticker", CONTENTS["sticker"]),
    ]


def test_what_is_gone_or_unseen_cannot_be_forwarded(connect: Connect) -> None:
    a, c = connect("user/a"), connect("user/c")
    source, one = tell(a, "user/b", "one")
    two = say(a, source, "two")
    a.call("message.recall", conversation=source, seq=one)
    for seqs in ([one], [two, one], [99], [1]):
        for merged in (False, True):
            params = {"source": source, "seqs": seqs, "to": "user/c", "merged": merged}
            refused(Code.TARGET_UNAVAILABLE, a, "message.forward", **params)
    refused(Code.NOT_MEMBER, c, "message.forward", source=source, seqs=[two], to="user/d")
    assert c.call("conversation.list")["conversations"] == []
