"""SRTP and SRTCP of one peer: both profiles, replay windows, keys from DTLS (RFC 3711, RFC 7714).

By the media kernel, or by libsrtp where there is none; both refuse and make the same bytes (decision 0019).
One rule everything above must keep: a source and sequence number is encrypted once. A retransmission of the same
number sends the stored ciphertext; both refuse to protect a number again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from pylibsrtp import Error, Policy, Session

from trunkline.media import kernel
from trunkline.media.sfu.dtls import SrtpKeys

log = logging.getLogger("trunkline.media")
REPLAY_WINDOW = 1024
"""Packets: a video frame can be hundreds, and a relay may reorder."""
PROFILES = {
    "SRTP_AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "SRTP_AES128_CM_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}
KERNEL_PROFILES = {"SRTP_AEAD_AES_128_GCM": 7, "SRTP_AES128_CM_SHA1_80": 1}


class Srtp(Protocol):
    """Protects what we send and opens what the client sends."""

    def open_rtp(self, datagram: bytes) -> bytes | None:
        """The packet inside; None when it is forged, replayed or too old."""

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        """The compound inside; None when it is forged, replayed or too old."""

    def protect_rtp(self, packet: bytes) -> bytes | None:
        """The packet as it goes out; None when its number was sent before."""

    def protect_rtcp(self, compound: bytes) -> bytes | None:
        """The compound as it goes out; None when the keys are used up."""


class KernelSrtp:
    """By the media kernel: the methods are its own."""

    __slots__ = ("open_rtcp", "open_rtp", "protect_rtcp", "protect_rtp")

    def __init__(self, keys: SrtpKeys) -> None:
        profile = KERNEL_PROFILES[keys.profile]
        receive = kernel.MODULE.Srtp(profile, keys.receive, False)
        send = kernel.MODULE.Srtp(profile, keys.send, True)
        self.open_rtp: Callable[[bytes], bytes | None] = receive.unprotect
        self.open_rtcp: Callable[[bytes], bytes | None] = receive.unprotect_rtcp
        self.protect_rtp: Callable[[bytes], bytes | None] = send.protect
        self.protect_rtcp: Callable[[bytes], bytes | None] = send.protect_rtcp


class LibSrtp:
    """By libsrtp."""

    __slots__ = ("_receive", "_send")

    def __init__(self, keys: SrtpKeys) -> None:
        profile = PROFILES[keys.profile]
        receive = Policy(keys.receive, Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        receive.window_size = REPLAY_WINDOW
        self._receive = Session(receive)
        send = Policy(keys.send, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
        send.window_size = REPLAY_WINDOW
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

    def protect_rtcp(self, compound: bytes) -> bytes | None:
        """The compound as it goes out; None when the keys are used up."""
        try:
            return self._send.protect_rtcp(compound)
        except Error:
            return None


def make_srtp(keys: SrtpKeys) -> Srtp:
    """SRTP with the keys of a handshake, the fastest there is."""
    return LibSrtp(keys) if kernel.MODULE is None else KernelSrtp(keys)


def warn_without_kernel() -> None:
    """Say in the log, once at start, that packets cost more than they need to, and why."""
    if kernel.MODULE is None:
        log.warning("the media kernel is not used; SRTP costs about twice the CPU", extra={"why": kernel.WHY_NOT})
