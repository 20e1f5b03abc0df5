"""A server with TLS on its port, and certificates that no authority knows."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.claims.server_process import ServerProcess

NAME = "chat.example"


class Pair(NamedTuple):
    """A certificate and its private key, in PEM."""

    certificate: bytes
    key: bytes
    serial: int


def make_pair() -> Pair:
    """A self-signed certificate for ``chat.example``, which is not where the tests' servers are."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.serial_number,
    )


class TlsServer(ServerProcess):
    """A server whose certificate and key can be exchanged."""

    def __init__(self, directory: Path, *, config: Mapping[str, Mapping[str, object]] | None = None) -> None:
        super().__init__(directory, config=config)
        self.pair = make_pair()
        self.install(self.pair.certificate, self.pair.key)

    def write_config(self, more: Mapping[str, Mapping[str, object]]) -> None:
        """As for any server, and with TLS."""
        files = {"certificate": str(self.directory / "tls.crt"), "key": str(self.directory / "tls.key")}
        super().write_config({"tls": files, **more})

    def install(self, certificate: bytes, key: bytes) -> None:
        """Put other files in the place of those in use; the server reads them when it is told to."""
        (self.directory / "tls.crt").write_bytes(certificate)
        (self.directory / "tls.key").write_bytes(key)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"https://127.0.0.1:{self.port}"

    def trusting(self, pair: Pair | None = None) -> ssl.SSLContext:
        """What a client needs that trusts this certificate, though it names another host."""
        context = ssl.create_default_context(cadata=(pair or self.pair).certificate.decode())
        context.check_hostname = False
        return context

    async def health(self) -> int:
        """Return the status of /health/ready, 0 when nobody answers."""
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(verify=self.trusting(), timeout=1) as client:
                return (await client.get(f"{self.url}/health/ready")).status_code
        return 0

    async def served_serial(self) -> int:
        """The serial number of the certificate a new connection is shown."""
        pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", self.port), timeout=5)
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    def plain_socket(self) -> socket.socket:
        """A TCP connection that speaks no TLS."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)
