"""Signatures of webhooks, as the Standard Webhooks specification defines them.

A secret is written ``whsec_`` and base64. A signature covers the id, the time and the body, so that none of them can
be changed, nor the body be sent again as another. Several signatures in one header let a secret be replaced without
a pause. Not here: where secrets come from (``keys``), sending.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
SECRET_PREFIX = "whsec_"
TOLERANCE_S = 300


class SignatureInvalid(Exception):
    """The request was not signed with this secret, or not just now; it must not be believed."""


def show_secret(secret: bytes) -> str:
    """A secret as apps write it down."""
    return SECRET_PREFIX + base64.b64encode(secret).decode("ascii")


def read_secret(shown: str) -> bytes:
    """The bytes of a written secret.

    Raises:
        ValueError: it is not one.
    """
    try:
        return base64.b64decode(shown.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is 'whsec_' followed by base64") from error


def sign(secrets: Iterable[bytes], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a request, with one signature for each secret."""
    covered = f"{message_id}.{timestamp_s}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, covered, "sha256")).decode("ascii") for secret in secrets)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp_s),
        SIGNATURE_HEADER: " ".join(f"v1,{signature}" for signature in signatures),
    }


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now_s: float, tolerance_s: int = TOLERANCE_S) -> str:
    """Check a received request and return its id.

    Args:
        secret: as ``read_secret`` gives it.
        headers: of the request, in any case of letters.
        body: as it was received, byte for byte.
        now_s: the present time in Unix seconds.
        tolerance_s: how far the sender's clock may be off; what is older may be a copy of an earlier request.

    Raises:
        SignatureInvalid: it is not to be believed.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at, signatures = (given.get(n, "") for n in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))
    if not (message_id and signatures and sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12):
        raise SignatureInvalid("a header of the signature is missing or garbled")
    if abs(now_s - int(sent_at)) > tolerance_s:
        raise SignatureInvalid("the request was signed too long ago, or in the future")
    covered = f"{message_id}.{sent_at}.".encode() + body
    expected = base64.b64encode(hmac.digest(secret, covered, "sha256")).decode("ascii")
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value.encode(), expected.encode()):
            return message_id
    raise SignatureInvalid("no signature of the request matches")
