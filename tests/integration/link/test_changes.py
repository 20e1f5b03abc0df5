"""Changing messages: edit, recall, delete for me, reactions, pins, expiry."""

from __future__ import annotations

from pathlib import Path

from tests.integration.link.acts import entry_at, group, history, refused, say, tell, texts, unread, until, view
from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import Refused, WireClient
from tests.integration.rest.running import serving
from trunkline.base.errors import Code


def test_an_edit_reaches_the_peer_and_history(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, seq = tell(a, "user/b", "helo")
    changed = a.call("message.edit", conversation=conversation, seq=seq, content={"text": "hello"})
    entry = b.push("entry", lambda e: e["type"] == "message.edited")
    assert (entry["seq"], entry["target"], entry["content"]) == (changed["seq"], seq, {"content": {"text": "hello"}})
    now = entry_at(b, conversation, seq)
    assert now["content"] == {"text": "hello"}
    assert (now["now"]["edited_seq"], now["now"]["as_of"]) == (changed["seq"], changed["seq"])
    assert unread(b, conversation) == (1, 0)
    assert view(b, conversation)["last"]["content"] == {"text": "hello"}


def test_only_the_sender_edits_and_only_what_can_be_edited(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    conversation, seq = tell(a, "user/b", "mine")
    edit = {"conversation": conversation, "content": {"text": "x"}}
    refused(Code.FORBIDDEN, b, "message.edit", seq=seq, **edit)
    refused(Code.NOT_MEMBER, c, "message.edit", seq=seq, **edit)
    refused(Code.NOT_FOUND, a, "message.edit", seq=99, **edit)
    refused(Code.NOT_FOUND, a, "message.edit", seq=1, **edit)  # conversation.created is no message
    refused(Code.INVALID_CONTENT, a, "message.edit", conversation=conversation, seq=seq, content={"text": ""})
    sticker = a.call("message.send", to="user/b", type="sticker", content={"pack": "p", "id": "1"})["seq"]
    refused(Code.TARGET_UNAVAILABLE, a, "message.edit", seq=sticker, **edit)
    a.call("message.recall", conversation=conversation, seq=seq)
    refused(Code.TARGET_UNAVAILABLE, a, "message.edit", seq=seq, **edit)


def test_the_windows_for_edit_and_recall_end(tmp_path: Path) -> None:
    with serving(tmp_path, LIMITS__EDIT_WINDOW_S="1", LIMITS__RECALL_WINDOW_S="1") as server:
        app = server.create_app()
        with WireClient(server.url) as a:
            a.call("hello", token=app.token("user/a"), device="d1")
            conversation, seq = tell(a, "user/b", "v0")

            def too_late() -> bool:
                try:
                    a.call("message.edit", conversation=conversation, seq=seq, content={"text": "v1"})
                except Refused as error:
                    assert error.code == Code.TOO_LATE.number
                    return True
                return False

            assert not too_late()
            until(too_late, "the window ends")
            refused(Code.TOO_LATE, a, "message.recall", conversation=conversation, seq=seq)
            assert entry_at(a, conversation, seq)["content"] == {"text": "v1"}
            with app.acting() as backend:  # the app server is not bound by the window
                path = f"/v1/conversations/{conversation}/messages/{seq}"
                assert backend.delete(path).is_success
            assert entry_at(a, conversation, seq)["now"]["recalled"] is True


def test_a_recalled_message_is_gone_and_no_longer_counts(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, one = tell(a, "user/b", "secret", mentions=["user/b"])
    say(a, conversation, "stays")
    assert unread(b, conversation) == (2, 1)
    a.call("message.recall", conversation=conversation, seq=one)
    assert b.push("entry", lambda e: e["type"] == "message.recalled")["target"] == one
    assert unread(b, conversation) == (1, 0)
    gone = entry_at(b, conversation, one)
    assert gone["now"]["recalled"] is True
    assert "content" not in gone
    refused(Code.TARGET_UNAVAILABLE, a, "message.recall", conversation=conversation, seq=one)
    refused(Code.TARGET_UNAVAILABLE, b, "message.react", conversation=conversation, seq=one, key="+1")


def test_a_recall_after_reading_does_not_make_counts_wrong(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, one = tell(a, "user/b", "read")
    b.call("cursor.move", conversation=conversation, read=one)
    two = say(a, conversation, "unread")
    a.call("message.recall", conversation=conversation, seq=one)
    assert unread(b, conversation) == (1, 0)
    a.call("message.recall", conversation=conversation, seq=two)
    assert unread(b, conversation) == (0, 0)


def test_a_higher_role_recalls_what_others_said(connect: Connect) -> None:
    a, b, c = connect("user/a"), connect("user/b"), connect("user/c")
    group(a, "team", "user/b", "user/c")
    of_owner, of_member, another = say(a, "team", "1"), say(c, "team", "2"), say(c, "team", "3")
    refused(Code.FORBIDDEN, b, "message.recall", conversation="team", seq=of_member)
    a.call("member.change", conversation="team", party="user/b", role="admin")
    b.call("message.recall", conversation="team", seq=of_member)
    refused(Code.FORBIDDEN, b, "message.recall", conversation="team", seq=of_owner)
    a.call("message.recall", conversation="team", seq=another)
    assert texts(history(c, "team")) == ["1"]


def test_deleting_for_me_leaves_the_message_to_others(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, one = tell(a, "user/b", "one", mentions=["user/b"])
    two = say(a, conversation, "two")
    b.call("message.hide", conversation=conversation, seqs=[one])
    b.call("message.hide", conversation=conversation, seqs=[one])  # a repeat changes nothing
    assert unread(b, conversation) == (1, 0)
    assert texts(history(b, conversation)) == ["two"]
    assert entry_at(b, conversation, one)["type"] == "placeholder"
    a.call("message.recall", conversation=conversation, seq=one)
    assert unread(b, conversation) == (1, 0)
    assert texts(history(a, conversation)) == ["two"]
    refused(Code.INVALID_PARAMS, b, "message.hide", conversation=conversation, seqs=[two + 99])


def test_deleting_for_me_up_to_a_seq_also_reads_it(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, _ = tell(a, "user/b", "one")
    two = say(a, conversation, "two")
    say(a, conversation, "three")
    b.call("message.hide", conversation=conversation, up_to=two)
    assert texts(history(b, conversation)) == ["three"]
    assert unread(b, conversation) == (1, 0)
    assert texts(history(a, conversation)) == ["one", "two", "three"]
    again = connect("user/b", device="d2")
    again.call("sync")
    assert texts(history(again, conversation)) == ["three"]
    refused(Code.INVALID_PARAMS, b, "message.hide", conversation=conversation, up_to=99)


def test_reactions_come_and_go_and_repeats_append_nothing(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, seq = tell(a, "user/b", "nice")
    react = {"conversation": conversation, "seq": seq}
    b.call("message.react", key="+1", on=False, **react)
    head = view(a, conversation)["head"]
    assert head == seq, "taking back what is not there appends nothing"
    first = b.call("message.react", key="+1", **react)
    assert a.push("entry", lambda e: e["type"] == "message.reacted")["content"] == {"key": "+1", "on": True}
    a.call("message.react", key="+1", **react)
    a.call("message.react", key="heart", **react)
    reactions = entry_at(b, conversation, seq)["now"]["reactions"]
    assert {key: sorted(parties) for key, parties in reactions.items()} == {
        "+1": ["user/a", "user/b"],
        "heart": ["user/a"],
    }
    head = view(a, conversation)["head"]
    assert head == first["seq"] + 2
    b.call("message.react", key="+1", **react)
    assert view(a, conversation)["head"] == head
    b.call("message.react", key="+1", on=False, **react)
    b.call("message.react", key="+1", on=False, **react)
    assert view(a, conversation)["head"] == head + 1
    assert entry_at(b, conversation, seq)["now"]["reactions"]["+1"] == ["user/a"]
    assert unread(b, conversation) == (1, 0)


def test_pins_are_listed_in_their_order_and_leave_with_the_message(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, one = tell(a, "user/b", "one")
    two, three = say(a, conversation, "two"), say(a, conversation, "three")
    for seq in (two, one, three):
        b.call("message.pin", conversation=conversation, seq=seq)
    head = view(a, conversation)["head"]
    b.call("message.pin", conversation=conversation, seq=two)
    assert view(a, conversation)["head"] == head, "pinning again appends nothing"
    assert texts(a.call("pin.list", conversation=conversation)["entries"]) == ["two", "one", "three"]
    b.call("message.pin", conversation=conversation, seq=one, on=False)
    a.call("message.recall", conversation=conversation, seq=three)
    assert texts(a.call("pin.list", conversation=conversation)["entries"]) == ["two"]
    assert entry_at(a, conversation, two)["now"]["pinned"] is True


def test_pins_of_a_group_are_for_owner_and_admins(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    group(a, "team", "user/b")
    seq = say(b, "team", "mine")
    refused(Code.FORBIDDEN, b, "message.pin", conversation="team", seq=seq)
    a.call("message.pin", conversation="team", seq=seq)
    assert b.push("entry", lambda e: e["type"] == "message.pinned")["target"] == seq
    refused(Code.FORBIDDEN, b, "message.pin", conversation="team", seq=seq, on=False)


def test_a_message_expires_for_everyone(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, seq = tell(a, "user/b", "burn", expires_in_ms=300, mentions=["user/b"])
    stays = say(a, conversation, "stays", expires_in_ms=3_600_000)
    assert b.push("entry", lambda e: e["seq"] == seq)["expires_at_ms"] > 0
    assert unread(b, conversation) == (2, 1)
    expired = b.push("entry", lambda e: e["type"] == "message.expired")
    assert expired["target"] == seq
    gone = entry_at(b, conversation, seq)
    assert "content" not in gone
    assert gone["now"]["expired"] is True
    assert unread(b, conversation) == (1, 0)
    refused(Code.TARGET_UNAVAILABLE, a, "message.edit", conversation=conversation, seq=seq, content={"text": "x"})
    refused(Code.TARGET_UNAVAILABLE, a, "message.forward", source=conversation, seqs=[seq], to="user/c")
    assert entry_at(a, conversation, stays)["content"] == {"text": "stays"}


def test_a_blocked_party_cannot_reach_the_other_through_changes_either(connect: Connect) -> None:
    a, b = connect("user/a"), connect("user/b")
    conversation, seq = tell(a, "user/b", "hello")
    b.call("block.set", party="user/a")
    target = {"conversation": conversation, "seq": seq}
    refused(Code.BLOCKED, a, "message.edit", content={"text": "insult"}, **target)
    refused(Code.BLOCKED, a, "message.react", key="insult", **target)
    refused(Code.BLOCKED, a, "message.pin", **target)
    a.call("message.recall", **target)  # taking back what one said stays possible
    assert texts(history(b, conversation)) == []
