"""The server's DTLS certificate: made at start, self-signed, known to clients by its fingerprint in the SDP."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trunkline.protocol.sdp import Fingerprint

VALID_DAYS = 30


@dataclass(slots=True, frozen=True)
class Certificate:
    """A certificate with its key, and how the SDP names it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    fingerprint: Fingerprint


def make_certificate(now_s: float) -> Certificate:
    """A new certificate on P-256, as browsers make them (RFC 8827 section 6.5)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trunkline")])
    now = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
    return Certificate(certificate, key, fingerprint_of(certificate))


def fingerprint_of(certificate: x509.Certificate, algorithm: str = "sha-256") -> Fingerprint:
    """A certificate's fingerprint (RFC 8122 section 5).

    Raises:
        ValueError: the hash is not one that RFC 8122 calls usable.
    """
    kinds: dict[str, hashes.HashAlgorithm] = {
        "sha-256": hashes.SHA256(),
        "sha-384": hashes.SHA384(),
        "sha-512": hashes.SHA512(),
    }
    kind = kinds.get(algorithm)
    if kind is None:
        raise ValueError(f"fingerprints by {algorithm} are not taken")
    return Fingerprint(algorithm, certificate.fingerprint(kind).hex(":").upper())
