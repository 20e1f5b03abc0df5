"""What a forwarding server answers to a client's offer (RFC 8829 section 5.3), section by section.

A section the client sends in is received, with all simulcast layers it offers; one it only receives in carries the
track that was assigned to it, or nothing yet. Payload types and header extension numbers stay the client's own.

Not here: choosing which track goes where, and matching a publisher's codec to a subscriber's (``matching``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from trunkline.protocol.sdp.session import Codec, Fingerprint, Media, SdpError, Session, Simulcast, SourceGroup

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
ORIENTATION = "urn:3gpp:video-orientation"

RECEIVED = frozenset({AUDIO_LEVEL, TRANSPORT_CC, MID, RID, REPAIRED_RID, DEPENDENCY_DESCRIPTOR, ORIENTATION})
SENT = RECEIVED | {PLAYOUT_DELAY}
"""Restriction ids too, though we send none: what an answer drops in one section, libwebrtc misses in later ones."""
CODECS = {"audio": frozenset({"opus", "red"}), "video": frozenset({"vp8", "h264", "vp9", "av1"})}
FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc"})
MAX_MESSAGE_BYTES = 64_000
SCTP_PORT = 5000


@dataclass(slots=True, frozen=True)
class Local:
    """Our end of the transport, the same in every section.

    Attributes:
        candidates: values of ``a=candidate`` lines.
    """

    ufrag: str
    password: str
    fingerprint: Fingerprint
    candidates: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Sending:
    """A track that a section carries to the client."""

    stream: str
    track: str
    ssrc: int
    rtx_ssrc: int | None
    cname: str


@dataclass(slots=True, frozen=True)
class Choices:
    """What was decided about sections.

    Attributes:
        sending: by mid, what we send.
        redundant: mids in which redundant audio is preferred.
        preferred: by mid, the codec that the client wants to send: browsers take the first one of an answer.
    """

    sending: Mapping[str, Sending] = field(default_factory=dict)
    redundant: Collection[str] = ()
    preferred: Mapping[str, str] = field(default_factory=dict)


def check_offer(offer: Session) -> Media:
    """The section whose transport counts for all (they are bundled).

    Raises:
        SdpError: the offer has no section with ICE credentials and a fingerprint, or sections are not bundled.
    """
    live = [media for media in offer.media if not media.rejected]
    if not live:
        raise SdpError("the offer has no section")
    first = next((media for media in live if media.mid in offer.bundle[:1]), live[0])
    if not first.ufrag or not first.password or first.fingerprint is None:
        raise SdpError("the offer has no ICE credentials or no fingerprint")
    if any(media.mid not in offer.bundle for media in live):
        raise SdpError("every section has to be bundled")
    if first.setup not in ("actpass", "active", ""):
        raise SdpError("the client has to take the active side of DTLS")
    return first


def make_answer(offer: Session, local: Local, choices: Choices, identifier: str, version: int) -> Session:
    """The answer to an offer that ``check_offer`` passed."""
    answer = Session(identifier, version, ice_lite=True, allow_mixed=offer.allow_mixed)
    for media in offer.media:
        section = _answer_section(media, local, choices)
        answer.media.append(section)
        if not section.rejected:
            answer.bundle.append(section.mid)
    return answer


def _answer_section(media: Media, local: Local, choices: Choices) -> Media:
    section = Media(media.kind, 9, media.protocol, media.mid, direction="inactive")
    section.ufrag, section.password = local.ufrag, local.password
    section.fingerprint, section.setup = local.fingerprint, "passive"
    section.candidates, section.end_of_candidates = list(local.candidates), bool(local.candidates)
    if media.rejected:
        return _refuse(section)
    if media.kind == "application":
        section.sctp_port, section.max_message_bytes = SCTP_PORT, MAX_MESSAGE_BYTES
        return section
    section.codecs = usable_codecs(media)
    if not section.codecs:
        return _refuse(section)
    section.rtcp_mux, section.rtcp_reduced_size = True, media.rtcp_reduced_size
    if media.direction in ("sendonly", "sendrecv"):
        _receive(section, media, "red" if media.mid in choices.redundant else choices.preferred.get(media.mid))
    else:
        _send(section, media, choices.sending.get(media.mid))
    return section


def _refuse(section: Media) -> Media:
    section.port = 0
    section.codecs = []
    return section


def usable_codecs(media: Media) -> list[Codec]:
    """The codecs of a section that we forward, with their retransmission formats and the feedback we understand."""
    wanted = CODECS.get(media.kind, frozenset())
    taken = [codec for codec in media.codecs if codec.kind in wanted]
    numbers = {str(codec.payload_type) for codec in taken}
    taken += [codec for codec in media.codecs if codec.kind == "rtx" and codec.parameters.get("apt") in numbers]
    order = {codec.payload_type: position for position, codec in enumerate(media.codecs)}
    found = [
        Codec(
            codec.payload_type,
            codec.name,
            codec.clock_rate,
            codec.channels,
            dict(codec.parameters),
            [feedback for feedback in codec.feedback if feedback in FEEDBACK],
        )
        for codec in sorted(taken, key=lambda codec: order[codec.payload_type])
    ]
    for codec in found:
        # Browsers send and answer NACK for Opus when the answer says so, although they do not offer it.
        if codec.kind == "opus" and "nack" not in codec.feedback:
            codec.feedback.append("nack")
    return found


def _receive(section: Media, media: Media, preferred: str | None) -> None:
    section.direction = "recvonly"
    section.extensions = {number: uri for number, uri in media.extensions.items() if uri in RECEIVED}
    if preferred:
        section.codecs.sort(key=lambda codec: codec.kind != preferred)
    if media.simulcast.send:
        section.rids = dict.fromkeys(media.simulcast.send, "recv")
        section.simulcast = Simulcast(receive=media.simulcast.send)


def _send(section: Media, media: Media, sending: Sending | None) -> None:
    section.extensions = {number: uri for number, uri in media.extensions.items() if uri in SENT}
    if sending is None:
        return
    section.direction = "sendonly"
    section.stream, section.track = sending.stream, sending.track
    section.sources = {sending.ssrc: sending.cname}
    if sending.rtx_ssrc is not None:
        section.sources[sending.rtx_ssrc] = sending.cname
        section.groups = [SourceGroup("FID", (sending.ssrc, sending.rtx_ssrc))]
