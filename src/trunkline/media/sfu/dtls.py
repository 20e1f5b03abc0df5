"""The server side of DTLS 1.2 with SRTP keys (RFC 6347, RFC 5764), on OpenSSL with memory buffers.

OpenSSL owns the handshake and its retransmissions. What it writes comes out as whole records, packed into datagrams.
Not here: who the datagrams are for, and what the keys protect (``srtp``).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from OpenSSL import SSL

from trunkline.media.sfu.certificate import Certificate, fingerprint_of
from trunkline.protocol.sdp import Fingerprint

MTU_BYTES = 1200
RECORD_HEADER_BYTES = 13
PROFILES = b"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
KEY_BYTES = 16
SALT_BYTES = {"SRTP_AEAD_AES_128_GCM": 12, "SRTP_AES128_CM_SHA1_80": 14}
CIPHERS = b":".join(
    (
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-AES256-GCM-SHA384",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
    )
)


class DtlsError(Exception):
    """The handshake cannot succeed: no common profile, a wrong certificate, a fatal alert."""


@dataclass(slots=True, frozen=True)
class SrtpKeys:
    """Keys of both directions: master key followed by salt.

    Attributes:
        profile: as OpenSSL names it, such as ``SRTP_AEAD_AES_128_GCM``.
        receive: protects what the client sends.
        send: protects what we send.
    """

    profile: str
    receive: bytes
    send: bytes


def make_context(certificate: Certificate) -> SSL.Context:
    """OpenSSL's settings, shared by all connections."""
    context = SSL.Context(SSL.DTLS_SERVER_METHOD)
    # The client's certificate is self-signed: what it must match is the fingerprint from the signalling.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.key)
    context.set_cipher_list(CIPHERS)
    context.set_tlsext_use_srtp(PROFILES)
    context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    return context


def is_dtls(datagram: bytes) -> bool:
    """Whether a datagram is DTLS by its first byte (RFC 7983 section 7)."""
    return len(datagram) >= RECORD_HEADER_BYTES and 20 <= datagram[0] <= 63


class DtlsServer:
    """One connection.

    Args:
        context: from ``make_context``.
        remote: what the client's certificate must hash to; None until ``expect`` tells.

    Attributes:
        keys: set once the handshake is done.
        closed: the client ended the connection.
    """

    __slots__ = ("_connection", "_remote", "closed", "keys")

    def __init__(self, context: SSL.Context, remote: Fingerprint | None) -> None:
        self._remote = remote
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self._connection.set_ciphertext_mtu(MTU_BYTES)
        self.keys: SrtpKeys | None = None
        self.closed = False

    def expect(self, remote: Fingerprint) -> None:
        """What the client's certificate must hash to, learnt later; it never changes."""
        self._remote = self._remote or remote

    def receive(self, datagram: bytes) -> list[bytes]:
        """A datagram arrived: the application data in it.

        Raises:
            DtlsError: the connection is over.
        """
        if self.closed:
            return []
        self._connection.bio_write(datagram)
        if self.keys is None:
            self._handshake()
            if self.keys is None:
                return []
        found: list[bytes] = []
        try:
            while True:
                found.append(self._connection.recv(65_536))
        except SSL.WantReadError:
            return found
        except SSL.ZeroReturnError:
            self.closed = True
            return found
        except SSL.Error as error:
            raise DtlsError(f"the connection broke: {error}") from error

    def _handshake(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise DtlsError(f"the handshake failed: {error}") from error
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise DtlsError("the client has no certificate")
        if self._remote is None:
            raise DtlsError("the client's certificate was not announced")
        try:
            seen = fingerprint_of(certificate, self._remote.algorithm)
        except ValueError as error:
            raise DtlsError(str(error)) from error
        if not hmac.compare_digest(seen.value, self._remote.value):
            raise DtlsError("the client's certificate is not the one it announced")
        self.keys = self._export()

    def _export(self) -> SrtpKeys:
        profile = self._connection.get_selected_srtp_profile().decode()
        salt_bytes = SALT_BYTES.get(profile)
        if salt_bytes is None:
            raise DtlsError("no SRTP profile in common")
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY_BYTES + salt_bytes))
        client, server = material[:KEY_BYTES], material[KEY_BYTES : 2 * KEY_BYTES]
        salts = material[2 * KEY_BYTES :]
        return SrtpKeys(profile, client + salts[:salt_bytes], server + salts[salt_bytes:])

    def send(self, data: bytes) -> None:
        """Application data, out with ``take_datagrams``.

        Raises:
            DtlsError: the connection is over.
        """
        if self.keys is None or self.closed:
            return
        try:
            self._connection.send(data)
        except SSL.Error as error:
            raise DtlsError(f"the connection broke: {error}") from error

    def close(self) -> None:
        """Tell the client that it is over."""
        if self.keys is not None and not self.closed:
            self.closed = True
            try:
                self._connection.shutdown()
            except SSL.Error:
                return  # it is over either way

    def wait_s(self) -> float | None:
        """Seconds until ``handle_timeout`` is due; None when nothing waits for an answer."""
        return None if self.keys is not None else self._connection.DTLSv1_get_timeout()

    def handle_timeout(self) -> None:
        """Send the last flight of the handshake again, if it is time."""
        if self.keys is None:
            self._connection.DTLSv1_handle_timeout()

    def take_datagrams(self) -> list[bytes]:
        """What to send now. OpenSSL's buffer forgets where datagrams end, so records are packed anew."""
        try:
            written = self._connection.bio_read(65_536)
        except SSL.WantReadError:
            return []
        return list(pack_records(written))


def pack_records(written: bytes) -> Iterator[bytes]:
    """Whole records in datagrams of at most ``MTU_BYTES`` (a longer record goes alone)."""
    start = position = 0
    while position + RECORD_HEADER_BYTES <= len(written):
        end = position + RECORD_HEADER_BYTES + int.from_bytes(written[position + 11 : position + 13], "big")
        if end - start > MTU_BYTES and position > start:
            yield written[start:position]
            start = position
        position = end
    if position > start:
        yield written[start:position]
