"""The journal's bytes: they are a promise to every later version."""

from __future__ import annotations

import pytest

from trunkline.protocol.journal import format as layout
from trunkline.protocol.journal.errors import JournalNotApplied, JournalPayloadTooLarge, JournalUnsupported
from trunkline.protocol.journal.format import (
    SegmentHeader,
    decode_frame_header,
    decode_segment_header,
    encode_frame,
    encode_segment_header,
    genesis_chain,
    parse_segment_name,
    segment_name,
)
from trunkline.protocol.journal.mark import MARK_FILE_SIZE, DurableMark, decode_marks, encode_mark, mark_offset

STORE_ID = bytes(range(16))
SALT = bytes(range(16, 32))
HEADER = SegmentHeader(STORE_ID, SALT, 7, genesis_chain(STORE_ID))


def test_the_bytes_of_a_segment_header_never_change() -> None:
    assert encode_segment_header(HEADER).hex() == GOLDEN_HEADER


def test_the_bytes_of_a_frame_never_change() -> None:
    frame, chain = encode_frame(HEADER.seed, HEADER.prev_chain, 7, b"one commit group")
    assert frame.hex() == GOLDEN_FRAME
    assert chain == frame[32:48]


def test_the_bytes_of_a_mark_never_change() -> None:
    assert encode_mark(STORE_ID, 9, bytes(16)).hex() == GOLDEN_MARK


def test_a_segment_header_survives_the_round_trip() -> None:
    assert decode_segment_header(encode_segment_header(HEADER)) == HEADER


def test_any_flipped_bit_in_a_segment_header_is_noticed() -> None:
    data = encode_segment_header(HEADER)
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert decode_segment_header(bytes(changed)) is None, f"bit {bit}"


def test_a_short_segment_header_is_none() -> None:
    data = encode_segment_header(HEADER)
    assert all(decode_segment_header(data[:size]) is None for size in range(len(data)))


def test_any_flipped_bit_in_a_frame_header_is_noticed() -> None:
    frame, _ = encode_frame(HEADER.seed, HEADER.prev_chain, 7, b"payload")
    for bit in range(48 * 8):
        changed = bytearray(frame)
        changed[bit // 8] ^= 1 << bit % 8
        assert decode_frame_header(HEADER.seed, bytes(changed)) is None, f"bit {bit}"


def test_a_frame_of_another_segment_is_not_taken_for_one_of_this() -> None:
    other = SegmentHeader(STORE_ID, bytes(16), 7, HEADER.prev_chain)
    frame, _ = encode_frame(other.seed, HEADER.prev_chain, 7, b"payload")
    assert decode_frame_header(HEADER.seed, frame) is None


def test_the_chain_depends_on_everything_before_it() -> None:
    chains = {
        encode_frame(HEADER.seed, previous, lsn, payload)[1]
        for previous in (HEADER.prev_chain, bytes(16))
        for lsn in (7, 8)
        for payload in (b"", b"a", b"b")
    }
    assert len(chains) == 12


def test_an_oversize_payload_is_refused_as_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_PAYLOAD_BYTES", 10)
    encode_frame(HEADER.seed, HEADER.prev_chain, 7, bytes(10))
    with pytest.raises(JournalPayloadTooLarge, match="11 bytes exceeds 10") as caught:
        encode_frame(HEADER.seed, HEADER.prev_chain, 7, bytes(11))
    assert isinstance(caught.value, JournalNotApplied)


@pytest.mark.parametrize("lsn", [1, 42, 2**53, 2**63])
def test_segment_names_carry_the_first_lsn(lsn: int) -> None:
    assert parse_segment_name(segment_name(lsn)) == lsn


def test_segment_names_sort_as_numbers() -> None:
    assert sorted(map(segment_name, (10, 9, 100))) == [segment_name(9), segment_name(10), segment_name(100)]
    assert segment_name(1) == "00000000000000000001.tlj"


@pytest.mark.parametrize(
    "name", ["", "LOCK", "DURABLE", "1.tlj", "00000000000000000001", "00000000000000000001.tlj.new", "٠" * 20 + ".tlj"]
)
def test_other_names_are_not_segments(name: str) -> None:
    assert parse_segment_name(name) is None


# ---------------------------------------------------------------------- the mark


def _mark_file(*marks: DurableMark) -> bytes:
    data = bytearray(MARK_FILE_SIZE)
    for mark in marks:
        slot = encode_mark(mark.store_id, mark.lsn, mark.chain)
        data[mark_offset(mark.lsn) : mark_offset(mark.lsn) + len(slot)] = slot
    return bytes(data)


def test_the_higher_of_two_marks_counts() -> None:
    nine, ten = DurableMark(STORE_ID, 9, bytes(16)), DurableMark(STORE_ID, 10, bytes(16))
    assert decode_marks(_mark_file(nine, ten)) == ten
    assert decode_marks(_mark_file(ten, DurableMark(STORE_ID, 11, SALT))) == DurableMark(STORE_ID, 11, SALT)


def test_a_torn_mark_leaves_the_other_one() -> None:
    nine, ten = DurableMark(STORE_ID, 9, bytes(16)), DurableMark(STORE_ID, 10, bytes(16))
    for bit in range(64 * 8):
        data = bytearray(_mark_file(nine, ten))
        data[mark_offset(10) + bit // 8] ^= 1 << bit % 8
        assert decode_marks(bytes(data)) == nine


def test_no_sound_mark_is_none() -> None:
    assert decode_marks(b"") is None
    assert decode_marks(bytes(MARK_FILE_SIZE)) is None


def test_a_newer_mark_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.protocol.journal.mark.FORMAT_VERSION", 2)
    data = _mark_file(DurableMark(STORE_ID, 9, bytes(16)))
    monkeypatch.undo()
    with pytest.raises(JournalUnsupported, match="format 2"):
        decode_marks(data)


GOLDEN_HEADER = (
    "89544c4a524e0d0a0100600000000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "07000000000000005dc6525c121efeafc565888810a6f4760000000000000000000000000000000000000000b57ce133"
)
GOLDEN_FRAME = (
    "f5544c463134a9f410000000176516cd07000000000000000100000000000000a53351fa9ebd3246965f0910f3b4e4ea"
    "6f6e6520636f6d6d69742067726f7570"
)
GOLDEN_MARK = (
    "89544c444d0d0a1a01000000000102030405060708090a0b0c0d0e0f0900000000000000000000000000000000000000"
    "000000000000000000000000a7d4819b"
)
