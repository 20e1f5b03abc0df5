"""Offers of real clients (shortened), and what is answered."""

from __future__ import annotations

import pytest

from trunkline.protocol.sdp import Fingerprint, SdpError, parse
from trunkline.protocol.sdp.answer import Choices, Local, Sending, check_offer, make_answer
from trunkline.protocol.sdp.matching import find, retransmission_of, same_bytes

TRANSPORT = """c=IN IP4 0.0.0.0
a=ice-ufrag:dVdP
a=ice-pwd:AXXozzrOvu9ay6+xmjYmPahr
a=ice-options:trickle
a=fingerprint:sha-256 27:c2:8e:86
a=setup:actpass
"""
OFFER = f"""v=0
o=- 8982033592863209753 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2 3
a=extmap-allow-mixed
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0
{TRANSPORT}a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:0 PCMU/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104
{TRANSPORT}a=mid:1
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=sendonly
a=msid:- 0a1b
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rid:q send
a=rid:h send
a=simulcast:send q;h
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
{TRANSPORT}a=mid:2
a=sctp-port:5000
a=max-message-size:262144
m=audio 0 UDP/TLS/RTP/SAVPF 8
a=mid:3
a=rtpmap:8 PCMA/8000
""".replace("\n", "\r\n")
LOCAL = Local("ours", "secret", Fingerprint("sha-256", "AA:BB"), ("1 1 udp 1 192.0.2.1 7 typ host",))


def test_the_codec_a_client_announced_comes_first() -> None:
    """Browsers send the first codec of an answer, whatever the library asked them for."""
    local = Local("u", "p", Fingerprint("sha-256", "AA"))
    answer = make_answer(parse(OFFER), local, Choices(preferred={"1": "h264"}), "1", 1)
    video = next(media for media in answer.media if media.mid == "1")
    assert [codec.kind for codec in video.codecs] == ["h264", "vp8", "rtx", "rtx"]


def test_an_offer_is_read() -> None:
    offer = parse(OFFER)
    assert [(m.kind, m.mid, m.direction, m.rejected) for m in offer.media[:3]] == [
        ("audio", "0", "recvonly", False),
        ("video", "1", "sendonly", False),
        ("application", "2", "sendrecv", False),
    ]
    assert offer.media[3].rejected and offer.bundle == ["0", "1", "2", "3"] and offer.allow_mixed
    audio, video = offer.media[0], offer.media[1]
    assert audio.fingerprint == Fingerprint("sha-256", "27:C2:8E:86")
    assert [(c.payload_type, c.kind, c.channels) for c in audio.codecs] == [
        (111, "opus", 2),
        (63, "red", 2),
        (0, "pcmu", 1),
    ]
    assert video.track == "0a1b" and video.simulcast.send == ("q", "h") and video.rids == {"q": "send", "h": "send"}
    assert check_offer(offer) is audio
    retransmission = retransmission_of(video, video.codecs[0])
    assert retransmission is not None and retransmission.payload_type == 97


def test_the_answer_takes_what_is_sent_and_fills_what_is_received() -> None:
    offer = parse(OFFER)
    sending = Sending("PA_x|camera", "TR_y", 77, None, "cname")
    text = make_answer(offer, LOCAL, Choices({"0": sending}, ["1"]), "1", 1).serialize()
    answer = parse(text)
    audio, video, application, refused = answer.media
    assert answer.ice_lite and answer.bundle == ["0", "1", "2"]
    assert (audio.direction, audio.stream, audio.track, audio.sources) == (
        "sendonly",
        "PA_x|camera",
        "TR_y",
        {77: "cname"},
    )
    assert [c.kind for c in audio.codecs] == ["opus", "red"] and audio.codecs[0].feedback == ["transport-cc", "nack"]
    assert audio.codecs[1].parameters == {"111/111": ""} and list(audio.extensions) == [1]
    assert (video.direction, video.simulcast.receive, video.rids) == (
        "recvonly",
        ("q", "h"),
        {"q": "recv", "h": "recv"},
    )
    assert video.codecs[0].feedback == ["nack", "nack pli"] and video.rtcp_reduced_size
    assert (application.sctp_port, application.max_message_bytes) == (5000, 64_000)
    assert refused.rejected and "a=inactive" in text
    assert all(m.setup == "passive" and m.ufrag == "ours" for m in answer.media[:3])


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("a=fingerprint:sha-256 27:c2:8e:86\r\n", ""),
        ("a=ice-ufrag:dVdP\r\n", ""),
        ("a=group:BUNDLE 0 1 2 3", "a=group:BUNDLE 0 1"),
        ("a=setup:actpass", "a=setup:passive"),
    ],
)
def test_an_offer_that_cannot_work_is_refused(line: str, instead: str) -> None:
    with pytest.raises(SdpError):
        check_offer(parse(OFFER.replace(line, instead)))


@pytest.mark.parametrize(
    "line",
    [
        "m=audio x UDP/TLS/RTP/SAVPF 1",
        "m=audio 9",
        "m=audio 9 X 300",
        "a=ssrc:-1 cname:x",
        "a=ssrc:99999999999",
        "nonsense",
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(SdpError, match=r"line|payload|source"):
        parse(OFFER + line + "\r\n")


def test_h264_profiles_that_are_the_same_bytes() -> None:
    offer = parse(OFFER)
    baseline = offer.media[1].codecs[2]
    other = parse(OFFER.replace("profile-level-id=42e01f", "profile-level-id=4d801f")).media[1]
    assert same_bytes(baseline, other.codecs[2]) and find(other, baseline) is other.codecs[2]
    mode0 = parse(OFFER.replace("packetization-mode=1", "packetization-mode=0")).media[1]
    assert find(mode0, baseline) is None
