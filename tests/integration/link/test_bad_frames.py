"""Malformed input on the link: each kind has its documented reaction, and nobody else notices."""

from __future__ import annotations

import json

import pytest

from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import BINARY, PONG, TEXT, Refused, WireClient
from tests.integration.rest.running import App
from trunkline.base.errors import Code

MALFORMED = Code.MALFORMED_FRAME.close_code

BAD_FRAMES = {
    "empty": b"",
    "not JSON": b"hello",
    "truncated JSON": b'[1, 1, "message.send", {',
    "JSON null": b"null",
    "JSON number": b"7",
    "JSON map": b'{"kind": 1}',
    "empty array": b"[]",
    "kind is a string": b'["1", 1, "sync", {}]',
    "kind unknown": b'[99, 1, "sync", {}]',
    "kind of the server": b"[2, 1, {}]",
    "negative kind": b'[-1, 1, "sync", {}]',
    "id is zero": b'[1, 0, "sync", {}]',
    "id is negative": b'[1, -5, "sync", {}]',
    "id is too large": b'[1, 9007199254740992, "sync", {}]',
    "id is a string": b'[1, "1", "sync", {}]',
    "id is a fraction": b'[1, 1.5, "sync", {}]',
    "id missing": b"[1]",
    "method missing": b"[1, 1]",
    "method is a number": b"[1, 1, 7, {}]",
    "method empty": b'[1, 1, "", {}]',
    "invalid UTF-8": b'[1, 1, "\xff\xfe", {}]',
    "two documents": b"[5, 1][5, 2]",
    "nested too deep": b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("payload", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_a_malformed_frame_closes_this_connection_only(connect: Connect, payload: bytes) -> None:
    bystander = connect("user/bystander")
    client = connect("user/a")
    client.send_frame(payload)
    assert client.closed() == MALFORMED
    assert bystander.call("conversation.list")["conversations"] == []


def test_a_binary_message_on_a_json_link_is_malformed(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b"[5, 1]", BINARY)
    assert client.closed() == MALFORMED


def test_a_continuation_without_a_beginning_is_refused(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b"[5, 1]", 0)
    assert client.closed() in (MALFORMED, 1002, 0)


@pytest.mark.parametrize("opcode", [3, 7, 11])
def test_an_unknown_opcode_ends_the_connection(connect: Connect, opcode: int) -> None:
    client = connect("user/a")
    client.send_frame(b"x", opcode)
    assert client.closed() in (MALFORMED, 1002, 0)


def test_a_fragmented_message_is_joined(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b"[5, ", TEXT, fin=False)
    client.send_frame(b"41", 0, fin=False)
    client.send_frame(b"]", 0)
    assert client.receive() == [6, 41]


def test_an_oversize_frame_is_refused_with_its_code(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b'[5, 1, "' + b"x" * 262_200 + b'"]')
    assert client.closed() in (Code.OVERSIZE.close_code, 1009, 0)


def test_oversize_in_fragments_is_refused_with_its_code(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b"[", TEXT, fin=False)
    for _ in range(6):
        client.send_frame(b" " * 60_000, 0, fin=False)
    assert client.closed() == Code.OVERSIZE.close_code


def test_an_unmasked_frame_does_not_pass_as_a_request(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b"not even JSON", mask=False)
    assert client.closed() in (MALFORMED, 1002, 0)


def test_a_pong_out_of_the_blue_is_ignored(connect: Connect) -> None:
    client = connect("user/a")
    client.send_frame(b"", PONG)
    client.send_frame(b"[5, 3]")
    assert client.receive() == [6, 3]


def test_no_common_subprotocol_closes_with_its_code(app: App) -> None:
    with WireClient(app.server.url, subprotocol="chat.v9") as client:
        assert client.closed() == Code.UNSUPPORTED_VERSION.close_code


def test_the_first_request_must_be_hello(app: App) -> None:
    with WireClient(app.server.url) as client:
        with pytest.raises(Refused) as refused:
            client.call("sync")
        assert refused.value.code == Code.HELLO_REQUIRED.number


def test_hello_twice_is_refused(app: App, connect: Connect) -> None:
    client = connect("user/a")
    with pytest.raises(Refused) as refused:
        client.call("hello", token=app.token("user/a"), device="d1")
    assert refused.value.code == Code.ALREADY_GREETED.number


BAD_PARAMS = {
    "unknown method": ("message.teleport", {}, Code.UNKNOWN_METHOD),
    "no conversation": ("message.send", {"type": "text", "content": {"text": "x"}}, Code.INVALID_PARAMS),
    "wrong type of a field": ("message.send", {"to": 7, "content": {"text": "x"}}, Code.INVALID_PARAMS),
    "not a party": ("message.send", {"to": "bob", "content": {"text": "x"}}, Code.INVALID_PARTY),
    "a party of no kind": ("message.send", {"to": "robot/x", "content": {"text": "x"}}, Code.INVALID_PARTY),
    "myself": ("message.send", {"to": "user/a", "content": {"text": "x"}}, Code.INVALID_PARTY),
    "unknown type": ("message.send", {"to": "user/b", "type": "smell", "content": {}}, Code.UNKNOWN_MESSAGE_TYPE),
    "a type of the server": (
        "message.send",
        {"to": "user/b", "type": "forward", "content": {}},
        Code.UNKNOWN_MESSAGE_TYPE,
    ),
    "content of another type": ("message.send", {"to": "user/b", "content": {"texts": "x"}}, Code.INVALID_CONTENT),
    "content is a list": ("message.send", {"to": "user/b", "content": ["x"]}, Code.INVALID_CONTENT),
    "empty text": ("message.send", {"to": "user/b", "content": {"text": ""}}, Code.INVALID_CONTENT),
    "content too large": (
        "message.send",
        {"to": "user/b", "type": "custom", "content": {"x": "y" * 70_000}},
        Code.OVERSIZE,
    ),
    "forged sender": (
        "message.send",
        {"to": "user/b", "content": {"text": "x"}, "sender": "user/c"},
        Code.FORGED_FIELD,
    ),
    "forged time": ("message.send", {"to": "user/b", "content": {"text": "x"}, "at_ms": 1}, Code.FORGED_FIELD),
    "no such conversation": ("message.send", {"conversation": "nowhere", "content": {"text": "x"}}, Code.NOT_FOUND),
    "reply to nothing": (
        "message.send",
        {"to": "user/b", "content": {"text": "x"}, "reply_to": 99},
        Code.TARGET_UNAVAILABLE,
    ),
    "servers only": ("message.bulk", {"messages": []}, Code.FORBIDDEN),
    "operator only": ("app.list", {}, Code.FORBIDDEN),
    "garbled cursor": ("conversation.list", {"after": "%%%"}, Code.INVALID_PAGE_CURSOR),
}


@pytest.mark.parametrize(("method", "params", "code"), BAD_PARAMS.values(), ids=BAD_PARAMS.keys())
def test_a_bad_request_gets_its_code_and_changes_nothing(
    connect: Connect, method: str, params: dict[str, object], code: Code
) -> None:
    client, peer = connect("user/a", outbox="outbox-a"), connect("user/b")
    with pytest.raises(Refused) as refused:
        client.call(method, **params)
    error = refused.value.error
    assert (error["code"], error["name"]) == (code.number, code.slug)
    assert error["applied"] is False
    assert error["retry"] == code.retry.value
    assert peer.call("conversation.list")["conversations"] == []


def test_unknown_fields_are_tolerated_and_unknown_content_is_preserved(connect: Connect) -> None:
    client, peer = connect("user/a"), connect("user/b")
    client.call("message.send", to="user/b", content={"text": "x", "sparkle": [1, {"a": None}]}, moon="full")
    entry = peer.push("entry", lambda e: e["type"] == "text")
    assert entry["content"] == {"text": "x", "sparkle": [1, {"a": None}]}


def test_more_requests_in_flight_than_the_window_are_refused(app: App) -> None:
    with WireClient(app.server.url) as client:
        welcome = client.call("hello", token=app.token("user/a"), device="d1")
        many = b"".join(_masked(json.dumps([1, 10 + i, "sync", {}]).encode()) for i in range(welcome["window"] + 40))
        client.send_raw(many)
        answers = [client.receive() for _ in range(welcome["window"] + 40)]
    refused = [a for a in answers if a[0] == 3]
    assert refused
    assert {a[2]["code"] for a in refused} == {Code.TOO_MANY_IN_FLIGHT.number}


def _masked(payload: bytes) -> bytes:
    """A text frame with a zero mask."""
    return bytes([0x81, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


def test_a_conversation_that_does_not_exist_is_not_made_by_asking_twice(connect: Connect) -> None:
    """Regression: the first refusal left the empty log in memory, and the second send founded a conversation in it."""
    client = connect("user/a", outbox="outbox-a")
    for n in (1, 2, 3):
        with pytest.raises(Refused) as refused:
            client.call("message.send", conversation="nowhere", content={"text": "x"}, n=n)
        assert refused.value.code == Code.NOT_FOUND.number
    assert client.call("conversation.list")["conversations"] == []
