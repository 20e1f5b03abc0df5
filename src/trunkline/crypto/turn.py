"""Credentials for relays: the scheme of coturn's ``use-auth-secret`` (draft-uberti-behave-turn-rest).

The relay and we share a secret; the user name says until when it is valid, and the password proves that we said so.
Not here: which relays there are.
"""

from __future__ import annotations

import base64
import hmac

from trunkline.base.secret import Secret


def credentials(secret: Secret, identity: str, expires_s: int) -> tuple[str, str]:
    """User name and password, valid until ``expires_s`` (Unix seconds)."""
    username = f"{expires_s}:{identity}"
    digest = hmac.digest(secret.reveal().encode(), username.encode(), "sha1")
    return username, base64.b64encode(digest).decode("ascii")
