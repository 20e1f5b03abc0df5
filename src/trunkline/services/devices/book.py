"""The devices of a party: noted when they sign in, listed, and signed out.

A revocation refuses every token minted (``iat``) up to its second; a new token lets the device in again. It
takes effect on new sign-ins at once, and closes live sessions as soon as it is durable.
"""

from __future__ import annotations

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.log.records import DeviceChanged, TokensRevoked
from trunkline.domain.parties import DeviceState, Party
from trunkline.services.devices.ports import DeviceSessions
from trunkline.services.log.engine import Engine
from trunkline.wire.calls import session as calls
from trunkline.wire.frames import EmptyResult

SEEN_AGAIN_AFTER_MS = 3_600_000
"""``last_seen_ms`` is written at most this often per device."""

MAX_DEVICES = 500
"""Of one party. Their list lives in memory with the party, and nothing but an erasure shortens it."""


class DeviceBook:
    """Notes, lists and revokes devices.

    Args:
        engine: the log.
        sessions: who is online, and closing it.
    """

    def __init__(self, engine: Engine, sessions: DeviceSessions) -> None:
        self._engine = engine
        self._sessions = sessions

    async def note_device(self, caller: Caller, platform: str) -> None:
        """Record that a device signed in, if that is news.

        Raises:
            TrunklineError: ``LIMIT_EXCEEDED``, or ``BUSY`` for a device that is not known yet.
        """
        state = await self._engine.party(caller.app, caller.party)
        now_ms = self._engine.clock.now_ms()
        known = state.devices.get(caller.device)
        if known is None:
            if len(state.devices) >= MAX_DEVICES:
                raise TrunklineError(
                    Code.LIMIT_EXCEEDED,
                    f"{caller.party} has signed in on {MAX_DEVICES} devices; keep the id of a device when it returns.",
                    field="device",
                )
            self._engine.check_room()
        else:
            other_platform = bool(platform) and platform != known.platform
            stale = now_ms - known.last_seen_ms > SEEN_AGAIN_AFTER_MS
            if not (other_platform or stale or _signed_out(state, known)):
                return
            try:
                self._engine.check_room()
            except TrunklineError:
                return  # a date is not worth refusing a sign-in
        self._engine.append_party(DeviceChanged(caller.app, caller.party, caller.device, platform, now_ms))

    async def list(self, caller: Caller, request: calls.DeviceList) -> calls.Devices:
        """The devices of the caller, the most recently seen first."""
        state = await self._engine.party(caller.app, caller.party)
        online = set(self._sessions.devices(caller.app, caller.party))
        newest_first = sorted(state.devices.values(), key=lambda known: (-known.last_seen_ms, known.device))
        return calls.Devices(
            [
                calls.Device(
                    known.device,
                    known.platform,
                    known.first_seen_ms,
                    known.last_seen_ms,
                    online=known.device in online,
                    revoked=_signed_out(state, known),
                    current=known.device == caller.device,
                )
                for known in newest_first
            ]
        )

    async def revoke(self, caller: Caller, request: calls.DeviceRevoke) -> EmptyResult:
        """Sign one of the caller's devices out.

        Raises:
            TrunklineError: ``NOT_FOUND``.
        """
        state = await self._engine.party(caller.app, caller.party)
        if request.device not in state.devices:
            raise TrunklineError(Code.NOT_FOUND, f"{caller.party} has no such device.", field="device")
        self._revoke_device(caller.app, caller.party, request.device, state.devices[request.device])
        return EmptyResult()

    async def revoke_tokens(self, caller: Caller, request: calls.TokensRevoke) -> EmptyResult:
        """Take back the tokens of a party, or of one of its devices, known or not.

        Raises:
            TrunklineError: ``INVALID_PARTY`` or ``LIMIT_EXCEEDED``.
        """
        party = check_party(request.party)
        state = await self._engine.party(caller.app, party)
        if request.device is not None:
            known = state.devices.get(request.device)
            if known is None and len(state.devices) >= MAX_DEVICES:
                raise TrunklineError(
                    Code.LIMIT_EXCEEDED, f"{party} has {MAX_DEVICES} devices; revoke all its tokens instead."
                )
            self._revoke_device(caller.app, party, request.device, known)
            return EmptyResult()
        self._engine.check_room()
        self._engine.append_party(TokensRevoked(caller.app, party, self._engine.clock.now_ms() // 1000))
        self._engine.commits.release(self._close, (caller.app, party), None)
        return EmptyResult()

    def _revoke_device(self, app: str, party: str, device: str, known: DeviceState | None) -> None:
        self._engine.check_room()
        now_ms = self._engine.clock.now_ms()
        # Being signed out is not being seen.
        seen_ms = known.last_seen_ms if known is not None else now_ms
        self._engine.append_party(DeviceChanged(app, party, device, "", seen_ms, now_ms // 1000))
        self._engine.commits.release(self._close, (app, party), device)

    def _close(self, error: TrunklineError | None, address: tuple[str, str], device: str | None) -> None:
        if error is None:
            code = Code.TOKEN_REVOKED if device is None else Code.DEVICE_REVOKED
            self._sessions.close_device(*address, device, code)


def _signed_out(state: Party, device: DeviceState) -> bool:
    """Whether the device has not signed in since it, or its party as a whole, was revoked."""
    before_s = max(device.revoked_before_s, state.revoked_before_s)
    return before_s > 0 and device.last_seen_ms // 1000 <= before_s
