"""What a forwarding server offers to a client that gets tracks over a connection of its own (RFC 8829 section 5.2).

The first section is for data; each track has one of its own. A section whose track ended is stopped, and once the
client knows, its place goes to another track under a new mid: a track that keeps its section keeps its identity at
the client. Payload types and header extension numbers are ours and mean the same in all sections.

Not here: which tracks there are, and what a client's own offer is answered (``answer``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trunkline.protocol.sdp.answer import (
    AUDIO_LEVEL,
    DEPENDENCY_DESCRIPTOR,
    MAX_MESSAGE_BYTES,
    MID,
    ORIENTATION,
    PLAYOUT_DELAY,
    SCTP_PORT,
    TRANSPORT_CC,
    Local,
    Sending,
)
from trunkline.protocol.sdp.session import Codec, Media, SdpError, Session, SourceGroup

EXTENSIONS = {
    "audio": {1: AUDIO_LEVEL, 3: TRANSPORT_CC, 4: MID},
    "video": {3: TRANSPORT_CC, 4: MID, 6: PLAYOUT_DELAY, 7: ORIENTATION, 8: DEPENDENCY_DESCRIPTOR},
}
AUDIO_FEEDBACK = ("transport-cc", "nack")
VIDEO_FEEDBACK = ("transport-cc", "ccm fir", "nack", "nack pli")
NUMBERS = (*range(96, 128), *range(35, 64))
"""Dynamic payload types, those that RTCP cannot be taken for (RFC 5761 section 4)."""


class PayloadTypes:
    """Payload types of one connection: the same format has the same number in every section."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int, int, str], int] = {}

    def of(self, codec: Codec) -> int | None:
        """The number of a format; None when all are taken."""
        written = ";".join(f"{name}={value}" for name, value in sorted(codec.parameters.items()))
        key = (codec.kind, codec.clock_rate, codec.channels, written)
        if key not in self._numbers:
            if len(self._numbers) >= len(NUMBERS):
                return None
            self._numbers[key] = NUMBERS[len(self._numbers)]
        return self._numbers[key]

    def formats(self, published: Iterable[Codec], *, redundant: bool) -> list[Codec]:
        """The formats of a section for a track that is published in these, the preferred one first."""
        found: list[Codec] = []
        for codec in published:
            if codec.kind in ("red", "rtx"):
                continue
            ours = Codec(0, codec.name, codec.clock_rate, codec.channels, dict(codec.parameters))
            video = codec.clock_rate == 90_000
            ours.feedback = list(VIDEO_FEEDBACK if video else AUDIO_FEEDBACK)
            if not self._add(found, ours):
                break
            if video:
                self._add(found, Codec(0, "rtx", 90_000, parameters={"apt": str(ours.payload_type)}))
            elif redundant:
                inner = f"{ours.payload_type}/{ours.payload_type}"
                red = Codec(0, "red", codec.clock_rate, codec.channels, {inner: ""})
                if self._add(found, red):
                    found.insert(0, found.pop())
        return found

    def _add(self, found: list[Codec], codec: Codec) -> bool:
        number = self.of(codec)
        if number is None:
            return False
        codec.payload_type = number
        found.append(codec)
        return True


def data_section(mid: str) -> Media:
    """The section for data channels."""
    media = Media("application", protocol="UDP/DTLS/SCTP", mid=mid)
    media.sctp_port, media.max_message_bytes = SCTP_PORT, MAX_MESSAGE_BYTES
    return media


def track_section(mid: str, kind: str, formats: Sequence[Codec], sending: Sending) -> Media:
    """A section that carries a track to the client."""
    media = Media(kind, mid=mid, direction="sendonly", codecs=list(formats))
    media.extensions = dict(EXTENSIONS[kind])
    media.rtcp_mux = media.rtcp_reduced_size = True
    media.stream, media.track = sending.stream, sending.track
    media.sources = {sending.ssrc: sending.cname}
    if sending.rtx_ssrc is not None:
        media.sources[sending.rtx_ssrc] = sending.cname
        media.groups = [SourceGroup("FID", (sending.ssrc, sending.rtx_ssrc))]
    return media


def make_offer(sections: Sequence[Media], local: Local, identifier: str, version: int) -> Session:
    """An offer of these sections, over one transport; stopped ones have port 0."""
    offer = Session(identifier, version, list(sections), ice_lite=True, allow_mixed=True)
    for media in sections:
        media.ufrag, media.password = local.ufrag, local.password
        media.fingerprint, media.setup = local.fingerprint, "actpass"
        media.candidates, media.end_of_candidates = list(local.candidates), bool(local.candidates)
        if not media.rejected:
            offer.bundle.append(media.mid)
    return offer


def check_answer(answer: Session) -> Media:
    """The section whose transport counts for all.

    Raises:
        SdpError: the answer has no section with ICE credentials and a fingerprint, or takes the wrong side of DTLS.
    """
    first = next((media for media in answer.media if not media.rejected), None)
    if first is None or not first.ufrag or first.fingerprint is None:
        raise SdpError("the answer has no ICE credentials or no fingerprint")
    if first.setup not in ("active", ""):
        raise SdpError("the client has to take the active side of DTLS")
    return first
