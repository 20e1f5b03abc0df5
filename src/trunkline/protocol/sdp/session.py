"""A session description as data: read from text and written back, with what WebRTC needs and nothing else.

Attributes that are not understood are dropped: an answer is always written from what we mean, never patched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_SDP_BYTES = 512 * 1024
MAX_SECTIONS = 1000
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


class SdpError(ValueError):
    """The text is not a session description we can use; the message says which line."""


@dataclass(slots=True)
class Codec:
    """One payload type of a section.

    Attributes:
        name: encoding name as written, such as ``VP8`` (compare with ``kind``).
        parameters: the format parameters, in order; a parameter without a value has "".
        feedback: such as ``nack``, ``nack pli``, ``transport-cc``.
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The name in lower case."""
        return self.name.lower()


@dataclass(slots=True, frozen=True)
class Fingerprint:
    """The hash of a certificate (RFC 8122): algorithm and upper-case hex with colons."""

    algorithm: str
    value: str


@dataclass(slots=True, frozen=True)
class SourceGroup:
    """``a=ssrc-group``: such as FID, the media source and its retransmission source."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Simulcast:
    """``a=simulcast`` reduced to restriction ids per direction; alternatives count by their first."""

    send: tuple[str, ...] = ()
    receive: tuple[str, ...] = ()


@dataclass(slots=True)
class Media:
    """One section (``m=`` line).

    Attributes:
        kind: ``audio``, ``video`` or ``application``.
        stream: media stream id of ``a=msid`` ("" without one).
        track: track id of ``a=msid``.
        sources: SSRC to its canonical name ("" when none was given).
        extensions: header extension id to its URI.
    """

    kind: str
    port: int = 9
    protocol: str = "UDP/TLS/RTP/SAVPF"
    mid: str = ""
    direction: str = "sendrecv"
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[int, str] = field(default_factory=dict)
    stream: str = ""
    track: str = ""
    sources: dict[int, str] = field(default_factory=dict)
    groups: list[SourceGroup] = field(default_factory=list)
    rids: dict[str, str] = field(default_factory=dict)
    simulcast: Simulcast = field(default_factory=Simulcast)
    ufrag: str = ""
    password: str = ""
    ice_options: str = ""
    candidates: list[str] = field(default_factory=list)
    end_of_candidates: bool = False
    fingerprint: Fingerprint | None = None
    setup: str = ""
    sctp_port: int = 0
    max_message_bytes: int = 0
    rtcp_mux: bool = False
    rtcp_reduced_size: bool = False
    bandwidth_kbps: int = 0

    @property
    def rejected(self) -> bool:
        """Whether the section is refused or stopped (port 0)."""
        return self.port == 0

    def codec(self, payload_type: int) -> Codec | None:
        """The codec of a payload type."""
        return next((codec for codec in self.codecs if codec.payload_type == payload_type), None)


@dataclass(slots=True)
class Session:
    """A whole description; ICE and DTLS of the session level are copied into sections on reading."""

    identifier: str = "0"
    version: int = 1
    media: list[Media] = field(default_factory=list)
    bundle: list[str] = field(default_factory=list)
    ice_lite: bool = False
    allow_mixed: bool = False

    def section(self, mid: str) -> Media | None:
        """The section with this mid."""
        return next((media for media in self.media if media.mid == mid), None)

    def serialize(self) -> str:
        """The description as text, lines ending in CR LF."""
        lines = ["v=0", f"o=- {self.identifier} {self.version} IN IP4 127.0.0.1", "s=-", "t=0 0"]
        if self.ice_lite:
            lines.append("a=ice-lite")
        if self.bundle:
            lines.append("a=group:BUNDLE " + " ".join(self.bundle))
        if self.allow_mixed:
            lines.append("a=extmap-allow-mixed")
        lines.append("a=msid-semantic: WMS *")
        for media in self.media:
            lines.extend(_lines(media))
        return "\r\n".join(lines) + "\r\n"


def _lines(media: Media) -> Iterator[str]:
    data = media.kind == "application"
    formats = "webrtc-datachannel" if data else " ".join(str(codec.payload_type) for codec in media.codecs) or "0"
    yield f"m={media.kind} {media.port} {media.protocol} {formats}"
    yield "c=IN IP4 0.0.0.0"
    if media.bandwidth_kbps:
        yield f"b=AS:{media.bandwidth_kbps}"
    yield f"a=mid:{media.mid}"
    if media.rejected:
        yield "a=inactive"
        return
    yield f"a=ice-ufrag:{media.ufrag}"
    yield f"a=ice-pwd:{media.password}"
    if media.ice_options:
        yield f"a=ice-options:{media.ice_options}"
    if media.fingerprint is not None:
        yield f"a=fingerprint:{media.fingerprint.algorithm} {media.fingerprint.value}"
    if media.setup:
        yield f"a=setup:{media.setup}"
    for candidate in media.candidates:
        yield f"a=candidate:{candidate}"
    if media.end_of_candidates:
        yield "a=end-of-candidates"
    if data:
        yield f"a=sctp-port:{media.sctp_port}"
        yield f"a=max-message-size:{media.max_message_bytes}"
        return
    yield from _rtp_lines(media)


def _rtp_lines(media: Media) -> Iterator[str]:
    yield f"a={media.direction}"
    if media.track:
        yield f"a=msid:{media.stream or '-'} {media.track}"
    if media.rtcp_mux:
        yield "a=rtcp-mux"
    if media.rtcp_reduced_size:
        yield "a=rtcp-rsize"
    for identifier, uri in media.extensions.items():
        yield f"a=extmap:{identifier} {uri}"
    for codec in media.codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"
        for feedback in codec.feedback:
            yield f"a=rtcp-fb:{codec.payload_type} {feedback}"
        if codec.parameters:
            written = ";".join(f"{name}={value}" if value else name for name, value in codec.parameters.items())
            yield f"a=fmtp:{codec.payload_type} {written}"
    for rid, direction in media.rids.items():
        yield f"a=rid:{rid} {direction}"
    ways = [f"send {';'.join(media.simulcast.send)}"] if media.simulcast.send else []
    ways += [f"recv {';'.join(media.simulcast.receive)}"] if media.simulcast.receive else []
    if ways:
        yield "a=simulcast:" + " ".join(ways)
    for group in media.groups:
        yield f"a=ssrc-group:{group.semantics} {' '.join(map(str, group.ssrcs))}"
    for ssrc, name in media.sources.items():
        yield f"a=ssrc:{ssrc} cname:{name}"


def parse(text: str) -> Session:
    """Read a description.

    Raises:
        SdpError: it is too long, or a line that matters cannot be read.
    """
    if len(text) > MAX_SDP_BYTES:
        raise SdpError(f"a description has at most {MAX_SDP_BYTES} characters")
    session = Session()
    common = Media("session")
    media = common
    for number, line in enumerate(text.splitlines(), 1):
        if not line:
            continue
        kind, separator, value = line.partition("=")
        if len(kind) != 1 or not separator:
            raise SdpError(f"line {number} is not of the form x=...")
        try:
            if kind == "m":
                media = _section(value, common)
                session.media.append(media)
                if len(session.media) > MAX_SECTIONS:
                    raise SdpError(f"more than {MAX_SECTIONS} sections")
            elif kind == "o":
                fields = value.split(" ")
                session.identifier, session.version = fields[1], int(fields[2])
            elif kind == "a":
                _attribute(value, session, media)
        except (IndexError, ValueError) as error:
            if isinstance(error, SdpError):
                raise
            raise SdpError(f"line {number} cannot be read: {line[:80]}") from error
    return session


def _section(value: str, common: Media) -> Media:
    fields = value.split(" ")
    media = Media(fields[0], int(fields[1].partition("/")[0]), fields[2])
    if media.kind in ("audio", "video"):
        media.codecs = [Codec(_payload_type(number), "", 0) for number in fields[3:]]
    media.ufrag, media.password, media.ice_options = common.ufrag, common.password, common.ice_options
    media.fingerprint, media.setup, media.direction = common.fingerprint, common.setup, common.direction
    media.extensions = dict(common.extensions)
    return media


def _payload_type(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 127:
        raise SdpError(f"payload type {number}")
    return number


def _attribute(text: str, session: Session, media: Media) -> None:
    name, _, value = text.partition(":")
    if name == "group":
        if value.startswith("BUNDLE"):
            session.bundle = value.split(" ")[1:]
    elif name == "ice-lite":
        session.ice_lite = True
    elif name == "extmap-allow-mixed":
        session.allow_mixed = True
    elif name in DIRECTIONS:
        media.direction = name
    elif name in _TEXTS:
        setattr(media, _TEXTS[name], value)
    elif name in _READERS:
        _READERS[name](media, value)


def _rtpmap(media: Media, value: str) -> None:
    number, _, mapping = value.partition(" ")
    codec = media.codec(int(number))
    if codec is None:
        return
    name, rate, *channels = mapping.split("/")
    codec.name, codec.clock_rate = name, int(rate)
    codec.channels = int(channels[0]) if channels else 1


def _fmtp(media: Media, value: str) -> None:
    number, _, parameters = value.partition(" ")
    codec = media.codec(int(number))
    if codec is None:
        return
    for parameter in parameters.split(";"):
        name, _, content = parameter.strip().partition("=")
        if name:
            codec.parameters[name] = content


def _feedback(media: Media, value: str) -> None:
    number, _, feedback = value.partition(" ")
    for codec in media.codecs:
        if number == "*" or codec.payload_type == int(number):
            codec.feedback.append(feedback.strip())


def _extmap(media: Media, value: str) -> None:
    number, uri, *_ = value.split(" ")
    identifier = int(number.partition("/")[0])
    if not 0 < identifier <= 255:
        raise SdpError(f"header extension {identifier}")
    media.extensions[identifier] = uri


def _msid(media: Media, value: str) -> None:
    stream, _, track = value.partition(" ")
    media.stream, media.track = ("" if stream == "-" else stream), track


def _source(media: Media, value: str) -> None:
    ssrc, _, attribute = value.partition(" ")
    number = _ssrc(ssrc)
    media.sources.setdefault(number, "")
    name, _, content = attribute.partition(":")
    if name == "cname":
        media.sources[number] = content
    elif name == "msid" and not media.track:
        _msid(media, content)


def _ssrc(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 0xFFFFFFFF:
        raise SdpError(f"source {number}")
    return number


def _group(media: Media, value: str) -> None:
    semantics, *ssrcs = value.split(" ")
    media.groups.append(SourceGroup(semantics, tuple(_ssrc(ssrc) for ssrc in ssrcs)))


def _rid(media: Media, value: str) -> None:
    rid, _, rest = value.partition(" ")
    media.rids[rid] = rest.partition(" ")[0]


def _simulcast(media: Media, value: str) -> None:
    ways: dict[str, tuple[str, ...]] = {}
    fields = value.split(" ")
    for way, streams in zip(fields[::2], fields[1::2], strict=False):
        ways[way] = tuple(stream.split(",")[0].lstrip("~") for stream in streams.split(";"))
    media.simulcast = Simulcast(ways.get("send", ()), ways.get("recv", ()))


def _fingerprint(media: Media, value: str) -> None:
    algorithm, _, digest = value.partition(" ")
    media.fingerprint = Fingerprint(algorithm.lower(), digest.strip().upper())


def _candidate(media: Media, value: str) -> None:
    media.candidates.append(value)


def _end_of_candidates(media: Media, _value: str) -> None:
    media.end_of_candidates = True


def _rtcp_mux(media: Media, _value: str) -> None:
    media.rtcp_mux = True


def _rtcp_rsize(media: Media, _value: str) -> None:
    media.rtcp_reduced_size = True


def _sctp_port(media: Media, value: str) -> None:
    media.sctp_port = int(value)


def _max_message(media: Media, value: str) -> None:
    media.max_message_bytes = int(value)


_TEXTS = {
    "mid": "mid",
    "ice-ufrag": "ufrag",
    "ice-pwd": "password",
    "ice-options": "ice_options",
    "setup": "setup",
}
_READERS = {
    "rtpmap": _rtpmap,
    "fmtp": _fmtp,
    "rtcp-fb": _feedback,
    "extmap": _extmap,
    "msid": _msid,
    "ssrc": _source,
    "ssrc-group": _group,
    "rid": _rid,
    "simulcast": _simulcast,
    "fingerprint": _fingerprint,
    "candidate": _candidate,
    "end-of-candidates": _end_of_candidates,
    "rtcp-mux": _rtcp_mux,
    "rtcp-rsize": _rtcp_rsize,
    "sctp-port": _sctp_port,
    "max-message-size": _max_message,
}
