"""The kernel's packet functions against their Python twins: what one reads, writes or refuses, the other does too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media import kernel
from trunkline.protocol.rtp import codecs, packet
from trunkline.protocol.rtp.rewriting import Rewriter

if kernel.MODULE is None:
    pytest.skip(f"no media kernel: {kernel.WHY_NOT}", allow_module_level=True)
native: Any = kernel.MODULE
CODECS = ["opus", "vp8", "h264", "vp9", "av1"]
u8, u16, u32 = st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
one_byte = st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=6)
two_byte = st.dictionaries(st.integers(1, 255), st.binary(max_size=40), max_size=4)
packets = st.builds(
    packet.RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=u16,
    timestamp=u32,
    ssrc=u32,
    marker=st.booleans(),
    csrcs=st.lists(u32, max_size=15).map(tuple),
    extensions=one_byte | two_byte,
    payload=st.binary(max_size=200),
    padding_bytes=st.integers(0, 255),
)


@st.composite
def damaged_packets(draw: st.DrawFn) -> bytes:
    """Packets that were cut, changed in a few bytes, or are none at all; extension blocks of any profile."""
    data = bytearray(draw(packets).serialize())
    if draw(st.booleans()) and data[0] & 0x10:
        place = 12 + 4 * (data[0] & 0x0F)
        data[place : place + 2] = draw(st.sampled_from([b"\xbe\xde", b"\x10\x00", b"\x10\x0f", b"\x00\x01"]))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(u8)
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def twin(datagram: bytes) -> tuple[Any, ...] | None:
    try:
        read = packet.parse(datagram)
    except packet.RtpError:
        return None
    fixed = (read.payload_type, read.sequence, read.timestamp, read.ssrc, read.marker, len(read.csrcs))
    return (*fixed, read.padding_bytes, read.extensions, read.payload)


@given(damaged_packets() | st.binary(max_size=100))
def test_a_packet_is_read_or_refused_alike(datagram: bytes) -> None:
    assert native.parse(datagram) == twin(datagram)


@given(packets)
def test_a_sound_packet_is_read(sent: packet.RtpPacket) -> None:
    read = native.parse(sent.serialize())
    assert read is not None
    assert read[7] == sent.extensions
    assert read[8] == sent.payload


@given(packets)
def test_a_packet_is_written_alike(sent: packet.RtpPacket) -> None:
    sent.csrcs, sent.padding_bytes = (), 0
    fields = (sent.payload_type, sent.sequence, sent.timestamp, sent.ssrc, sent.marker, sent.extensions, sent.payload)
    assert native.write(*fields) == sent.serialize()


@pytest.mark.parametrize("extensions", [{0: b"x"}, {256: b"x"}, {1: bytes(256)}])
def test_an_extension_that_fits_no_form_is_not_written(extensions: dict[int, bytes]) -> None:
    assert native.write(96, 1, 2, 3, False, extensions, b"payload") is None


@given(st.binary(max_size=40), st.integers(0, 0x7FFF), u8)
def test_vp8_is_read_and_rewritten_alike(payload: bytes, picture_id: int, tl0_index: int) -> None:
    try:
        read = codecs.parse_vp8(payload)
    except codecs.PayloadError:
        assert native.vp8(payload) is None
        return
    assert native.vp8(payload) == (
        read.start, read.picture_id, read.wide, read.tl0_index, read.temporal, read.sync, read.key_frame, read.size
    )  # fmt: skip
    assert native.rewrite_vp8(payload, picture_id, tl0_index) == codecs.rewrite_vp8(
        payload, read, picture_id, tl0_index
    )


heads = st.sampled_from(
    [b"\x18", b"\x7c\x85", b"\x65", b"\x67", b"\x90\xe0\x80\x05\x01\x20", b"\x28", b"\xa8\x81", b"\x08"]
)


@given(st.sampled_from(CODECS), heads | st.just(b""), st.binary(max_size=60))
def test_key_frames_are_seen_alike(codec: str, head: bytes, rest: bytes) -> None:
    assert native.key_frame(CODECS.index(codec), head + rest) == codecs.is_key_frame(codec, head + rest)


def test_key_frames_of_every_codec_are_seen() -> None:
    """So that agreeing on nothing cannot pass: one genuine beginning each."""
    beginnings = [b"\x10\x00", b"\x67\x42", b"\x08\x00", b"\x08\x00"]
    assert [native.key_frame(n, beginning) for n, beginning in enumerate(beginnings, 1)] == [True] * 4
    stap = b"\x18\x00\x02\x41\x00\x00\x02\x65\x00"
    assert native.key_frame(2, stap)
    assert not native.key_frame(2, stap[:6])


actions = st.lists(
    st.one_of(
        st.tuples(st.just("switch"), u16, u32, st.none() | st.tuples(st.integers(0, 0x7FFF), u8)),
        st.tuples(st.just("next"), st.integers(-40, 40), st.integers(0, 9000), st.none() | st.tuples(u16, u8)),
        st.tuples(st.just("leave out"), st.integers(-3, 5), st.just(0), st.none()),
    ),
    max_size=80,
)


@given(start=u16, timestamp=u32, steps=actions, pauses=st.lists(st.floats(0, 2), min_size=80, max_size=80))
def test_numbers_go_the_same_way(start: int, timestamp: int, steps: list[Any], pauses: list[float]) -> None:
    ours, other = native.Rewriter(start, timestamp, 90_000), Rewriter(start, timestamp, 90_000)
    sequence = stamp = 0
    now_s = 1000.0
    for ssrc, ((action, first, second, given_numbers), pause) in enumerate(zip(steps, pauses, strict=False)):
        now_s += pause
        vp8 = None
        if given_numbers is not None:
            given_numbers = (given_numbers[0] & 0x7FFF, given_numbers[1])
            vp8 = codecs.Vp8Descriptor(True, given_numbers[0], True, given_numbers[1], None, False, True, 4)
        if action == "switch":
            sequence, stamp = first, second
            ours.switch(ssrc, sequence, stamp, now_s, given_numbers)
            other.switch(ssrc, sequence, stamp, now_s, vp8)
            continue
        sequence, stamp = (sequence + first) & 0xFFFF, (stamp + second) & 0xFFFFFFFF
        if action == "leave out":
            ours.leave_out(sequence)
            other.leave_out(sequence)
            continue
        made = other.rewrite(sequence, stamp, now_s, vp8)
        wanted = None if made is None else (made.sequence, made.timestamp, made.picture_id, made.tl0_index)
        assert ours.rewrite(sequence, stamp, now_s, given_numbers) == wanted


def test_more_packets_left_out_than_are_remembered() -> None:
    ours, other = native.Rewriter(65_000, 0, 48_000), Rewriter(65_000, 0, 48_000)
    ours.switch(1, 0, 0, 0.0, None)
    other.switch(1, 0, 0, 0.0)
    for number in range(2000):
        if number % 3:
            ours.leave_out(number)
            other.leave_out(number)
    for number in (*range(2000, 2010), *range(1990, 2000), *range(900, 1300)):
        made = other.rewrite(number, number, 1.0)
        wanted = None if made is None else (made.sequence, made.timestamp, 0, 0)
        assert ours.rewrite(number, number, 1.0, None) == wanted
