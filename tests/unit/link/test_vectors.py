"""The language-neutral vectors of ``spec/vectors``, run against the Python machines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from trunkline.protocol.link import backoff, closing, gap
from trunkline.protocol.link.client import Failed, LinkClient, Pushed, Replied, Violated, Welcomed
from trunkline.protocol.link.frames import JSON_CODEC, MSGPACK_CODEC, Codec
from trunkline.wire.calls.session import Hello, Welcome
from trunkline.wire.entries import EntryView
from trunkline.wire.frames import ErrorBody, ServerFrame

VECTORS = Path(__file__).parents[3] / "spec" / "vectors"


def load(name: str) -> Any:
    content = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    assert content["format"] == 1
    return content


def cases(items: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(item, id=item["name"]) for item in items]


FRAMES = load("frames.json")
TO_CLIENT = [item for item in FRAMES["valid"] if item["direction"] == "to_client"]
TO_SERVER = [item for item in FRAMES["valid"] if item["direction"] == "to_server"]
CODECS = [pytest.param(JSON_CODEC, id="json"), pytest.param(MSGPACK_CODEC, id="msgpack")]


def encoded(item: dict[str, Any], codec: Codec) -> bytes | None:
    if codec is JSON_CODEC:
        return item["json"].encode() if "json" in item else None
    return bytes.fromhex(item["msgpack_hex"]) if "msgpack_hex" in item else None


def read(codec: Codec, data: bytes | msgspec.Raw) -> Any:
    return msgspec.json.decode(data) if codec is JSON_CODEC else msgspec.msgpack.decode(data)


def greeted(codec: Codec) -> LinkClient:
    """A machine past hello with requests 2 to 8 in flight."""
    link = LinkClient(codec, Hello(token="t", device="d"), 0.0)
    welcome = Welcome("user/alice", "d", "s", 1, 7, 0, 0, 30_000, 64, 1 << 18)
    assert isinstance(link.receive(codec.encode((2, 1, welcome)), 0.0)[0], Welcomed)
    for _ in range(7):
        link.request("block.list", {}, 0.0, timeout_s=60)
    return link


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("item", cases(FRAMES["valid"]))
def test_both_encodings_carry_the_same_frame(item: dict[str, Any], codec: Codec) -> None:
    data = encoded(item, codec)
    assert data is not None
    assert read(codec, data) == item["frame"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("item", cases(TO_CLIENT))
def test_a_frame_to_the_client_is_read_as_it_is_meant(item: dict[str, Any], codec: Codec) -> None:
    data = encoded(item, codec)
    assert data is not None
    meaning = item.get("means", item["frame"])
    frame: ServerFrame = codec.decode_frame(data)
    if meaning is None:
        assert greeted(codec).receive(data, 1.0) == []
        return
    assert [frame.kind, frame.subject] == meaning[:2]
    if frame.kind == 2:
        assert read(codec, frame.body) == meaning[2]
    elif frame.kind == 3:
        error = msgspec.to_builtins(codec.decode(frame.body, ErrorBody))
        # Fields left out mean their defaults; "applied" is always written.
        assert {"applied": False, **error} == meaning[2]
    elif frame.kind == 4 and frame.subject == "entry":
        entry = codec.decode(frame.body, EntryView)
        assert msgspec.to_builtins(entry) == {k: v for k, v in meaning[2].items() if k in EntryView.__struct_fields__}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("item", cases(TO_CLIENT))
def test_a_frame_to_the_client_makes_the_event_it_stands_for(item: dict[str, Any], codec: Codec) -> None:
    data = encoded(item, codec)
    assert data is not None
    frame = item["frame"]
    if frame[0] == 2 and isinstance(frame[2], dict) and "session_epoch" in frame[2]:
        link = LinkClient(codec, Hello(token="t", device="d"), 0.0)
        events = link.receive(data, 1.0)
        assert isinstance(events[0], Welcomed)
        assert events[0].welcome == msgspec.convert(frame[2], Welcome)
        return
    events = greeted(codec).receive(data, 1.0)
    kinds = [type(event) for event in events]
    assert kinds == {2: [Replied], 3: [Failed], 4: [Pushed]}.get(frame[0], [])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("item", cases(TO_SERVER))
def test_what_the_client_writes_reads_back_as_the_frame(item: dict[str, Any], codec: Codec) -> None:
    frame = item["frame"]
    if frame[0] == 5:
        link = greeted(codec)
        link.data_to_send()
        link.tick(60.0)
        assert [read(codec, data) for data in link.data_to_send()] == [frame]
    elif frame[2] == "hello":
        link = LinkClient(codec, msgspec.convert(frame[3], Hello), 0.0)
        assert [read(codec, data) for data in link.data_to_send()] == [frame]
    else:
        link = greeted(codec)
        link.data_to_send()
        link._last_id = frame[1] - 1
        assert link.request(frame[2], frame[3], 0.0, timeout_s=1) == frame[1]
        assert [read(codec, data) for data in link.data_to_send()] == [frame]


VIOLATIONS = [
    pytest.param(codec, data, id=f"{item['name']}-{codec.subprotocol}")
    for item in FRAMES["violations"]
    for codec in (JSON_CODEC, MSGPACK_CODEC)
    if (data := encoded(item, codec)) is not None
]


@pytest.mark.parametrize(("codec", "data"), VIOLATIONS)
def test_a_violation_is_reported_and_nothing_else_happens(codec: Codec, data: bytes) -> None:
    link = greeted(codec)
    link._in_flight.add(1)
    events = link.receive(data, 1.0)
    assert [type(event) for event in events] == [Violated]


@pytest.mark.parametrize("item", load("closing.json")["closes"], ids=lambda item: str(item["close_code"]))
def test_close_code_says_what_to_do(item: dict[str, Any]) -> None:
    assert closing.reaction_to_close(item["close_code"]).value == item["reaction"]


@pytest.mark.parametrize("item", load("closing.json")["hello_errors"], ids=lambda item: str(item["error_code"]))
def test_hello_error_says_what_to_do(item: dict[str, Any]) -> None:
    assert closing.reaction_to_error(item["error_code"]).value == item["reaction"]


def test_back_off_bounds() -> None:
    vectors = load("backoff.json")
    tolerance = vectors["tolerance_s"]
    for item in vectors["reconnect"]:
        assert backoff.reconnect_ceiling_s(item["attempt"]) == pytest.approx(item["ceiling_s"], abs=tolerance)
        for delay in item["delays"]:
            got = backoff.reconnect_delay_s(item["attempt"], delay["roll"])
            assert got == pytest.approx(delay["delay_s"], abs=tolerance)
    for item in vectors["draining"]:
        got = backoff.draining_delay_s(item["reconnect_in_ms"], item["roll"])
        assert got == pytest.approx(item["delay_s"], abs=tolerance)


@dataclass(frozen=True)
class Numbered:
    epoch: int
    seq: int


def plain(action: gap.Action[Numbered]) -> dict[str, Any]:
    match action:
        case gap.Apply(entries):
            return {"apply": [entry.seq for entry in entries]}
        case gap.Ignore(seq):
            return {"ignore": seq}
        case gap.Hold(seq, until_ms):
            return {"hold": seq, "until_ms": until_ms}
        case gap.Pull(from_seq):
            return {"pull": from_seq}
        case gap.Locate(seq):
            return {"locate": seq}
        case gap.Resync(epoch):
            return {"resync": epoch}
    raise AssertionError(action)


def step(position: gap.Position[Numbered], given: dict[str, Any]) -> list[gap.Action[Numbered]]:
    now_ms = given["at_ms"]
    (kind,) = given.keys() - {"at_ms", "expect"}
    value = given[kind]
    if kind == "push":
        return position.push(Numbered(value["epoch"], value["seq"]), now_ms)
    if kind == "head":
        return position.head(value["seq"], now_ms, pushed=value["pushed"])
    if kind == "history":
        entries = [Numbered(value["epoch"], seq) for seq in value["seqs"]]
        return position.history(value["epoch"], entries, now_ms, head=value["head"], more=value["more"])
    if kind == "pull_failed":
        position.pull_failed(now_ms)
        return []
    if kind == "locate":
        return position.locate(value, now_ms)
    if kind == "tick":
        return position.tick(now_ms)
    if kind == "reconnected":
        return position.reconnected(now_ms)
    raise AssertionError(f"unknown input {kind}")


@pytest.mark.parametrize("scenario", cases(load("gap.json")["scenarios"]))
def test_gap_rule(scenario: dict[str, Any]) -> None:
    start = scenario["start"]
    position: gap.Position[Numbered] = gap.Position(
        start["epoch"], start["last"], max_held=scenario.get("max_held", gap.MAX_HELD)
    )
    for index, given in enumerate(scenario["steps"]):
        assert [plain(action) for action in step(position, given)] == given["expect"], f"step {index}: {given}"
    end = scenario["end"]
    assert position.last == end["last"]
    assert position.held == end["held"]
    if not any("resync" in out for given in scenario["steps"] for out in given["expect"]):
        due = position.next_timeout_ms()
        assert due == end["next_timeout_ms"]
