"""API secrets: derived, distinct, masked."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from trunkline.crypto.keys import SecretDeriver

MASTER = bytes(range(32))


def test_the_secret_is_the_documented_derivation() -> None:
    digest = hmac.new(MASTER, b"api-key:k_1", hashlib.sha256).digest()
    assert SecretDeriver(MASTER).secret_of("k_1").reveal() == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_every_key_and_every_master_has_another_secret() -> None:
    secrets = {
        SecretDeriver(master).secret_of(key).reveal() for master in (MASTER, MASTER[::-1]) for key in ("k_1", "k_2")
    }
    assert len(secrets) == 4


@pytest.mark.parametrize("change", [str.upper, lambda s: s[:-1], lambda s: s + "A", lambda s: "", lambda s: "é" + s])
def test_only_the_very_secret_matches(change) -> None:
    deriver = SecretDeriver(MASTER)
    secret = deriver.secret_of("k_1").reveal()
    assert deriver.matches("k_1", secret)
    assert not deriver.matches("k_2", secret)
    assert not deriver.matches("k_1", change(secret))


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        SecretDeriver(MASTER[:31])


def test_nothing_prints_a_secret() -> None:
    deriver = SecretDeriver(MASTER)
    assert "***" in repr(deriver)
    assert deriver.secret_of("k").reveal() not in f"{deriver.secret_of('k')!r} {deriver.secret_of('k')}"
