"""DTLS with a client that is OpenSSL's own, and the SRTP keys both sides get from it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from OpenSSL import SSL

from trunkline.media import kernel
from trunkline.media.sfu.certificate import Certificate, make_certificate
from trunkline.media.sfu.dtls import KEY_BYTES, MTU_BYTES, PROFILES, DtlsError, DtlsServer, SrtpKeys, make_context
from trunkline.media.sfu.srtp import KernelSrtp, LibSrtp, Srtp, make_srtp, warn_without_kernel
from trunkline.protocol.rtp.packet import RtpPacket
from trunkline.protocol.sdp import Fingerprint

OURS, THEIRS = make_certificate(time.time()), make_certificate(time.time())


class Client:
    """The client's side."""

    def __init__(self, certificate: Certificate | None = THEIRS, profiles: bytes = PROFILES) -> None:
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_NONE)
        if certificate is not None:
            context.use_certificate(certificate.certificate)
            context.use_privatekey(certificate.key)
        if profiles:
            context.set_tlsext_use_srtp(profiles)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        self.connection = SSL.Connection(context, None)
        self.connection.set_connect_state()
        self.connection.set_ciphertext_mtu(MTU_BYTES)

    def step(self) -> bytes:
        try:
            self.connection.do_handshake()
        except SSL.WantReadError:
            pass
        try:
            return self.connection.bio_read(65_536)
        except SSL.WantReadError:
            return b""


def shake(client: Client, server: DtlsServer, lose: int = 0) -> None:
    """Carry the handshake; the first ``lose`` answers of the server are lost."""
    deadline = time.monotonic() + 10
    while server.keys is None or not client.connection.get_finished():
        assert time.monotonic() < deadline
        data = client.step()
        if data:
            server.receive(data)
        server.handle_timeout()
        for datagram in server.take_datagrams():
            assert len(datagram) <= MTU_BYTES
            if lose:
                lose -= 1
            else:
                client.connection.bio_write(datagram)
    client.step()


@pytest.mark.parametrize("profile", [b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"])
def test_both_sides_have_the_same_keys(profile: bytes) -> None:
    client, server = Client(profiles=profile), DtlsServer(make_context(OURS), THEIRS.fingerprint)
    shake(client, server)
    keys = server.keys
    assert keys is not None and keys.profile.encode() == profile
    salt = len(keys.receive) - KEY_BYTES
    material = client.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY_BYTES + salt))
    assert keys.receive == material[:KEY_BYTES] + material[2 * KEY_BYTES : 2 * KEY_BYTES + salt]
    assert keys.send == material[KEY_BYTES : 2 * KEY_BYTES] + material[2 * KEY_BYTES + salt :]
    client.connection.send(b"data")
    assert server.receive(client.connection.bio_read(2000)) == [b"data"]


def test_a_lost_flight_is_sent_again() -> None:
    client, server = Client(), DtlsServer(make_context(OURS), THEIRS.fingerprint)
    shake(client, server, lose=1)
    assert server.keys is not None


@pytest.mark.parametrize(
    ("client", "announced"),
    [
        (Client(), OURS.fingerprint),
        (Client(), Fingerprint("sha-1", "AA:BB")),
        (Client(certificate=None), THEIRS.fingerprint),
        (Client(profiles=b""), THEIRS.fingerprint),
    ],
    ids=["another certificate", "a weak hash", "no certificate", "no profile"],
)
def test_a_client_that_cannot_be_trusted_is_refused(client: Client, announced: Fingerprint) -> None:
    server = DtlsServer(make_context(OURS), announced)
    with pytest.raises(DtlsError):
        shake(client, server)
    assert server.keys is None


@pytest.mark.parametrize("junk", [b"\x16" * 13, b"\x16\xfe\xfd" + bytes(200), bytes((20,)) + b"\xff" * 1400])
def test_junk_before_and_amid_a_handshake_is_survived(junk: bytes) -> None:
    client, server = Client(), DtlsServer(make_context(OURS), THEIRS.fingerprint)
    server.receive(junk)
    server.receive(client.step())
    server.receive(junk)
    for datagram in server.take_datagrams():
        client.connection.bio_write(datagram)
    shake(client, server)
    assert server.keys is not None


SRTP = [LibSrtp] if kernel.MODULE is None else [LibSrtp, KernelSrtp]


@pytest.mark.parametrize(("mine", "yours"), list(itertools.product(SRTP, SRTP)))
@pytest.mark.parametrize(("profile", "salt"), [("SRTP_AEAD_AES_128_GCM", 12), ("SRTP_AES128_CM_SHA1_80", 14)])
def test_srtp_opens_what_is_genuine_and_new(
    profile: str, salt: int, mine: Callable[[SrtpKeys], Srtp], yours: Callable[[SrtpKeys], Srtp]
) -> None:
    one, other = bytes(range(16 + salt)), bytes(range(100, 116 + salt))
    ours, theirs = mine(SrtpKeys(profile, one, other)), yours(SrtpKeys(profile, other, one))
    packet = RtpPacket(96, 65_535, 1, 7, payload=b"x" * 100).serialize()
    sent = theirs.protect_rtp(packet)
    assert sent is not None and sent != packet
    assert ours.open_rtp(sent) == packet
    assert ours.open_rtp(sent) is None, "replayed"
    assert theirs.protect_rtp(packet) is None, "one number is encrypted once"
    damaged = bytearray(theirs.protect_rtp(RtpPacket(96, 0, 2, 7, payload=b"y" * 100).serialize()) or b"")
    damaged[-1] ^= 1
    assert ours.open_rtp(bytes(damaged)) is None
    damaged[-1] ^= 1
    assert ours.open_rtp(bytes(damaged)) is not None, "the counter wraps"
    report = bytes.fromhex("80c90001") + bytes(4)
    assert ours.open_rtcp(theirs.protect_rtcp(report) or b"") == report


def test_the_kernel_is_used_when_it_is_there(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    keys = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(28), bytes(28))
    warn_without_kernel()
    if kernel.MODULE is not None:
        assert isinstance(make_srtp(keys), KernelSrtp)
        assert not caplog.records
    caplog.clear()
    monkeypatch.setattr(kernel, "MODULE", None)
    monkeypatch.setattr(kernel, "WHY_NOT", "no reason")
    warn_without_kernel()
    assert isinstance(make_srtp(keys), LibSrtp)
    assert [record.why for record in caplog.records if "media kernel" in record.message] == ["no reason"]  # type: ignore[attr-defined]
