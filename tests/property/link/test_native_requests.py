"""The native reading and writing of the hot path against the Python codec: what one takes, the other reads alike."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.messages.types import check_content
from trunkline.edges.link import native
from trunkline.edges.link.codec import MSGPACK
from trunkline.wire.calls.messages import MessageSend, MessageSent
from trunkline.wire.content import canonical
from trunkline.wire.frames import RequestFrame

if native.MODULE is None:
    pytest.skip(f"no native link path: {native.WHY_NOT}", allow_module_level=True)
link: Any = native.MODULE
INCOMPLETE, MESSAGE, OTHER, STRANGE = range(4)
FAST_FRAME_BYTES = 8192
numbers = st.integers(0, 2**53 - 1)
ids = st.integers(1, 2**53 - 1)
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=64)
plain_sends = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"text": st.text(min_size=1, max_size=300)})},
    optional={"type": st.just("text"), "n": numbers, "after": numbers},
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


def python_reads(payload: bytes) -> tuple[RequestFrame, MessageSend]:
    """What the Python path makes of a plain send.

    Raises:
        Exception: it is none.
    """
    frame = MSGPACK.decode_frame(payload)
    assert frame.kind == 1
    assert frame.method == "message.send"
    assert 0 < frame.id < 2**53
    send = MSGPACK.decode_send(frame.params)
    check_content(send.type, canonical(send.content))
    return frame, send


def agree(payload: bytes) -> bool:
    """Whether the native path takes the payload; if so, Python reads the same."""
    found = link.parse(payload)
    if found is None:
        return False
    frame, send = python_reads(payload)
    name = send.to if send.to is not None else send.conversation
    assert found == (frame.id, name.encode(), bytes(send.content), send.n, send.after, send.to is not None)
    assert send == MessageSend(
        content=send.content, conversation=send.conversation, to=send.to, n=send.n, after=send.after
    )
    return True


def request(id: int, params: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode([1, id, "message.send", params])


@given(ids, plain_sends, names, st.booleans())
def test_every_plain_send_is_taken_and_read_alike(id: int, params: dict[str, Any], name: str, to: bool) -> None:
    assert agree(request(id, params | {"to" if to else "conversation": name}))


@given(ids, plain_sends, names, st.data())
def test_a_send_with_changed_bytes_is_read_alike_or_left_to_python(
    id: int, params: dict[str, Any], name: str, data: st.DataObject
) -> None:
    payload = bytearray(request(id, params | {"to": name}))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        change = data.draw(st.sampled_from(("replace", "insert", "delete")))
        if change == "replace":
            payload[at] = data.draw(st.integers(0, 255))
        elif change == "insert":
            payload.insert(at, data.draw(st.integers(0, 255)))
        elif len(payload) > 1:
            del payload[at]
    agree(bytes(payload))


@given(st.binary(max_size=200) | anything.map(msgspec.msgpack.encode))
def test_any_bytes_are_read_alike_or_left_to_python(payload: bytes) -> None:
    agree(payload)


@given(ids, plain_sends, names, st.dictionaries(st.text(max_size=14), anything, min_size=1, max_size=3))
def test_a_send_with_more_in_it_is_left_to_python(
    id: int, params: dict[str, Any], name: str, more: dict[str, Any]
) -> None:
    known = {"to", "type", "content", "n", "after"}
    taken = agree(request(id, {"to": name, **params, **{key: more[key] for key in more if key not in known}}))
    assert taken == (not set(more) - known)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe4\xbd",
        b"12345678\x80",
        b"",
        b"\xf0\x80\x80\x80",
    ],
)
def test_text_that_is_not_utf_8_or_empty_is_left_to_python(text: bytes) -> None:
    whole = request(1, {"to": "user/b", "content": {"text": "?"}})
    assert agree(whole)
    assert not agree(whole.replace(b"\xa1?", bytes([0xA0 | len(text)]) + text))


# --- WebSocket frames -------------------------------------------------------------------------


def masked(payload: bytes, key: bytes, first: int = 0x82) -> bytes:
    size = len(payload)
    head = bytes([first])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4), st.binary(max_size=20), st.data())
def test_a_frame_cut_anywhere_is_incomplete_and_whole_is_itself(
    payload: bytes, key: bytes, behind: bytes, data: st.DataObject
) -> None:
    frame = masked(payload, key)
    assert link.look(frame + behind) == (MESSAGE, len(frame), payload)
    cut = data.draw(st.integers(0, len(frame) - 1))
    assert link.look(frame[:cut])[0] == INCOMPLETE


@given(st.integers(0, 255), st.booleans(), st.binary(max_size=10))
def test_only_whole_binary_messages_with_a_mask_are_looked_into(first: int, mask: bool, payload: bytes) -> None:
    frame = bytearray(masked(payload, b"abcd", first))
    if not mask:
        frame[1] &= 0x7F
    verdict, size, _ = link.look(bytes(frame))
    if not mask or first & 0x70 or first & 0x0F not in (0, 1, 2, 8, 9, 10):
        assert verdict == STRANGE
    else:
        assert size == len(frame)
        assert verdict == (MESSAGE if first == 0x82 else OTHER)


@pytest.mark.parametrize("size", [125, 126, FAST_FRAME_BYTES, FAST_FRAME_BYTES + 1, 65_535, 65_536])
def test_large_frames_are_passed_by_their_size(size: int) -> None:
    frame = masked(b"x" * size, b"abcd")
    assert link.look(frame)[:2] == (MESSAGE if size <= FAST_FRAME_BYTES else OTHER, len(frame))
    assert link.look(frame[:14])[0] == (INCOMPLETE if size <= FAST_FRAME_BYTES else OTHER)


def test_an_impossible_length_is_strange() -> None:
    assert link.look(b"\x82\xff" + b"\xff" * 12)[0] == STRANGE


# --- replies ----------------------------------------------------------------------------------


@given(ids, names, numbers, numbers, numbers)
def test_replies_are_the_bytes_that_python_writes(id: int, name: str, epoch: int, seq: int, at_ms: int) -> None:
    expected = MSGPACK.message((2, id, MessageSent(name, epoch, seq, at_ms)))
    assert link.ack(id, name, epoch, seq, at_ms) == expected
