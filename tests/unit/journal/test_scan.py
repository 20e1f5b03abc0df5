"""What a segment's bytes are taken for: clean, torn by a crash, or damaged."""

from __future__ import annotations

import pytest

from trunkline.protocol.journal import format as layout
from trunkline.protocol.journal.errors import JournalCorrupt, JournalUnsupported
from trunkline.protocol.journal.format import (
    FRAME_HEADER_SIZE,
    SEGMENT_HEADER_SIZE,
    SegmentHeader,
    encode_frame,
    genesis_chain,
)
from trunkline.protocol.journal.mark import DurableMark
from trunkline.protocol.journal.scan import (
    EndKind,
    Frame,
    FrameScanner,
    SegmentEnd,
    require_recoverable,
    require_sealed,
)

STORE_ID = bytes(16)
HEADER = SegmentHeader(STORE_ID, b"0123456789abcdef", 1, genesis_chain(STORE_ID))
PAYLOADS = [b"first", b"", b"third" * 50, b"fourth"]


def build(payloads: list[bytes], header: SegmentHeader = HEADER) -> list[bytes]:
    """The bytes of each frame."""
    frames, chain = [], header.prev_chain
    for lsn, payload in enumerate(payloads, header.first_lsn):
        frame, chain = encode_frame(header.seed, chain, lsn, payload)
        frames.append(frame)
    return frames


def scan(data: bytes, chunk_size: int = 1 << 20) -> tuple[list[Frame], SegmentEnd]:
    scanner = FrameScanner(HEADER)
    frames: list[Frame] = []
    for start in range(0, len(data), chunk_size):
        scanner.feed(data[start : start + chunk_size])
        frames.extend(scanner.frames())
    return frames, scanner.finish()


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_an_empty_segment_ends_cleanly() -> None:
    frames, end = scan(b"")
    assert frames == []
    assert (end.kind, end.offset, end.next_lsn) == (EndKind.CLEAN, SEGMENT_HEADER_SIZE, 1)


def test_frames_come_back_with_their_places() -> None:
    parts = build(PAYLOADS)
    frames, end = scan(b"".join(parts))
    assert [frame.payload for frame in frames] == PAYLOADS
    assert [frame.lsn for frame in frames] == [1, 2, 3, 4]
    assert frames[0].offset == SEGMENT_HEADER_SIZE
    assert all(frame.end - frame.offset == len(part) for frame, part in zip(frames, parts, strict=True))
    assert (end.kind, end.offset, end.next_lsn, end.chain) == (EndKind.CLEAN, frames[-1].end, 5, frames[-1].chain)


@pytest.mark.parametrize("zeros", [1, 47, 48, 49, 5000])
def test_preallocated_zeros_are_a_clean_end(zeros: int) -> None:
    frames, end = scan(b"".join(build(PAYLOADS)) + bytes(zeros), chunk_size=100)
    assert len(frames) == 4
    assert (end.kind, end.offset, end.dropped_bytes) == (EndKind.CLEAN, frames[-1].end, 0)


@pytest.mark.parametrize("zeros", [0, 1000])
def test_a_cut_last_frame_is_a_torn_tail_at_every_byte(zeros: int) -> None:
    parts = build(PAYLOADS)
    head, last = b"".join(parts[:-1]), parts[-1]
    for size in range(1, len(last)):
        frames, end = scan(head + last[:size] + bytes(zeros))
        assert len(frames) == 3
        assert end.kind is EndKind.TORN_TAIL, size
        assert end.offset == SEGMENT_HEADER_SIZE + len(head)
        assert 0 < end.dropped_bytes <= size


def test_a_hole_in_a_large_last_frame_is_a_torn_tail() -> None:
    """The sectors of one write may reach the disk in any order: the first missing, the last there."""
    parts = build([b"before", b"x" * 5000])
    for start in range(0, 5000, 512):
        torn = parts[1][:start] + bytes(512) + parts[1][start + 512 :]
        frames, end = scan(parts[0] + torn + bytes(300))
        assert [frame.payload for frame in frames] == [b"before"]
        assert end.kind is EndKind.TORN_TAIL


def test_a_bad_frame_before_a_good_one_is_corrupt_whichever_bit_is_bad() -> None:
    parts = build(PAYLOADS)
    for index in range(3):
        before = b"".join(parts[:index])
        after = b"".join(parts[index + 1 :])
        for bit in range(len(parts[index]) * 8):
            frames, end = scan(before + flip(parts[index], bit) + after)
            assert len(frames) == index
            assert end.kind is EndKind.CORRUPT, f"frame {index}, bit {bit}"
            assert end.offset == SEGMENT_HEADER_SIZE + len(before)


def test_evidence_is_found_across_chunks() -> None:
    parts = build(PAYLOADS)
    data = flip(parts[0], 70) + b"".join(parts[1:])
    for chunk_size in range(1, 130):
        frames, end = scan(data, chunk_size)
        assert frames == []
        assert end.kind is EndKind.CORRUPT, chunk_size


def test_a_zeroed_stretch_before_a_frame_is_corrupt() -> None:
    parts = build(PAYLOADS)
    _, end = scan(parts[0] + bytes(len(parts[1]) + len(parts[2])) + parts[3])
    assert end.kind is EndKind.CORRUPT
    assert "frame 4 was written behind it" in end.reason


def test_even_a_torn_later_frame_proves_that_the_bad_one_was_durable() -> None:
    parts = build(PAYLOADS)
    _, end = scan(parts[0] + flip(parts[1], 100) + parts[2][: FRAME_HEADER_SIZE + 3])
    assert end.kind is EndKind.CORRUPT


def test_anything_behind_the_declared_end_of_a_bad_frame_is_damage() -> None:
    parts = build(PAYLOADS)
    bad_payload = flip(parts[2], 8 * FRAME_HEADER_SIZE + 5)
    _, end = scan(parts[0] + parts[1] + bad_payload + flip(parts[3], 3))
    assert end.kind is EndKind.CORRUPT
    assert "more was written behind its end" in end.reason


def test_a_missing_frame_in_the_middle_is_corrupt() -> None:
    parts = build(PAYLOADS)
    _, end = scan(parts[0] + parts[2] + parts[3])
    assert end.kind is EndKind.CORRUPT


def test_a_repeated_frame_is_corrupt() -> None:
    parts = build(PAYLOADS)
    _, end = scan(parts[0] + parts[0])
    assert end.kind is EndKind.CORRUPT


def test_a_whole_frame_of_another_history_is_corrupt_even_at_the_end() -> None:
    """Same number, right checksum, but it does not follow the frame before it."""
    ours, theirs = build([b"a", b"b"]), build([b"x", b"y"])
    frames, end = scan(ours[0] + theirs[1])
    assert len(frames) == 1
    assert end.kind is EndKind.CORRUPT
    assert "hash chain" in end.reason


def test_a_payload_that_imitates_a_frame_is_no_evidence() -> None:
    """A client may send anything, also a frame of its own making; it does not know the salt."""
    forged, _ = encode_frame(0, HEADER.prev_chain, 9, b"forged")
    parts = build([b"before", forged * 20])
    _, end = scan(parts[0] + parts[1][:-1])
    assert end.kind is EndKind.TORN_TAIL


def test_a_newer_frame_is_unsupported_not_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "FORMAT_VERSION", 2)
    data = b"".join(build([b"from the future"]))
    monkeypatch.undo()
    with pytest.raises(JournalUnsupported, match="format 2"):
        scan(data)


def test_an_encrypted_frame_is_unsupported_not_torn() -> None:
    data, _ = encode_frame(HEADER.seed, HEADER.prev_chain, 1, b"secret", key_id=5)
    with pytest.raises(JournalUnsupported, match="key 5"):
        scan(data)


def test_a_scan_can_start_in_the_middle() -> None:
    parts = build(PAYLOADS)
    frames, _ = scan(b"".join(parts))
    scanner = FrameScanner(HEADER, next_lsn=3, chain=frames[1].chain, offset=frames[2].offset)
    scanner.feed(b"".join(parts[2:]))
    assert list(scanner.frames()) == frames[2:]


# ---------------------------------------------------------------------- verdicts


def _ends() -> tuple[SegmentEnd, SegmentEnd, SegmentEnd]:
    parts = build(PAYLOADS)
    clean = scan(b"".join(parts))[1]
    torn = scan(b"".join(parts)[:-1])[1]
    corrupt = scan(parts[0] + flip(parts[1], 9) + parts[2])[1]
    return clean, torn, corrupt


def test_a_torn_tail_behind_the_mark_is_recoverable() -> None:
    clean, torn, _ = _ends()
    mark = DurableMark(STORE_ID, 3, bytes(16))
    require_recoverable("f", clean, mark)
    require_recoverable("f", torn, mark)
    require_recoverable("f", torn, None)


def test_a_torn_tail_before_the_mark_is_damage() -> None:
    _, torn, _ = _ends()
    with pytest.raises(JournalCorrupt, match="although frame 4 was durable"):
        require_recoverable("f", torn, DurableMark(STORE_ID, 4, bytes(16)))


def test_a_clean_end_before_the_mark_is_damage() -> None:
    clean, _, _ = _ends()
    require_recoverable("f", clean, DurableMark(STORE_ID, 4, bytes(16)))
    with pytest.raises(JournalCorrupt, match="holds no more frames, although frame 5 was durable"):
        require_recoverable("f", clean, DurableMark(STORE_ID, 5, bytes(16)))


def test_a_corrupt_middle_is_refused_and_says_where_and_what_to_do() -> None:
    _, _, corrupt = _ends()
    with pytest.raises(
        JournalCorrupt, match=r"00\.tlj is damaged at byte \d+.*restore the store from a backup"
    ) as caught:
        require_recoverable("00.tlj", corrupt, None)
    assert (caught.value.file, caught.value.offset) == ("00.tlj", corrupt.offset)


def test_a_completed_segment_must_be_whole() -> None:
    clean, torn, corrupt = _ends()
    successor = SegmentHeader(STORE_ID, HEADER.salt, 5, clean.chain)
    require_sealed("f", clean, successor)
    for end in (torn, corrupt):
        with pytest.raises(JournalCorrupt, match="completed long ago"):
            require_sealed("f", end, successor)
    with pytest.raises(JournalCorrupt, match="next segment starts at 6"):
        require_sealed("f", clean, successor._replace(first_lsn=6))
    with pytest.raises(JournalCorrupt, match="does not continue its hash chain"):
        require_sealed("f", clean, successor._replace(prev_chain=bytes(16)))
