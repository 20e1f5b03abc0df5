"""The demo for phones: its certificate is for the address that is printed, and its key is nobody else's."""

from __future__ import annotations

import ssl
import stat
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509

from trunkline.server.demo import lan, site


def test_the_certificate_names_every_address_once_and_its_key_is_private(tmp_path: Path) -> None:
    certificate, key = lan.make_certificate(tmp_path / "tls", ["192.0.2.7", "127.0.0.1"])
    names = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    addresses = names.value.get_values_for_type(x509.IPAddress)
    assert sorted(map(str, addresses)) == ["127.0.0.1", "192.0.2.7"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    assert lan.trust(certificate).verify_mode is ssl.CERT_REQUIRED


def test_the_address_is_one_that_a_url_can_have() -> None:
    assert ip_address(lan.lan_address()).version == 4


def test_the_code_is_drawn_for_a_terminal() -> None:
    drawn = lan.qr_code("https://192.0.2.7:8080")
    lines = drawn.splitlines()
    assert len(lines) > 10 and max(map(len, lines)) > 20


def test_without_built_pages_the_site_says_what_to_run(tmp_path: Path) -> None:
    folders = site.prepare(tmp_path / "run", tmp_path / "nothing", lambda party: f"token of {party}")
    assert folders == [tmp_path / "run"]
    assert "make web" in (tmp_path / "run/index.html").read_text()
    session = tmp_path / "run/demo/session.json"
    assert "token of user/ann" in session.read_text() and stat.S_IMODE(session.stat().st_mode) == 0o600
