"""Finding a publisher's codec among those a subscriber can decode: names, and the parameters that change the bytes."""

from __future__ import annotations

from trunkline.protocol.sdp.session import Codec, Media

DEFAULTS = {
    "h264": {"packetization-mode": "0", "profile-level-id": "42000a"},
    "vp9": {"profile-id": "0"},
    "av1": {"profile": "0"},
}


def same_bytes(a: Codec, b: Codec) -> bool:
    """Whether a stream made for one decodes as the other: RFC 6184 section 8.2.2, RFC 9628 section 6, AV1 RTP 7.2."""
    if a.kind != b.kind or a.clock_rate != b.clock_rate:
        return False
    if a.kind == "h264":
        return _parameter(a, "packetization-mode") == _parameter(b, "packetization-mode") and _h264_profile(
            a
        ) == _h264_profile(b)
    if a.kind in ("vp9", "av1"):
        name = "profile-id" if a.kind == "vp9" else "profile"
        return _parameter(a, name) == _parameter(b, name)
    return True


def find(media: Media, codec: Codec) -> Codec | None:
    """The subscriber's codec for a publisher's: an exact match, or for H.264 any profile in the same packetization."""
    exact = next((candidate for candidate in media.codecs if same_bytes(candidate, codec)), None)
    if exact is not None or codec.kind != "h264":
        return exact
    mode = _parameter(codec, "packetization-mode")
    return next((c for c in media.codecs if c.kind == "h264" and _parameter(c, "packetization-mode") == mode), None)


def retransmission_of(media: Media, codec: Codec) -> Codec | None:
    """The retransmission format of a codec (RFC 4588 section 8.6)."""
    number = str(codec.payload_type)
    return next((c for c in media.codecs if c.kind == "rtx" and c.parameters.get("apt") == number), None)


def extension(media: Media, uri: str) -> int | None:
    """The number of a header extension."""
    return next((number for number, candidate in media.extensions.items() if candidate == uri), None)


def _parameter(codec: Codec, name: str) -> str:
    return codec.parameters.get(name, DEFAULTS.get(codec.kind, {}).get(name, ""))


def _h264_profile(codec: Codec) -> str:
    """The profile without the level. Constrained baseline has two spellings (RFC 6184 table 5)."""
    text = _parameter(codec, "profile-level-id").lower()
    profile, constraints = text[:2], text[2:4]
    try:
        bits = int(constraints or "0", 16)
    except ValueError:
        return text[:4]
    if profile == "42":
        return "42e0" if bits & 0x40 else "4200"
    if profile == "4d" and bits & 0x80:
        return "42e0"
    return text[:4]
