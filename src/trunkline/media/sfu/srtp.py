"""SRTP and SRTCP of one peer, by libsrtp: both profiles, replay windows, keys from DTLS (RFC 3711, RFC 7714).

One rule everything above must keep: a source and sequence number is encrypted once. A retransmission of the same
number sends the stored ciphertext (``allow_repeat_tx`` stays off, so that libsrtp refuses anything else).
"""

from __future__ import annotations

from pylibsrtp import Error, Policy, Session

from trunkline.media.sfu.dtls import SrtpKeys

REPLAY_WINDOW = 1024
"""Packets: a video frame can be hundreds, and a relay may reorder."""
PROFILES = {
    "SRTP_AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "SRTP_AES128_CM_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class Srtp:
    """Protects what we send and opens what the client sends."""

    __slots__ = ("_receive", "_send")

    def __init__(self, keys: SrtpKeys) -> None:
        profile = PROFILES[keys.profile]
        receive = Policy(keys.receive, Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        receive.window_size = REPLAY_WINDOW
        self._receive = Session(receive)
        send = Policy(keys.send, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
        self._send = Session(send)

    def open_rtp(self, datagram: bytes) -> bytes | None:
        """The packet inside; None when it is forged, replayed or too old."""
        try:
            return self._receive.unprotect(datagram)
        except Error:
            return None

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """The compound inside; None when it is forged, replayed or too old."""
        try:
            return self._receive.unprotect_rtcp(datagram)
        except Error:
            return None

    def protect_rtp(self, packet: bytes) -> bytes | None:
        """The packet as it goes out; None when its number was sent before."""
        try:
            return self._send.protect(packet)
        except Error:
            return None

    def protect_rtcp(self, compound: bytes) -> bytes:
        """The compound as it goes out."""
        return self._send.protect_rtcp(compound)
