"""Changes and forwards with an id ``(outbox, n)`` take effect once, and a repeat gets the first answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.link.acts import group, history, refused, say, tell, texts
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import WireClient
from trunkline.base.errors import Code

OUTBOX = "outbox-of-a-1"
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "message.edit": ({"content": {"text": "new"}}, {"content": {"text": "other"}}),
    "message.recall": ({}, None),
    "message.react": ({"key": "+1"}, {"key": "+1", "on": False}),
    "message.pin": ({}, {"on": False}),
}


def project(client: WireClient) -> None:
    """Have everything projected: sync waits for that."""
    client.call("sync", epoch=0, pts=0)


def length(client: WireClient, conversation: str) -> int:
    return len(history(client, conversation, limit=500))


@pytest.mark.parametrize("projected", [False, True], ids=["recent", "projected"])
@pytest.mark.parametrize("method", CHANGES)
def test_a_repeated_change_gets_the_first_answer(connect: Connect, method: str, projected: bool) -> None:
    given, other = CHANGES[method]
    a = connect("user/a", outbox=OUTBOX)
    conversation, seq = tell(a, "user/b", "old", n=1)
    first = a.call(method, conversation=conversation, seq=seq, n=5, **given)
    before = length(a, conversation)
    if projected:
        project(a)
    assert a.call(method, conversation=conversation, seq=seq, n=5, **given) == first
    again = connect("user/a", device="d2")
    assert again.call(method, conversation=conversation, seq=seq, n=5, outbox=OUTBOX, **given) == first
    if other is not None:
        refused(Code.ID_CONFLICT, a, method, conversation=conversation, seq=seq, n=5, **other)
    _, elsewhere = tell(a, "user/b", "another", n=6)
    refused(Code.ID_CONFLICT, a, method, conversation=conversation, seq=elsewhere, n=5, **given)
    refused(Code.ID_CONFLICT, a, "message.send", to="user/b", content={"text": "x"}, n=5)
    assert length(a, conversation) == before + 1


def test_a_repeat_is_answered_although_the_change_is_no_longer_possible(connect: Connect) -> None:
    a, b = connect("user/a", outbox=OUTBOX), connect("user/b")
    conversation, seq = tell(a, "user/b", "old", n=1)
    edit = {"conversation": conversation, "seq": seq, "content": {"text": "new"}, "n": 2}
    edited = a.call("message.edit", **edit)
    recalled = a.call("message.recall", conversation=conversation, seq=seq, n=3)
    b.call("block.set", party="user/a")
    assert a.call("message.edit", **edit) == edited
    assert a.call("message.recall", conversation=conversation, seq=seq, n=3) == recalled
    refused(Code.TARGET_UNAVAILABLE, a, "message.edit", **edit | {"n": 4})


def test_an_id_of_a_refused_change_may_be_used_again(connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    conversation, seq = tell(a, "user/b", "one", n=1)
    refused(Code.NOT_FOUND, a, "message.react", conversation=conversation, seq=99, key="+1", n=2)
    tell(a, "user/b", "two", n=3)
    project(a)
    reacted = a.call("message.react", conversation=conversation, seq=seq, key="+1", n=2)
    assert a.call("message.react", conversation=conversation, seq=seq, key="+1", n=2) == reacted


def test_the_same_change_racing_on_two_connections_is_one(connect: Connect) -> None:
    a, twin = connect("user/a", outbox=OUTBOX), connect("user/a", device="d2", outbox=OUTBOX)
    conversation, seq = tell(a, "user/b", "old", n=1)
    before = length(a, conversation)
    answers: dict[int, list[Any]] = {}
    asked = []
    for n in range(10, 40):
        for client in (a, twin):
            content = {"text": str(n)}
            request_id = client.request("message.edit", conversation=conversation, seq=seq, n=n, content=content)
            asked.append((client, n, request_id))
    for client in (a, twin):
        replies: dict[int, Any] = {}
        wanted = {request_id: n for who, n, request_id in asked if who is client}
        while len(replies) < len(wanted):
            kind, subject, body = client.receive()
            if kind in (2, 3) and subject in wanted:
                assert kind == 2, body
                replies[subject] = body
                answers.setdefault(wanted[subject], []).append(body)
    assert all(first == second for first, second in answers.values())
    assert length(a, conversation) == before + 30


@pytest.mark.parametrize("merged", [False, True], ids=["copies", "merged"])
@pytest.mark.parametrize("projected", [False, True], ids=["recent", "projected"])
def test_a_repeated_forward_gets_the_first_answer(connect: Connect, merged: bool, projected: bool) -> None:
    a = connect("user/a", outbox=OUTBOX)
    source, first = tell(a, "user/b", "one", n=1)
    _, second = tell(a, "user/b", "two", n=2)
    target = group(a, "target")
    request = {"source": source, "seqs": [first, second], "conversation": target, "n": 10, "merged": merged}
    sent = a.call("message.forward", **request)
    assert len(sent["sent"]) == (1 if merged else 2)
    before = length(a, target)
    if projected:
        project(a)
    assert a.call("message.forward", **request) == sent
    refused(Code.ID_CONFLICT, a, "message.forward", **request | {"seqs": [second, first]})
    a.call("message.recall", conversation=source, seq=first, n=20)
    assert a.call("message.forward", **request) == sent, "the source is gone, the first answer is not"
    refused(Code.TARGET_UNAVAILABLE, a, "message.forward", **request | {"n": 30})
    assert length(a, target) == before


def test_a_forward_is_all_or_nothing(connect: Connect) -> None:
    a = connect("user/a", outbox=OUTBOX)
    source, first = tell(a, "user/b", "one", n=1)
    seqs = [first, *(tell(a, "user/b", word, n=n)[1] for n, word in enumerate(("two", "three"), 2))]
    target = group(a, "target")
    forward = {"source": source, "conversation": target}
    say(a, target, "here first", n=11)
    # The second copy would need a number that is taken.
    refused(Code.ID_CONFLICT, a, "message.forward", seqs=seqs, n=10, **forward)
    a.call("message.recall", conversation=source, seq=seqs[1])
    refused(Code.TARGET_UNAVAILABLE, a, "message.forward", seqs=seqs, n=20, **forward)
    assert texts(history(a, target)) == ["here first"]
    a.call("message.forward", seqs=[seqs[0], seqs[2]], n=20, **forward)
    assert texts(history(a, target)) == ["here first", "one", "three"]


def test_a_forward_into_a_new_direct_conversation_loads_what_it_needs(connect: Connect) -> None:
    a, c = connect("user/a", outbox=OUTBOX), connect("user/c")
    source, first = tell(a, "user/b", "one", n=1)
    sent = a.call("message.forward", source=source, seqs=[first, first], to="user/c", n=2)["sent"]
    assert [one["seq"] for one in sent] == [2, 3]
    assert texts(history(c, sent[0]["conversation"])) == ["one", "one"]
    c.call("block.set", party="user/a")
    refused(Code.BLOCKED, a, "message.forward", source=source, seqs=[first, first], to="user/c", n=4)
    assert len(history(c, sent[0]["conversation"])) == 3
