"""Client tokens: minting them in an app's own backend, and obtaining them in a client.

A token is a JWT signed with an API key's secret; the server needs no call to check it. The secret belongs in the
backend, never in an app. What is not here: checking tokens (the server does).
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt

TokenSource = str | Callable[[], str | Awaitable[str]]
DEFAULT_TTL_S = 3600


def mint_token(
    key: str,
    secret: str,
    party: str,
    ttl_s: float = DEFAULT_TTL_S,
    *,
    device: str | None = None,
    grants: dict[str, Any] | None = None,
    now_s: float | None = None,
) -> str:
    """Sign a token that lets ``party`` connect; needs no network.

    Args:
        key: the API key; becomes ``iss``.
        secret: its secret, as it was shown when the key was made.
        party: who the holder is, such as ``user/u1``; becomes ``sub``.
        ttl_s: how long the token may be used to connect.
        device: bind the token to one device; without it the client names its own.
        grants: what it allows; by default messaging (``{"im": {}}``).
        now_s: the present time in Unix seconds, for tests.
    """
    issued_at_s = int(time.time() if now_s is None else now_s)
    claims: dict[str, Any] = {
        "iss": key,
        "sub": party,
        "iat": issued_at_s,
        "exp": issued_at_s + max(1, int(ttl_s)),
        "grants": {"im": {}} if grants is None else grants,
    }
    if device is not None:
        claims["device"] = device
    return jwt.encode(claims, secret, algorithm="HS256")


def claims_of(token: str) -> tuple[str, str]:
    """The party and device a token names, read without checking it; empty where it names none."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return "", ""
    party, device = claims.get("sub"), claims.get("device")
    return party if isinstance(party, str) else "", device if isinstance(device, str) else ""


async def obtain(source: TokenSource) -> str:
    """A token from a fixed string, a function or an async function."""
    if isinstance(source, str):
        return source
    token = source()
    return await token if inspect.isawaitable(token) else token
