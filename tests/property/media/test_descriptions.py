"""Descriptions and frames as anybody may send them: read or refused, and what we write is read back the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.media.test_sdp import LOCAL, OFFER
from trunkline.media.sfu.streams import MAX_FRAME_BYTES, Frames, frame
from trunkline.protocol.sdp import SdpError, parse
from trunkline.protocol.sdp.answer import Choices, Sending, check_offer, make_answer, usable_codecs
from trunkline.protocol.sdp.offer import PayloadTypes, check_answer, data_section, make_offer, track_section

LINES = OFFER.split("\r\n")
SCRAPS = st.sampled_from(
    ["a=rtpmap:", "m=video 9 UDP/TLS/RTP/SAVPF ", "a=fmtp:96 ", "a=simulcast:send ", "a=ssrc:", "o="]
)


@given(st.lists(st.tuples(st.integers(0, len(LINES)), st.one_of(SCRAPS, st.sampled_from(LINES)), st.text(max_size=30))))
def test_a_changed_offer_is_answered_or_refused(changes: list[tuple[int, str, str]]) -> None:
    lines = list(LINES)
    for position, head, tail in changes:
        lines.insert(position, head + tail)
    try:
        offer = parse("\r\n".join(lines))
        check_offer(offer)
    except SdpError:
        return
    answer = make_answer(offer, LOCAL, Choices({"0": Sending("s", "t", 1, None, "c")}), "1", 1)
    assert len(answer.media) == len(offer.media)
    assert all(not media.codecs or media.kind in ("audio", "video") for media in answer.media)


@given(st.text(max_size=2000))
def test_any_text_is_read_or_refused(text: str) -> None:
    for check in (check_offer, check_answer):
        try:
            check(parse(text))
        except SdpError:
            continue


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=20))
def test_an_offer_is_read_back_and_a_format_has_one_number(tracks: list[tuple[bool, bool, bool]]) -> None:
    published = {media.kind: usable_codecs(media) for media in parse(OFFER).media if media.codecs}
    types = PayloadTypes()
    sections = [data_section("0")]
    for number, (video, redundant, stopped) in enumerate(tracks, 1):
        kind = "video" if video else "audio"
        formats = types.formats(published[kind], redundant=redundant)
        sending = Sending("PA_x|camera", f"TR_{number}", number, 1000 + number if video else None, "cname")
        section = track_section(str(number), kind, formats, sending)
        section.port = 0 if stopped else 9
        sections.append(section)
    read = parse(make_offer(sections, LOCAL, "7", 3).serialize())
    assert [media.mid for media in read.media] == [media.mid for media in sections]
    assert read.bundle == [media.mid for media in sections if not media.rejected]
    numbers: dict[int, tuple[str, str]] = {}
    for media in read.media[1:]:
        if media.rejected:
            continue
        assert media.track == f"TR_{media.mid}" and media.direction == "sendonly" and media.setup == "actpass"
        for codec in media.codecs:
            assert codec.payload_type < 64 or codec.payload_type >= 96, "RTCP could be taken for it"
            assert numbers.setdefault(codec.payload_type, (codec.kind, str(codec.parameters))) == (
                codec.kind,
                str(codec.parameters),
            )


@given(st.lists(st.binary(max_size=300)), st.integers(1, 50))
def test_datagrams_over_tcp_are_read_back_however_they_are_cut(datagrams: list[bytes], size: int) -> None:
    stream = b"".join(map(frame, datagrams))
    frames = Frames()
    found: list[bytes] = []
    for start in range(0, len(stream), size):
        found += frames.feed(stream[start : start + size])
    assert found == datagrams


@given(st.binary(max_size=4000))
def test_any_stream_is_read_or_ends_and_keeps_little(data: bytes) -> None:
    frames = Frames()
    try:
        frames.feed(data)
    except ValueError:
        return
    assert len(frames._buffer) <= MAX_FRAME_BYTES + 2
