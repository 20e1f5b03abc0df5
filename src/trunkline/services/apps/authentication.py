"""Who is asking: checks API secrets, client tokens and the operator's admin token.

Everything is checked on every call, against the present: nothing is remembered that a revocation would
have to hunt down. An ended key is only told apart from a live one to a caller that proved to hold it.

Not here: what a caller may then do (``services.access``, ``domain``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.base.secret import Secret
from trunkline.crypto import tokens
from trunkline.crypto.keys import SecretDeriver
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.domain.log.records import KeyChanged
from trunkline.services.apps.directory import AppDirectory
from trunkline.services.log.engine import Engine


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """What a client's token proved.

    Attributes:
        caller: who acts.
        issued_at_s: the token's ``iat``.
        expires_at_s: when a session made with the token ends: its ``exp`` plus the tolerated clock
            skew, or the end of the key that signed it.
        device: the device; empty when neither the token nor the caller named one.
        key: the API key that signed the token.
        grants: what the token opens.
    """

    caller: Caller
    issued_at_s: int
    expires_at_s: int
    device: str
    key: str
    grants: dict[str, Any]


class Authentication:
    """Checks credentials.

    Args:
        engine: for parties' revocations and the time.
        directory: apps and keys.
        secrets: what keys' secrets are.
        admin_token: the operator's; None shuts the operator's operations.
        max_token_lifetime_s: longest client token accepted; 0 = any.
    """

    def __init__(
        self,
        engine: Engine,
        directory: AppDirectory,
        secrets: SecretDeriver,
        admin_token: Secret | None = None,
        max_token_lifetime_s: int = 0,
    ) -> None:
        self._engine = engine
        self._directory = directory
        self._secrets = secrets
        self.admin_token = admin_token
        self.max_token_lifetime_s = max_token_lifetime_s

    async def authenticate_server(self, key: str, secret: str, party: str | None = None) -> Caller:
        """An app server, acting as ``party`` or as the system.

        Raises:
            TrunklineError: ``UNKNOWN_KEY``, ``SECRET_WRONG``, ``KEY_REVOKED``, ``APP_DISABLED`` or ``INVALID_PARTY``.
        """
        known = self._directory.key(key)
        if known is None:
            raise TrunklineError(Code.UNKNOWN_KEY, "This server does not know the API key.")
        if not self._secrets.matches(key, secret):
            raise TrunklineError(Code.SECRET_WRONG, "The secret does not belong to the API key.")
        self._check_live(known)
        acting = SYSTEM_PARTY if party is None else check_party(party)
        return Caller(known.app, acting, server=True, scopes=frozenset(known.scopes), key=known.key)

    async def authenticate_client(self, token: str, device: str = "", grant: str = tokens.GRANT_IM) -> ClientIdentity:
        """A client with a token that an app server minted.

        Whoever awaits anything between this and registering a session calls ``recheck`` last.

        Args:
            token: the JWT.
            device: the device that hello names; a token that is bound to a device works on no other.
            grant: what the token has to open.

        Raises:
            TrunklineError: 2002 to 2009, 2012, or 2014.
        """
        known = self._directory.key(tokens.issuer_of(token))
        if known is None:
            raise TrunklineError(Code.UNKNOWN_KEY, "This server does not know the key that the token names (iss).")
        now_s = self._engine.clock.now_ms() // 1000
        claims = tokens.verify(token, self._secrets.secret_of(known.key), now_s, self.max_token_lifetime_s)
        self._check_live(known)
        try:
            party = check_party(claims.sub, "sub")
        except TrunklineError as error:
            raise TrunklineError(Code.TOKEN_GARBLED, f"The token names no party: {error.detail}") from None
        if not claims.granted(grant):
            raise TrunklineError(Code.GRANT_MISSING, f"The token has no grant '{grant}'.")
        if claims.device is not None and device not in ("", claims.device):
            raise TrunklineError(
                Code.GRANT_MISSING, "The token is bound to another device than the one that uses it.", field="device"
            )
        device = claims.device or device
        ends_at_s = claims.exp + tokens.CLOCK_SKEW_S
        if known.expires_at_ms:
            ends_at_s = min(ends_at_s, known.expires_at_ms // 1000)
        identity = ClientIdentity(
            caller=Caller(known.app, party, device, key=known.key, rooms=claims.rooms),
            issued_at_s=claims.iat,
            expires_at_s=ends_at_s,
            device=device,
            key=known.key,
            grants=claims.grants,
        )
        await self.recheck(identity)
        return identity

    async def recheck(self, identity: ClientIdentity) -> None:
        """Check again what may have been taken back since: the key, the token, the device.

        Nothing is awaited after the look: a caller that goes on without awaiting cannot slip past a revocation.

        Raises:
            TrunklineError: ``TOKEN_REVOKED``, ``DEVICE_REVOKED``, ``KEY_REVOKED`` or ``APP_DISABLED``.
        """
        party = identity.caller.party
        state = await self._engine.party(identity.caller.app, party)
        if state.refuses(identity.device, identity.issued_at_s):
            if identity.issued_at_s <= state.revoked_before_s:
                raise TrunklineError(Code.TOKEN_REVOKED, f"This token of {party} was revoked.")
            raise TrunklineError(Code.DEVICE_REVOKED, f"The device was signed out of {party}.")
        key = self._directory.key(identity.key)
        if key is None:
            raise TrunklineError(Code.UNKNOWN_KEY, "This server does not know the key of the token any more.")
        self._check_live(key)

    def live_key(self, name: str) -> KeyChanged:
        """A key that may sign tokens now.

        Raises:
            TrunklineError: ``UNKNOWN_KEY``, ``KEY_REVOKED`` or ``APP_DISABLED``.
        """
        key = self._directory.key(name)
        if key is None:
            raise TrunklineError(Code.UNKNOWN_KEY, "This server does not know the key that the token names (iss).")
        self._check_live(key)
        return key

    async def authenticate_operator(self, token: str) -> None:
        """Whoever runs the deployment.

        Raises:
            TrunklineError: ``SECRET_WRONG``.
        """
        if self.admin_token is None or not self.admin_token.equals(token):
            raise TrunklineError(Code.SECRET_WRONG, "This is not the admin token.")

    def _check_live(self, key: KeyChanged) -> None:
        if key.revoked:
            raise TrunklineError(Code.KEY_REVOKED, "The API key was revoked.")
        if 0 < key.expires_at_ms <= self._engine.clock.now_ms():
            raise TrunklineError(Code.KEY_REVOKED, "The API key has expired.")
        app = self._directory.app(key.app)
        if app is None or app.disabled:
            raise TrunklineError(Code.APP_DISABLED, "The operator disabled the app.")


class CallerAuthenticator:
    """The same checks for edges without sessions: a client's token answers with the caller alone."""

    def __init__(self, authentication: Authentication) -> None:
        self._authentication = authentication

    async def authenticate_server(self, key: str, secret: str, party: str | None) -> Caller:
        """An app server with its API key and secret."""
        return await self._authentication.authenticate_server(key, secret, party)

    async def authenticate_client(self, token: str) -> Caller:
        """A client with a token."""
        return (await self._authentication.authenticate_client(token)).caller

    async def authenticate_operator(self, token: str) -> None:
        """Whoever runs the deployment."""
        await self._authentication.authenticate_operator(token)
