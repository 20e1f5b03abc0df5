"""Tokens in LiveKit's form: JWTs signed with HS256 by an app server, with the secret of one of its API keys.

``iss`` is the key, ``sub`` the identity, ``video`` what it may do. The same key signs client tokens (``tokens``) and
these; a token of one form does not pass as the other, since each lacks what the other requires.

Here: the format, its signature and its times. Not here: which keys exist and what was revoked.
"""

from __future__ import annotations

import jwt
import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.base.secret import Secret

ALGORITHM = "HS256"
CLOCK_SKEW_S = 60
MAX_TOKEN_CHARS = 65_536
"""Attributes and metadata travel in the token."""


class VideoGrant(msgspec.Struct, rename="camel", kw_only=True):
    """What a token opens; an absent ``can_*`` counts as allowed (LiveKit's rule)."""

    room: str = ""
    room_join: bool = False
    room_create: bool = False
    room_list: bool = False
    room_admin: bool = False
    room_record: bool = False
    can_publish: bool | None = None
    can_subscribe: bool | None = None
    can_publish_data: bool | None = None
    can_publish_sources: list[str] = []
    can_update_own_metadata: bool | None = None
    hidden: bool = False
    recorder: bool = False
    agent: bool = False


class RoomConfig(msgspec.Struct, rename="camel", kw_only=True):
    """Settings of the session that a token's holder makes by joining; 0 and "" stand for the defaults."""

    empty_timeout: int = 0
    departure_timeout: int = 0
    max_participants: int = 0
    metadata: str = ""


class LiveClaims(msgspec.Struct, kw_only=True):
    """What a token says; unknown claims are ignored."""

    iss: str
    sub: str = ""
    exp: int = 0
    nbf: int = 0
    name: str = ""
    metadata: str = ""
    attributes: dict[str, str] = {}
    kind: str = ""
    sha256: str = ""
    video: VideoGrant = msgspec.field(default_factory=VideoGrant)
    room_config: RoomConfig | None = msgspec.field(default=None, name="roomConfig")


_jws = jwt.PyJWS(algorithms=[ALGORITHM])
_decode = msgspec.json.Decoder(LiveClaims, strict=False).decode
_encode = msgspec.json.Encoder().encode


def issuer_of(token: str) -> str:
    """The API key a token *claims* to be signed with. Nothing is verified yet.

    Raises:
        TrunklineError: ``TOKEN_GARBLED``.
    """
    return _claims(_open(token, None)).iss


def verify(token: str, secret: Secret, now_s: int) -> LiveClaims:
    """Check a token's signature, its claims and its times.

    Raises:
        TrunklineError: ``TOKEN_GARBLED``, ``BAD_SIGNATURE``, ``TOKEN_EXPIRED`` or ``TOKEN_NOT_YET_VALID``.
    """
    claims = _claims(_open(token, secret))
    if now_s - claims.exp > CLOCK_SKEW_S:
        raise TrunklineError(Code.TOKEN_EXPIRED, f"The token expired {now_s - claims.exp} s ago.")
    if claims.nbf - now_s > CLOCK_SKEW_S:
        raise TrunklineError(Code.TOKEN_NOT_YET_VALID, f"The token becomes valid in {claims.nbf - now_s} s.")
    return claims


def mint(
    key: str, secret: Secret, identity: str, grant: VideoGrant, *, now_s: int, lifetime_s: int, name: str = ""
) -> str:
    """Sign a token, as an app server does."""
    return renew(LiveClaims(iss=key, sub=identity, name=name, video=grant), secret, now_s=now_s, lifetime_s=lifetime_s)


def renew(claims: LiveClaims, secret: Secret, *, now_s: int, lifetime_s: int) -> str:
    """Sign claims (again), valid from now on."""
    claims = msgspec.structs.replace(claims, nbf=now_s, exp=now_s + lifetime_s)
    written = {field: value for field, value in msgspec.to_builtins(claims).items() if value not in (None, "", {})}
    written["video"] = {name: value for name, value in written["video"].items() if value not in (None, "", [])}
    return _jws.encode(_encode(written), secret.reveal(), algorithm=ALGORITHM)


def _claims(payload: bytes) -> LiveClaims:
    try:
        return _decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TrunklineError(Code.TOKEN_GARBLED, f"The token's claims are not as they should be: {error}.") from None


def _open(token: str, secret: Secret | None) -> bytes:
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
        raise TrunklineError(Code.BAD_SIGNATURE, "The token's signature is not by the key it names.") from None
    except (jwt.InvalidTokenError, ValueError):
        raise TrunklineError(
            Code.TOKEN_GARBLED, "The token is not a JWT: three base64url parts joined by dots."
        ) from None
    if not isinstance(payload, bytes):
        raise TrunklineError(Code.TOKEN_GARBLED, "The token has no payload.")
    return payload
