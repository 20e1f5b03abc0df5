"""What a room remembers of parties by name: roles, mutes, bans and the allow-list."""

from __future__ import annotations

from typing import Any

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation.state import Conversation
from trunkline.domain.identity import Caller, check_party
from trunkline.domain.rooms import rules
from trunkline.domain.rooms.book import MAX_NAMED, PARTIES, all_named
from trunkline.domain.rooms.roles import BY_LABEL, Role
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.rooms.joining import Joining
from trunkline.services.rooms.live import LiveRoom
from trunkline.wire import entries as types
from trunkline.wire.calls import rooms as calls
from trunkline.wire.content import encode_content


class Standing:
    """Appends the entries that name parties."""

    def __init__(self, directory: RoomDirectory, joining: Joining) -> None:
        self._directory = directory
        self._engine = directory.engine
        self._joining = joining

    async def role(self, caller: Caller, request: calls.RoomRole) -> calls.RoomChanged:
        """Give a role, or take it away. Hosts name everybody; co-hosts name moderators and guests."""
        role = BY_LABEL[request.role]
        live, state = await self._directory.get(caller.app, request.conversation)
        mine = rules.check_role(state, caller, Role.CO_HOST)
        if role >= mine and mine < Role.HOST:
            raise TrunklineError(Code.FORBIDDEN, f"a {mine.label} cannot make a {role.label}", field="role")
        return self._append(live, state, caller, request.parties, {"role": int(role)})

    async def mute(self, caller: Caller, request: calls.RoomMute) -> calls.RoomChanged:
        """Mute until a time; 0 ends the mute."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        return self._append(live, state, caller, request.parties, {"muted_until_ms": request.until_ms})

    async def ban(self, caller: Caller, request: calls.RoomBan) -> calls.RoomChanged:
        """Keep parties out until a time, and put out those who are in; 0 ends the ban."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        changed = self._append(live, state, caller, request.parties, {"banned_until_ms": request.until_ms})
        if request.until_ms > self._engine.clock.now_ms():
            self._joining.put_out(live, request.parties, "banned")
        return changed

    async def allow(self, caller: Caller, request: calls.RoomAllow) -> calls.RoomChanged:
        """Put parties on the allow-list, or take them off it."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        return self._append(live, state, caller, request.parties, {"allowed": request.on}, ranked=False)

    async def named(self, caller: Caller, request: calls.RoomNamedList) -> calls.RoomNameds:
        """Everyone the room remembers, and who waits to be admitted."""
        live, state = await self._directory.get(caller.app, request.conversation)
        rules.check_role(state, caller, Role.MODERATOR)
        found = {
            party: calls.RoomNamed(
                party,
                known.role.label,  # type: ignore[arg-type]
                known.muted_until_ms,
                known.banned_until_ms,
                known.allowed,
            )
            for party, known in all_named(state.settings).items()
        }
        for party in live.asking:
            found.setdefault(party, calls.RoomNamed(party)).waiting = True
        return calls.RoomNameds(live.id, sorted(found.values(), key=lambda named: named.party))

    def _append(
        self,
        live: LiveRoom,
        state: Conversation,
        caller: Caller,
        parties: list[str],
        change: dict[str, Any],
        *,
        ranked: bool = True,
    ) -> calls.RoomChanged:
        parties = list(dict.fromkeys(check_party(party, "parties") for party in parties))
        book = state.settings.get(PARTIES, {})
        for party in parties:
            if ranked and not (caller.party == party and "role" in change and change["role"] < live.role(party)):
                rules.check_outranks(state, caller, party)
        if len(book) + sum(party not in book for party in parties) > MAX_NAMED:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"a room remembers at most {MAX_NAMED} parties by name", field="parties"
            )
        self._engine.check_room()
        content = encode_content({"parties": parties, **change})
        entry = self._engine.append_entry(live.resident, state, types.ROOM_PARTIES_CHANGED, caller.party, content)
        return calls.RoomChanged(live.id, state.epoch, entry.seq)
