"""Making apps, and making, rotating and ending API keys.

Not here: checking credentials (``authentication``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import msgspec

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.crypto.keys import SecretDeriver
from trunkline.domain.identity import Caller
from trunkline.domain.log.records import AppChanged, KeyChanged
from trunkline.services.apps.directory import AppDirectory
from trunkline.services.apps.ports import KeySessions
from trunkline.services.log.engine import Engine
from trunkline.wire.calls import apps as calls
from trunkline.wire.frames import EmptyResult

MAX_LIVE_KEYS = 100
"""Keys of one app that are neither revoked nor expired."""


class Keys:
    """Changes apps and their keys.

    Args:
        engine: the log.
        directory: apps and keys.
        secrets: makes a new key's secret.
        sessions: closes what a key let in.
        randomness: for ids.
    """

    def __init__(
        self,
        engine: Engine,
        directory: AppDirectory,
        secrets: SecretDeriver,
        sessions: KeySessions,
        randomness: Randomness,
    ) -> None:
        self._engine = engine
        self._directory = directory
        self._secrets = secrets
        self._sessions = sessions
        self._randomness = randomness
        self._swept_ms = 0

    # --- operator ---------------------------------------------------------------------------

    async def create_app(self, caller: Caller, request: calls.AppCreate) -> calls.AppCreated:
        """Make a tenant and its first key, which may do everything. Shows the secret."""
        self._engine.check_room()
        app = AppChanged("a_" + self._randomness.token(9), request.name, self._engine.clock.now_ms())
        self._directory.append(app)
        return calls.AppCreated(_view_app(app), self._make(app.app, calls.ALL_SCOPES))

    async def list_apps(self, caller: Caller, request: calls.AppList) -> calls.Apps:
        """All tenants."""
        return calls.Apps([_view_app(app) for app in self._directory.decided_apps()])

    async def rotate_for(self, caller: Caller, request: calls.AppRotateKey) -> calls.ApiKey:
        """Make a key for a tenant; the replaced ones end after the overlap.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``LIMIT_EXCEEDED``.
        """
        return self.rotate_key(request.app, request.overlap_s, request.replaces, request.scopes)

    async def disable(self, caller: Caller, request: calls.AppDisable) -> calls.App:
        """Shut a tenant out, or let it in again. Its data stays; its sessions close once this is durable.

        Raises:
            TrunklineError: ``NOT_FOUND`` or ``BUSY``.
        """
        known = self._app(request.app)
        if known.disabled != request.on:
            self._engine.check_room()
            known = msgspec.structs.replace(known, disabled=request.on)
            self._directory.append(known)
        if request.on:
            self._engine.commits.release(self._close_app, known.app)
        return _view_app(known)

    # --- app servers ------------------------------------------------------------------------

    async def rotate(self, caller: Caller, request: calls.KeyRotate) -> calls.ApiKey:
        """Make a key with a new secret; the replaced ones end after the overlap.

        Raises:
            TrunklineError: ``SCOPE_MISSING``, ``NOT_FOUND`` or ``LIMIT_EXCEEDED``.
        """
        beyond = [scope for scope in request.scopes if scope not in caller.scopes]
        if beyond:
            raise TrunklineError(
                Code.SCOPE_MISSING,
                f"A key cannot make one that may do more than itself; it lacks {', '.join(beyond)}. Name fewer scopes.",
                field="scopes",
            )
        return self.rotate_key(caller.app, request.overlap_s, request.replaces, request.scopes)

    def rotate_key(self, app: str, overlap_s: int, replaces: str, scopes: Sequence[str]) -> calls.ApiKey:
        """Make a key for an app; the one named by ``replaces`` (or all others) ends after ``overlap_s``.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``LIMIT_EXCEEDED`` or ``BUSY``.
        """
        self._app(app)
        ends_at_ms = self._engine.clock.now_ms() + overlap_s * 1000
        live = [key for key in self._directory.decided_keys(app) if not self._ended(key)]
        old = [key for key in live if key.key == replaces] if replaces else live
        if replaces and not old:
            raise TrunklineError(Code.NOT_FOUND, "This app has no such live key to replace.", field="replaces")
        if len(live) >= MAX_LIVE_KEYS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"An app has at most {MAX_LIVE_KEYS} live keys; revoke some.")
        self._engine.check_room()
        made = self._make(app, scopes)
        for key in old:
            if not key.expires_at_ms or key.expires_at_ms > ends_at_ms:
                ending = msgspec.structs.replace(key, expires_at_ms=ends_at_ms)
                self._directory.append(ending)
                if not overlap_s:
                    self._close_when_durable(ending)
        return made

    async def list_keys(self, caller: Caller, request: calls.KeyList) -> calls.Keys:
        """The app's keys, ended ones too, without secrets."""
        return calls.Keys([_view_key(key) for key in self._directory.decided_keys(caller.app)])

    async def revoke(self, caller: Caller, request: calls.KeyRevoke) -> EmptyResult:
        """End a key now: its secret, its tokens and its sessions. Repeating it changes nothing.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        for key in self._directory.decided_keys(caller.app):
            if key.key == request.key:
                if not key.revoked:
                    self._engine.check_room()
                    ended = msgspec.structs.replace(key, revoked=True)
                    self._directory.append(ended)
                    self._close_when_durable(ended)
                return EmptyResult()
        raise TrunklineError(Code.NOT_FOUND, "This app has no such key.", field="key")

    # --- time -------------------------------------------------------------------------------

    def close_expired(self) -> None:
        """Close the sessions of keys whose time ended since the last call. Call it every second or so."""
        now_ms = self._engine.clock.now_ms()
        for key in self._directory.all_keys():
            if self._swept_ms < key.expires_at_ms <= now_ms:
                self._sessions.close_key(key.app, key.key, Code.KEY_REVOKED)
        self._swept_ms = max(self._swept_ms, now_ms)

    # --- parts ------------------------------------------------------------------------------

    def _app(self, app: str) -> AppChanged:
        known = self._directory.decided_app(app)
        if known is None:
            raise TrunklineError(Code.NOT_FOUND, "There is no such app.", field="app")
        return known

    def _ended(self, key: KeyChanged) -> bool:
        return key.revoked or 0 < key.expires_at_ms <= self._engine.clock.now_ms()

    def _make(self, app: str, scopes: Sequence[str]) -> calls.ApiKey:
        distinct = tuple(scope for scope in get_args(calls.Scope) if scope in scopes)
        key = KeyChanged(app, "k_" + self._randomness.token(12), distinct, self._engine.clock.now_ms())
        self._directory.append(key)
        return _view_key(key, self._secrets.secret_of(key.key).reveal())

    def _close_when_durable(self, key: KeyChanged) -> None:
        self._engine.commits.release(self._close, key)

    def _close_app(self, error: TrunklineError | None, app: str, _: object) -> None:
        known = self._directory.app(app)
        if error is None and known is not None and known.disabled:
            self._sessions.close_app(app, Code.APP_DISABLED)

    def _close(self, error: TrunklineError | None, key: KeyChanged, _: object) -> None:
        if error is None:
            self._sessions.close_key(key.app, key.key, Code.KEY_REVOKED)


def _view_app(app: AppChanged) -> calls.App:
    return calls.App(app.app, app.name, app.at_ms, app.disabled)


def _view_key(key: KeyChanged, secret: str = "") -> calls.ApiKey:
    return calls.ApiKey(key.app, key.key, list(key.scopes), key.at_ms, key.expires_at_ms, key.revoked, secret)
