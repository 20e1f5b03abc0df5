"""Client tokens: JWTs signed with HS256 by an app server, offline, with the secret of one of its API keys.

``iss`` is the key, ``sub`` the party; ``iat`` and ``exp`` are required, ``nbf`` and ``device`` are not.
``grants`` says what the token opens: ``{"im": {}}`` the link and REST, ``{"video": {...}}`` live sessions.

Here: the format, its signature and its times, against a given clock. Not here: which keys exist, what was
revoked, and who the party is (``services.apps``). Verdicts are not cached: a check is cheap, and a cache
would be one more place from which a revoked token has to be removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import jwt
import msgspec
from msgspec import Meta

from trunkline.base.errors import Code, TrunklineError
from trunkline.base.secret import Secret
from trunkline.wire.calls.session import DeviceId

ALGORITHM = "HS256"
CLOCK_SKEW_S = 60
"""How far the issuer's clock may be off, in either direction."""

GRANT_IM = "im"
GRANT_VIDEO = "video"

MAX_TOKEN_CHARS = 8192
MAX_ROOM_PATTERNS = 50

_Second = Annotated[int, Meta(ge=0, lt=1 << 53)]
_Name = Annotated[str, Meta(min_length=1, max_length=128)]


class Claims(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a token says. ``jti`` and unknown claims are ignored."""

    iss: _Name
    sub: _Name
    iat: _Second
    exp: _Second
    nbf: _Second = 0
    device: DeviceId | None = None
    grants: dict[str, Any] = msgspec.field(default_factory=dict)

    def granted(self, grant: str) -> bool:
        """Whether the token carries a grant: an object (``{}`` will do) or ``true``."""
        value = self.grants.get(grant)
        return value is True or isinstance(value, dict)

    @property
    def rooms(self) -> tuple[str, ...]:
        """Patterns of the rooms it opens, ``{"im": {"rooms": ["show-*"]}}``; what is no text counts for nothing."""
        value = self.grants.get(GRANT_IM)
        found = value.get("rooms") if isinstance(value, dict) else None
        return tuple(p for p in found if isinstance(p, str))[:MAX_ROOM_PATTERNS] if isinstance(found, list) else ()


class _Issuer(msgspec.Struct):
    iss: _Name


_jws = jwt.PyJWS(algorithms=[ALGORITHM])
_decode_claims = msgspec.json.Decoder(Claims).decode
_decode_issuer = msgspec.json.Decoder(_Issuer).decode
_encode_claims = msgspec.json.Encoder().encode


def issuer_of(token: str) -> str:
    """The API key that a token *claims* to be signed with. Nothing is verified yet.

    Raises:
        TrunklineError: ``TOKEN_GARBLED``.
    """
    payload = _open(token, None)
    try:
        return _decode_issuer(payload).iss
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TrunklineError(Code.TOKEN_GARBLED, f"The token's claims are not as they should be: {error}.") from None


def verify(token: str, secret: Secret, now_s: int, max_lifetime_s: int = 0) -> Claims:
    """Check a token's signature, its claims and its times.

    Args:
        token: as it was received.
        secret: of the API key named by ``issuer_of(token)``.
        now_s: the present time, in seconds since 1970.
        max_lifetime_s: longest accepted time from ``iat`` to ``exp``; 0 = any.

    Raises:
        TrunklineError: ``TOKEN_GARBLED``, ``BAD_SIGNATURE``, ``TOKEN_EXPIRED`` or ``TOKEN_NOT_YET_VALID``.
    """
    payload = _open(token, secret)
    try:
        claims = _decode_claims(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TrunklineError(Code.TOKEN_GARBLED, f"The token's claims are not as they should be: {error}.") from None
    if claims.exp <= claims.iat:
        raise TrunklineError(Code.TOKEN_GARBLED, "The token ends (exp) before it begins (iat).")
    if max_lifetime_s and claims.exp - claims.iat > max_lifetime_s:
        raise TrunklineError(
            Code.TOKEN_GARBLED, f"The token lives longer than {max_lifetime_s} s, which this server does not accept."
        )
    if now_s - claims.exp > CLOCK_SKEW_S:
        raise TrunklineError(Code.TOKEN_EXPIRED, f"The token expired {now_s - claims.exp} s ago.")
    begins_in_s = max(claims.iat, claims.nbf) - now_s
    if begins_in_s > CLOCK_SKEW_S:
        raise TrunklineError(
            Code.TOKEN_NOT_YET_VALID, f"The token becomes valid in {begins_in_s} s by this server's clock."
        )
    return claims


def mint(
    key: str,
    secret: Secret,
    party: str,
    *,
    now_s: int,
    lifetime_s: int,
    device: str | None = None,
    grants: Mapping[str, Any] | None = None,
) -> str:
    """Sign a token, as an app server does. Without ``grants`` it opens messaging only."""
    claims = Claims(
        iss=key,
        sub=party,
        iat=now_s,
        exp=now_s + lifetime_s,
        device=device,
        grants={GRANT_IM: {}} if grants is None else dict(grants),
    )
    return _jws.encode(_encode_claims(claims), secret.reveal(), algorithm=ALGORITHM)


def _open(token: str, secret: Secret | None) -> bytes:
    """The payload of a token; its signature is checked when a secret is given."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TrunklineError(Code.TOKEN_GARBLED, f"The token is longer than {MAX_TOKEN_CHARS} characters.")
    try:
        if secret is None:
            payload = _jws.decode(token, options={"verify_signature": False})
        else:
            payload = _jws.decode(token, secret.reveal(), algorithms=[ALGORITHM])
    except jwt.InvalidAlgorithmError:
        raise TrunklineError(Code.BAD_SIGNATURE, f"The token is not signed with {ALGORITHM}.") from None
    except jwt.InvalidSignatureError:
        raise TrunklineError(
            Code.BAD_SIGNATURE, "The token's signature is not by the secret of the key it names."
        ) from None
    except (jwt.InvalidTokenError, ValueError):
        raise TrunklineError(
            Code.TOKEN_GARBLED, "The token is not a JWT: three base64url parts joined by dots."
        ) from None
    if not isinstance(payload, bytes):
        raise TrunklineError(Code.TOKEN_GARBLED, "The token has no payload.")
    return payload
