"""Session descriptions (RFC 8866) as WebRTC uses them (RFC 8829, RFC 8839, RFC 8841, RFC 8842, RFC 8843, RFC 8851).

``session`` reads and writes them; ``answer`` says what a server that only receives and forwards answers to an offer.
Not here: which tracks fill which section (``domain/live``), keys and candidates' values (given by the caller).
"""

from trunkline.protocol.sdp.session import Codec, Fingerprint, Media, SdpError, Session, Simulcast, SourceGroup, parse

__all__ = ["Codec", "Fingerprint", "Media", "SdpError", "Session", "Simulcast", "SourceGroup", "parse"]
