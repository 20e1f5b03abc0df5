"""Creating, configuring, closing and looking at rooms."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_group_id, check_party
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.roles import Role
from trunkline.domain.rooms.settings import KIND
from trunkline.services.log.reading import read_entry
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.live import LiveRoom, batch_of
from trunkline.services.rooms.past import read_items
from trunkline.wire import entries as types
from trunkline.wire.calls import rooms as calls
from trunkline.wire.content import encode_content


class Rooms:
    """Appends the entries that make, change and end a room."""

    def __init__(self, directory: RoomDirectory, joining: Joining, randomness: Randomness) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._joining = joining
        self._randomness = randomness
        directory.close = self._close_empty

    async def create(self, caller: Caller, request: calls.RoomCreate) -> calls.RoomChanged:
        """Create a room; the caller, or whom an app server names, is its host.

        Raises:
            TrunklineError: the id is taken, or a setting is beyond the server's bounds.
        """
        if request.host is not None and request.host != caller.party and not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "only an app server may name another host", field="host")
        host = check_party(request.host, "host") if request.host is not None else caller.party
        if host == SYSTEM_PARTY:
            host = ""
        conversation = check_group_id(request.id) if request.id else f"r.{self._randomness.token(16)}"
        given = {k: v for k, v in msgspec.to_builtins(request).items() if k not in ("id", "host")}
        self._check(given)
        resident = await self._engine.conversation(caller.app, conversation)
        state = resident.state
        if state is None or state.head:
            raise TrunklineError(Code.ALREADY_EXISTS, f"{conversation} exists", field="id")
        self._engine.check_room()
        content: dict[str, Any] = {"kind": KIND, "members": [], "owner": host, **given}
        entry = self._engine.append_entry(resident, state, types.CREATED, caller.party, encode_content(content))
        return calls.RoomChanged(conversation, state.epoch, entry.seq)

    async def configure(self, caller: Caller, request: calls.RoomConfigure) -> calls.RoomChanged:
        """Change what is given."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.CO_HOST)
        changed = {k: v for k, v in msgspec.to_builtins(request).items() if k != "conversation"}
        if not changed:
            raise TrunklineError(Code.INVALID_PARAMS, "name something to change")
        self._check(changed)
        self._engine.check_room()
        entry = self._engine.append_entry(live.resident, state, types.UPDATED, caller.party, encode_content(changed))
        live.configured(self._engine.clock.now_ms())
        return calls.RoomChanged(live.id, state.epoch, entry.seq)

    async def close(self, caller: Caller, request: calls.RoomRef) -> calls.RoomChanged:
        """End a room for everyone; its log stays."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.HOST)
        return calls.RoomChanged(live.id, state.epoch, self._dismiss(live, caller.party, "closed"))

    async def get(self, caller: Caller, request: calls.RoomRef) -> calls.RoomView:
        """How a room is configured, and how many are in it. Whoever may ask need not be in it."""
        live, _ = await self._directory.get(caller.app, request.conversation)
        return live.view()

    async def stats(self, caller: Caller, request: calls.RoomRef) -> calls.RoomStats:
        """What a room counted; for those who run it."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        return live.stats()

    async def entries(self, caller: Caller, request: calls.RoomEntriesGet) -> calls.RoomBatch:
        """Reliable entries after a seq: what a member missed."""
        live, _ = await self._directory.get(caller.app, request.conversation)
        if not caller.server and live.named(caller.party).role < Role.MODERATOR:
            self._joining.check_in(live, caller)
        first, head = request.after + 1, live.resident.committed
        items = await read_items(self._engine, live.resident, first, head, request.limit)
        last = items[-1].seq if items else max(request.after, 0)
        batch = batch_of(live, items, first - 1, last)
        batch.more = bool(items) and last < head
        return batch

    async def recall(self, caller: Caller, request: calls.RoomRecall) -> calls.RoomChanged:
        """Take a reliable message back for everyone.

        Raises:
            TrunklineError: ``NOT_FOUND``, ``TARGET_UNAVAILABLE`` (taken back before) or ``FORBIDDEN``.
        """
        live, state = await self._directory.get(caller.app, request.conversation)
        entry = await read_entry(self._engine, live.resident, request.seq)
        if entry is None or live.type(entry.type) is None:
            raise TrunklineError(Code.NOT_FOUND, f"no message at {request.seq}", field="seq")
        if entry.sender != caller.party:
            rules.check_role(state, caller, Role.MODERATOR)
            rules.check_outranks(state, caller, entry.sender)
        if request.seq in state.removed:
            raise TrunklineError(Code.TARGET_UNAVAILABLE, "the message was taken back", field="seq")
        self._engine.check_room()
        content = encode_content({"sender": entry.sender})
        made = self._engine.append_entry(
            live.resident, state, types.RECALLED, caller.party, content, target=request.seq
        )
        return calls.RoomChanged(live.id, state.epoch, made.seq)

    # --- pieces -----------------------------------------------------------------------------

    def _check(self, given: dict[str, Any]) -> None:
        limits = self._directory.limits
        if given.get("capacity", 0) > limits.capacity:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"a room has at most {limits.capacity} members here", field="capacity"
            )
        for name in given.get("types", ()):
            if self._directory.types.get(name) is not None:
                raise TrunklineError(Code.INVALID_PARAMS, f"{name} is a type of every room", field="types")

    def _dismiss(self, live: LiveRoom, by: str, reason: str) -> int:
        state = live.state
        if state is None:
            raise TrunklineError(Code.BUSY, "the room is being reloaded", retry_ms=50)
        self._engine.check_room()
        content = encode_content({"reason": reason})
        return self._engine.append_entry(live.resident, state, types.DISMISSED, by, content).seq

    def _close_empty(self, live: LiveRoom) -> None:
        """Nobody was there for too long."""
        live = self._directory.now(live.app, live.id) or live
        self._dismiss(live, SYSTEM_PARTY, "empty")
        live.closed = True
