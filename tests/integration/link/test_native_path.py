"""The native path on a real server: what it decides itself, cut anywhere and mixed with what it leaves to Python."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.integration.link.conftest import Connect
from tests.integration.link.wire_client import PONG, Closed, WireClient
from tests.integration.rest.running import App, Running
from trunkline.base.errors import Code
from trunkline.edges.link import native

BINARY = 2


def frame_of(payload: bytes, opcode: int = BINARY) -> bytes:
    """A masked frame."""
    size, key = len(payload), os.urandom(4)
    head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big"))
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def send_frame_of(id: int, text: str, **more: Any) -> bytes:
    return frame_of(msgspec.msgpack.encode([1, id, "message.send", {"to": "user/b", "content": {"text": text}} | more]))


def native_sends(server: Running) -> int:
    with server.operator() as operator:
        lines = operator.get("/metrics").text.splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("trunkline_native_sends_total "))))


def replies(client: WireClient, count: int) -> dict[int, Any]:
    """The next replies by request id; pushes are kept by the client."""
    found: dict[int, Any] = {}
    while len(found) < count:
        frame = client.receive()
        if frame[0] in (2, 3, 6):
            found[frame[1]] = frame
    return found


def texts(history: Any) -> list[str]:
    return [entry["content"]["text"] for entry in history["entries"] if entry["type"] == "text"]


def test_plain_sends_are_the_same_either_way(connect: Connect, app: App, way: str) -> None:
    a, b = connect("user/a", outbox="outbox-1"), connect("user/b")
    before = native_sends(app.server)
    sent = [a.call("message.send", to="user/b", content={"text": f"m{n}"}, n=n) for n in range(1, 21)]
    assert [s["seq"] for s in sent] == list(range(2, 22))
    last = b.push("entry", lambda entry: entry["seq"] == 21)
    assert last == {
        "conversation": sent[0]["conversation"],
        "epoch": sent[0]["epoch"],
        "seq": 21,
        "at_ms": sent[-1]["at_ms"],
        "sender": "user/a",
        "type": "text",
        "content": {"text": "m20"},
        "outbox": "outbox-1",
        "n": 20,
    }
    again = a.call("message.send", to="user/b", content={"text": "m20"}, n=20)
    assert again == sent[-1]
    decided = native_sends(app.server) - before
    assert decided == (19 if way == "msgpack" and native.MODULE is not None else 0)


def test_many_sends_at_once_and_the_one_after_them_are_all_answered(connect: Connect) -> None:
    """While very many come the sockets are looked at by the clock, and afterwards as soon as something comes."""
    a, b = connect("user/a", outbox="outbox-1"), connect("user/b")
    a.call("message.send", to="user/b", content={"text": "first"}, n=1)
    for start in range(1000, 1900, 100):
        a.send_raw(b"".join(send_frame_of(id, f"t{id}", n=id) for id in range(start, start + 100)))
        found = replies(a, 100)
        assert sorted(found) == list(range(start, start + 100))
        assert {frame[0] for frame in found.values()} == {2}
    assert b.push("entry", lambda entry: entry["content"].get("text") == "t1899")["seq"] == 902
    assert a.call("message.send", to="user/b", content={"text": "after"}, n=1900)["seq"] == 903


def test_a_conversation_by_its_id_is_the_same_conversation(connect: Connect) -> None:
    a, b = connect("user/a", outbox="outbox-1"), connect("user/b", outbox="outbox-1")
    first = a.call("message.send", to="user/b", content={"text": "1"}, n=1)
    for number in range(2, 6):
        sender = (a, b)[number % 2]
        sent = sender.call(
            "message.send", conversation=first["conversation"], content={"text": str(number)}, n=number, type="text"
        )
        assert sent["seq"] == number + 1
    assert texts(b.call("history.get", conversation=first["conversation"])) == ["1", "2", "3", "4", "5"]


def test_a_stream_cut_anywhere_is_the_same_stream(connect: Connect) -> None:
    a = connect("user/a", outbox="outbox-1")
    a.call("message.send", to="user/b", content={"text": "first"}, n=1)
    parts = []
    for id in range(100, 160):
        kind = id % 6
        if kind == 0:
            parts.append(frame_of(msgspec.msgpack.encode([5, id])))
        elif kind == 1:  # Python decides: content with more in it
            more = {"content": {"text": f"t{id}", "x": [1, {"y": "z" * 300}]}, "n": id}
            parts.append(send_frame_of(id, "", **more))
        elif kind == 2:  # larger than the native path reads
            parts.append(send_frame_of(id, f"t{id}" + "." * 9000, n=id))
        else:
            parts.append(send_frame_of(id, f"t{id}" + "." * (id % 7) * 30, n=id))
    stream = b"".join(parts)
    choice = random.Random(7)
    at = 0
    while at < len(stream):
        size = choice.choice((1, 2, 3, 7, 50, 400, 5000))
        a.send_raw(stream[at : at + size])
        at += size
    found = replies(a, 60)
    assert {id: frame[0] for id, frame in found.items()} == {id: 6 if id % 6 == 0 else 2 for id in range(100, 160)}
    order = sorted((frame[2]["seq"], id) for id, frame in found.items() if frame[0] == 2)
    assert [seq for seq, _ in order] == list(range(3, 3 + len(order)))
    assert [id for _, id in order] == [id for id in range(100, 160) if id % 6]


def test_a_window_full_of_requests_and_more_is_refused_for_the_rest(connect: Connect) -> None:
    a = connect("user/a", outbox="outbox-1")
    a.call("message.send", to="user/b", content={"text": "first"}, n=1)
    a.send_raw(b"".join(send_frame_of(id, "x", n=id) for id in range(100, 400)))
    found = replies(a, 300)
    accepted = [id for id, frame in found.items() if frame[0] == 2]
    refused = {frame[2]["code"] for frame in found.values() if frame[0] == 3}
    assert len(accepted) >= 128
    assert refused <= {Code.TOO_MANY_IN_FLIGHT.number}
    assert sorted(accepted, key=lambda id: found[id][2]["seq"]) == sorted(accepted)


@pytest.mark.parametrize(
    ("bytes_of", "codes"),
    [
        (lambda: frame_of(b"\xc1"), (Code.MALFORMED_FRAME.close_code,)),
        (lambda: frame_of(b"text", opcode=1), (Code.MALFORMED_FRAME.close_code,)),
        (lambda: b"\x82\x04nope", (Code.MALFORMED_FRAME.close_code, 1002, 0)),
        (lambda: b"\xf2\x84abcdnope", (Code.MALFORMED_FRAME.close_code, 1002, 0)),
        (lambda: frame_of(b"x", opcode=3), (Code.MALFORMED_FRAME.close_code, 1002, 0)),
        (lambda: b"\x82\xff" + b"\xff" * 12, (1002, 1009, 0)),
        (lambda: b"\x82\xff" + (10**7).to_bytes(8, "big") + b"abcd" + b"x" * 5000, (1009, 0)),
    ],
    ids=["not MessagePack", "text", "no mask", "reserved bits", "unknown opcode", "absurd length", "oversize"],
)
def test_what_came_before_a_strange_frame_is_answered_nothing_after_it_counts(
    connect: Connect, app: App, bytes_of: Callable[[], bytes], codes: tuple[int, ...]
) -> None:
    a = connect("user/a", outbox="outbox-1")
    sent = a.call("message.send", to="user/b", content={"text": "first"}, n=1)
    a.send_raw(send_frame_of(7, "before", n=2) + bytes_of() + send_frame_of(8, "after", n=3))
    assert a.closed() in codes
    b = connect("user/b")
    assert texts(b.call("history.get", conversation=sent["conversation"])) == ["first", "before"]


def test_pings_fragments_and_a_polite_end(connect: Connect) -> None:
    a = connect("user/a", outbox="outbox-1")
    a.call("message.send", to="user/b", content={"text": "first"}, n=1)
    a.send_raw(frame_of(b"hey", opcode=9))
    assert a.frame() == (PONG, b"hey")
    whole = msgspec.msgpack.encode([1, 70, "message.send", {"to": "user/b", "content": {"text": "cut"}, "n": 2}])
    a.send_frame(whole[:10], BINARY, fin=False)
    a.send_frame(whole[10:], 0)
    a.send_raw(send_frame_of(71, "whole", n=3))
    found = replies(a, 2)
    assert [found[id][2]["seq"] for id in (70, 71)] == [3, 4]
    a.send_frame((1000).to_bytes(2, "big"), 8)
    with pytest.raises(Closed):
        while True:
            a.frame()


def test_a_client_that_vanishes_is_noticed(connect: Connect) -> None:
    a, b = connect("user/a", outbox="outbox-1"), connect("user/b")
    a.call("message.send", to="user/b", content={"text": "first"}, n=1)
    b.call("presence.watch", parties=["user/a"])
    a.send_raw(send_frame_of(7, "whole", n=2) + send_frame_of(8, "half", n=3)[:9])
    a.socket.close()
    assert b.push("presence", lambda data: not data["online"])["party"] == "user/a"


def test_a_block_holds_from_the_next_send(connect: Connect) -> None:
    a, b = connect("user/a", outbox="outbox-1"), connect("user/b")
    a.call("message.send", to="user/b", content={"text": "1"}, n=1)
    a.call("message.send", to="user/b", content={"text": "2"}, n=2)
    b.call("block.set", party="user/a", on=True)
    request = a.request("message.send", to="user/b", content={"text": "3"}, n=3)
    assert replies(a, 1)[request][2]["code"] == Code.BLOCKED.number
    b.call("block.set", party="user/a", on=False)
    assert a.call("message.send", to="user/b", content={"text": "3"}, n=3)["seq"] == 4


def test_the_rate_limit_holds(tmp_path_factory: pytest.TempPathFactory, app: App) -> None:
    from tests.integration.rest.running import serving

    with serving(tmp_path_factory.mktemp("rate"), LIMITS__LINK_RATE="1", LIMITS__LINK_BURST="5") as running:
        limited = running.create_app()
        with WireClient(running.url, "trunkline.v1.msgpack") as a:
            a.call("hello", token=limited.token("user/a"), device="d", outbox="outbox-1")
            a.send_raw(b"".join(send_frame_of(id, "x", n=id) for id in range(1, 21)))
            found = replies(a, 20)
    assert sum(frame[0] == 2 for frame in found.values()) in (5, 6)
    assert {frame[2]["code"] for frame in found.values() if frame[0] == 3} == {Code.RATE_LIMITED.number}
