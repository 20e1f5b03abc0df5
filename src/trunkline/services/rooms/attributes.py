"""Attributes of rooms: setting, deleting and reading them; every change is told to all members."""

from __future__ import annotations

from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import Caller
from trunkline.domain.limits import Rate
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.attributes import OPERATIONS_PER_S, Attribute
from trunkline.domain.rooms.roles import BY_LABEL, Role
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.live import LiveRoom
from trunkline.wire import entries as types
from trunkline.wire.calls import rooms as calls
from trunkline.wire.content import encode_content

_RATE = Rate(OPERATIONS_PER_S, OPERATIONS_PER_S)


class RoomAttributeBook:
    """Changes attributes."""

    def __init__(self, directory: RoomDirectory, joining: Joining) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._joining = joining

    async def set(self, caller: Caller, request: calls.RoomAttributeSet) -> calls.RoomAttribute:
        """Set an attribute; the answer has its new version.

        Raises:
            TrunklineError: ``VERSION_CONFLICT`` when it is not at the version named, or it may not be set.
        """
        live, state = await self._directory.get(caller.app, request.conversation)
        may_overwrite = self._check(live, state, caller)
        if request.auto_delete and caller.party not in live.members.stays:
            raise TrunklineError(
                Code.NOT_MEMBER, "an auto-deleted attribute belongs to somebody in the room", field="auto_delete"
            )
        wanted = Attribute(request.key, request.value, 0, caller.party, request.auto_delete)
        live.attributes.check_set(state.settings, wanted, request.version, may_overwrite=may_overwrite)
        version = live.attributes.next_version(state.settings, self._engine.clock.now_ms())
        wanted = wanted._replace(version=version)
        change = {"set": [[wanted.key, wanted.value, version, wanted.owner]]}
        if request.auto_delete:
            live.attributes.put(wanted)
            self._show(live, caller.party, change)
        else:
            self._keep(live, state, caller.party, change)
        return calls.RoomAttribute(*wanted)

    async def delete(self, caller: Caller, request: calls.RoomAttributeDelete) -> calls.RoomAttributes:
        """Delete an attribute; the answer has those that are left.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``VERSION_CONFLICT``, or it may not be deleted.
        """
        live, state = await self._directory.get(caller.app, request.conversation)
        may_overwrite = self._check(live, state, caller)
        found = live.attributes.check_delete(
            state.settings, request.key, caller.party, request.version, may_overwrite=may_overwrite
        )
        change = {"removed": [request.key]}
        if found.auto_delete:
            live.attributes.remove(request.key)
            self._show(live, caller.party, change)
        else:
            self._keep(live, state, caller.party, change)
        return self._all(live, state)

    async def get(self, caller: Caller, request: calls.RoomRef) -> calls.RoomAttributes:
        """All attributes; for whoever is in the room."""
        live, state = await self._directory.get(caller.app, request.conversation)
        self._joining.check_in(live, caller)
        return self._all(live, state)

    # --- pieces -----------------------------------------------------------------------------

    def _check(self, live: LiveRoom, state: Conversation, caller: Caller) -> bool:
        """Refuse who may not set attributes now; whether the caller may change what others own."""
        self._joining.check_in(live, caller)
        role = rules.check_role(state, caller, BY_LABEL[live.settings.attributes])
        verdict = live.attribute_rate.take(_RATE, self._engine.clock.monotonic_s())
        if not verdict.allowed:
            raise TrunklineError(
                Code.RATE_LIMITED,
                f"a room takes {OPERATIONS_PER_S} attribute changes a second",
                retry_ms=int(verdict.retry_after_s * 1000) + 1,
            )
        return role >= Role.MODERATOR

    def _keep(self, live: LiveRoom, state: Conversation, by: str, change: dict[str, Any]) -> None:
        self._engine.check_room()
        content = encode_content(change)
        self._engine.append_entry(live.resident, state, types.ROOM_ATTRIBUTES_CHANGED, by, content)

    def _show(self, live: LiveRoom, by: str, change: dict[str, Any]) -> None:
        live.notice(types.ROOM_ATTRIBUTES_CHANGED, by, encode_content(change), self._engine.clock.now_ms())
        self._directory.fanout.touch(live)

    @staticmethod
    def _all(live: LiveRoom, state: Conversation) -> calls.RoomAttributes:
        return calls.RoomAttributes(live.id, [calls.RoomAttribute(*a) for a in live.attributes.all(state.settings)])
