"""From an Authorization header to a caller.

Lives here: reading the header and choosing the check. Does not live here: the checks themselves.
"""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller, check_party
from trunkline.edges.http.deps import Authenticator
from trunkline.services.access import OPERATOR

PARTY_HEADER = "Trunkline-Party"
_MAX_AUTHORIZATION_CHARS = 16_384


def _credentials(request: Request) -> tuple[str, str]:
    """Scheme in lower case, and what follows it."""
    headers = request.headers.getlist("authorization")
    if not headers:
        raise TrunklineError(Code.CREDENTIALS_MISSING, "The request has no Authorization header.")
    if len(headers) > 1:
        raise TrunklineError(Code.CREDENTIALS_MISSING, "The request has more than one Authorization header.")
    scheme, _, value = headers[0].partition(" ")
    value = value.strip()
    if len(value) > _MAX_AUTHORIZATION_CHARS:
        raise TrunklineError(Code.TOKEN_GARBLED, "The credentials are too long to be ours.")
    if scheme.lower() not in ("basic", "bearer") or not value:
        raise TrunklineError(
            Code.CREDENTIALS_MISSING, "Authorization must be 'Basic' with key and secret, or 'Bearer' with a token."
        )
    return scheme.lower(), value


def _key_and_secret(value: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise TrunklineError(Code.SECRET_WRONG, "The Basic credentials are not base64 of key:secret.") from None
    key, colon, secret = decoded.partition(":")
    if not colon or not key or not secret:
        raise TrunklineError(Code.SECRET_WRONG, "The Basic credentials must be key:secret.")
    return key, secret


def bearer_token(request: Request) -> str | None:
    """The Bearer token of a request that may have none."""
    if "authorization" not in request.headers:
        return None
    scheme, value = _credentials(request)
    return value if scheme == "bearer" else None


async def caller_of(request: Request, authenticator: Authenticator, *, operator: bool) -> Caller:
    """Authenticate a request; ``operator`` says that a Bearer token has to be the admin token.

    Raises:
        TrunklineError: 2xxx, or ``INVALID_PARTY`` for the header that names one.
    """
    scheme, value = _credentials(request)
    party = request.headers.get(PARTY_HEADER)
    if scheme == "basic":
        key, secret = _key_and_secret(value)
        if party is not None:
            check_party(party, PARTY_HEADER)
        return await authenticator.authenticate_server(key, secret, party)
    if operator:
        await authenticator.authenticate_operator(value)
        return OPERATOR
    caller = await authenticator.authenticate_client(value)
    if party is not None and party != caller.party:
        raise TrunklineError(
            Code.FORGED_FIELD,
            f"A token speaks for its own party only; {PARTY_HEADER} is for app servers.",
            field=PARTY_HEADER,
        )
    return caller
