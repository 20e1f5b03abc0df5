"""Any bytes: parsers of media protocols refuse or read, and what was written is read back the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunkline.base.wrapping import Unwrapper, sequence_after
from trunkline.protocol.rtp import codecs, packet, red, rtcp, transport_cc
from trunkline.protocol.stun import StunError, parse, peek_username

u8, u16, u32 = st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
anything = st.binary(max_size=200)


@given(anything, st.booleans())
def test_stun_refuses_or_reads(data: bytes, framed: bool) -> None:
    if framed:
        size = len(data) - len(data) % 4
        data = b"\x00\x01" + size.to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + data[:size]
    peek_username(data)
    try:
        message = parse(data)
    except StunError:
        return
    assert not message.verify("a password nobody used")


packets = st.builds(
    packet.RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=u16,
    timestamp=u32,
    ssrc=u32,
    marker=st.booleans(),
    csrcs=st.lists(u32, max_size=15).map(tuple),
    extensions=st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=6)
    | st.dictionaries(st.integers(1, 255), st.binary(max_size=40), max_size=4),
    payload=anything,
    padding_bytes=st.integers(0, 255),
)


@given(packets)
def test_an_rtp_packet_is_read_back_the_same(sent: packet.RtpPacket) -> None:
    assert packet.parse(sent.serialize()) == sent


@given(packets, st.data())
def test_a_cut_rtp_packet_is_refused_or_shorter(sent: packet.RtpPacket, data: st.DataObject) -> None:
    whole = sent.serialize()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        read = packet.parse(cut)
    except packet.RtpError:
        return
    assert len(read.payload) <= len(whole)


reports = st.builds(rtcp.ReportBlock, u32, u8, st.integers(-(1 << 23), (1 << 23) - 1), u32, u32, u32, u32)
rtcp_packets = st.one_of(
    st.builds(
        rtcp.SenderReport, u32, st.integers(0, 2**64 - 1), u32, u32, u32, st.lists(reports, max_size=31).map(tuple)
    ),
    st.builds(rtcp.ReceiverReport, u32, st.lists(reports, max_size=31).map(tuple)),
    st.builds(rtcp.SourceDescription, st.dictionaries(u32, st.text(max_size=40), max_size=31)),
    st.builds(rtcp.Goodbye, st.lists(u32, max_size=31).map(tuple)),
    st.builds(rtcp.PictureLoss, u32, u32),
    st.builds(rtcp.FullIntraRequest, u32, st.lists(st.tuples(u32, u8), max_size=5).map(tuple)),
    st.builds(rtcp.TransportFeedback, u32, u32, anything),
)


@given(st.lists(rtcp_packets, max_size=5))
def test_an_rtcp_compound_is_read_back_the_same(sent: list[rtcp.Packet]) -> None:
    assert rtcp.parse(rtcp.serialize(sent)) == sent


@given(u32, u32, st.sets(u16, min_size=1, max_size=60))
def test_a_nack_names_what_was_lost(ssrc: int, media: int, lost: set[int]) -> None:
    (read,) = rtcp.parse(rtcp.serialize([rtcp.Nack(ssrc, media, tuple(sorted(lost)))]))
    assert isinstance(read, rtcp.Nack) and set(read.lost) == lost


@given(u32, st.integers(0, 2**40), st.lists(u32, max_size=9).map(tuple))
def test_an_estimate_is_kept_to_its_precision(ssrc: int, bitrate_bps: int, media: tuple[int, ...]) -> None:
    (read,) = rtcp.parse(rtcp.serialize([rtcp.ReceiverEstimate(ssrc, bitrate_bps, media)]))
    assert isinstance(read, rtcp.ReceiverEstimate) and read.media_ssrcs == media
    assert bitrate_bps * (1 - 2**-17) <= read.bitrate_bps <= bitrate_bps


@given(anything)
def test_rtcp_refuses_or_reads(data: bytes) -> None:
    for candidate in (data, bytes((0x81, 200 + data[0] % 7 if data else 200)) + data):
        try:
            rtcp.parse(candidate)
        except rtcp.RtcpError:
            pass


blocks = st.builds(red.Block, st.integers(0, 127), st.integers(0, red.MAX_OFFSET), st.binary(max_size=300))


@given(st.lists(blocks, max_size=31), st.integers(0, 127), anything)
def test_redundant_audio_is_read_back_the_same(older: list[red.Block], kind: int, newest: bytes) -> None:
    sent = [*older, red.Block(kind, 0, newest)]
    assert red.parse(red.serialize(sent)) == sent


@given(anything)
def test_red_refuses_or_reads(data: bytes) -> None:
    try:
        assert 0 < len(red.parse(data)) <= red.MAX_BLOCKS
    except red.RedError:
        pass


@st.composite
def feedback(draw: st.DrawFn) -> transport_cc.Feedback:
    now_us = draw(st.integers(0, 2**23)) * 64_000
    arrivals: list[int | None] = []
    for step in draw(st.lists(st.none() | st.integers(-2000, 4000) | st.integers(0, 250), min_size=1, max_size=80)):
        if step is None:
            arrivals.append(None)
        else:
            now_us = max(now_us + step * 250, 0)
            arrivals.append(now_us)
    return transport_cc.Feedback(draw(u16), draw(u8), tuple(arrivals))


@given(feedback())
def test_transport_feedback_is_read_back_the_same(sent: transport_cc.Feedback) -> None:
    read = transport_cc.parse(transport_cc.serialize(sent))
    assert (read.base, read.count) == (sent.base, sent.count)
    wrap_us = 2**24 * 64_000
    first = next((a for a in sent.arrivals_us if a is not None), 0)
    behind_us = first - first % wrap_us
    assert read.arrivals_us == tuple(None if a is None else a - behind_us for a in sent.arrivals_us)


@given(anything)
def test_transport_feedback_refuses_or_reads(data: bytes) -> None:
    try:
        assert len(transport_cc.parse(data).arrivals_us) <= 0xFFFF
    except transport_cc.FeedbackError:
        pass


@given(anything, st.sampled_from(["vp8", "h264", "vp9", "av1", "opus"]))
def test_payload_readers_take_any_bytes(data: bytes, codec: str) -> None:
    codecs.is_key_frame(codec, data)


@given(anything, st.integers(0, 0x7FFF), u8)
def test_rewritten_vp8_says_the_new_numbers_and_keeps_the_rest(data: bytes, picture_id: int, tl0: int) -> None:
    try:
        before = codecs.parse_vp8(data)
    except codecs.PayloadError:
        return
    changed = codecs.rewrite_vp8(data, before, picture_id, tl0)
    after = codecs.parse_vp8(changed)
    assert len(changed) == len(data) and changed[before.size :] == data[before.size :]
    if before.picture_id is not None:
        assert after.picture_id == picture_id & (0x7FFF if before.wide else 0x7F)
    if before.tl0_index is not None:
        assert after.tl0_index == tl0
    assert (after.start, after.key_frame, after.temporal, after.size) == (
        before.start,
        before.key_frame,
        before.temporal,
        before.size,
    )


@given(st.lists(st.integers(-3000, 3000), max_size=200), u16)
def test_unwrapped_numbers_follow_the_true_ones(steps: list[int], start: int) -> None:
    unwrapper = Unwrapper()
    true = start
    offset = unwrapper.unwrap(start) - start
    highest = start
    for step in steps:
        true = max(highest + step, 0)
        assert unwrapper.unwrap(true & 0xFFFF) == true + offset
        highest = max(highest, true)


@given(u16, st.integers(1, 0x7FFF))
def test_after_on_the_circle(a: int, step: int) -> None:
    assert sequence_after((a + step) & 0xFFFF, a) and not sequence_after(a, (a + step) & 0xFFFF)
