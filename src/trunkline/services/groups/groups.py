"""Creating, changing and ending groups."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.base.clock import Randomness
from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.leaving import as_left
from trunkline.domain.conversation.state import OWNER
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_group_id, check_party
from trunkline.services.log.engine import Engine
from trunkline.wire import entries as types
from trunkline.wire.calls.conversations import (
    ConversationRef,
    GroupCreate,
    GroupTransfer,
    GroupUpdate,
    MembershipChanged,
)
from trunkline.wire.content import encode_content

MAX_GROUP_MEMBERS = 100_000


class Groups:
    """Appends the entries that make, change and end a group."""

    def __init__(self, engine: Engine, randomness: Randomness) -> None:
        self._engine = engine
        self._randomness = randomness

    async def create(self, caller: Caller, request: GroupCreate) -> MembershipChanged:
        """Create a group; its first entry names everyone in it.

        Raises:
            TrunklineError: the id is taken, or a party is not one.
        """
        if request.owner is not None and request.owner != caller.party and not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "only an app server may name another owner", field="owner")
        owner = check_party(request.owner, "owner") if request.owner is not None else caller.party
        if owner == SYSTEM_PARTY and caller.server and request.owner is None:
            owner = ""
        members = dict.fromkeys(check_party(party, "members") for party in request.members)
        if owner:
            members = {owner: None} | members
        conversation = check_group_id(request.id) if request.id else f"g.{self._randomness.token(16)}"
        resident = await self._engine.conversation(caller.app, conversation)
        state = resident.state
        if state is None or state.head:
            raise TrunklineError(Code.ALREADY_EXISTS, f"{conversation} exists", field="id")
        self._engine.check_room()
        content: dict[str, Any] = {
            "kind": rules.GROUP,
            "members": list(members),
            "owner": owner,
            "name": request.name,
            "avatar": request.avatar,
            "custom": request.custom,
            "join": request.join,
            "who_invites": request.who_invites,
            "history_before_join": request.history_before_join,
        }
        entry = self._engine.append_entry(resident, state, types.CREATED, caller.party, encode_content(content))
        return MembershipChanged(conversation, state.epoch, entry.seq, list(members))

    async def update(self, caller: Caller, request: GroupUpdate) -> MembershipChanged:
        """Change name, picture, custom fields, policies or the mute of everyone."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        rules.check_manages(state, caller)
        given = msgspec.structs.asdict(request)
        changed = {k: v for k, v in given.items() if k != "conversation" and v is not msgspec.UNSET}
        if not changed:
            raise TrunklineError(Code.INVALID_PARAMS, "name something to change")
        if state.kind == rules.COMMUNITY and "history_before_join" in changed:
            raise TrunklineError(Code.FORBIDDEN, "not of a community", field="history_before_join")
        self._engine.check_room()
        entry = self._engine.append_entry(resident, state, types.UPDATED, caller.party, encode_content(changed))
        return MembershipChanged(resident.id, state.epoch, entry.seq)

    async def transfer(self, caller: Caller, request: GroupTransfer) -> MembershipChanged:
        """Make another member the owner; the old one becomes an admin."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        rules.check_manages(state, caller, OWNER)
        member = state.member(check_party(request.party))
        if member is None:
            raise TrunklineError(Code.NOT_MEMBER, f"{request.party} is not a member", field="party")
        if member.role == OWNER:
            return MembershipChanged(resident.id, state.epoch, state.head)
        self._engine.check_room()
        content = encode_content({"party": request.party})
        entry = self._engine.append_entry(resident, state, types.TRANSFERRED, caller.party, content)
        return MembershipChanged(resident.id, state.epoch, entry.seq, [request.party])

    async def dismiss(self, caller: Caller, request: ConversationRef) -> MembershipChanged:
        """End a group for everyone; its log stays readable up to here."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        rules.check_manages(state, caller, OWNER)
        self._engine.check_room()
        content = encode_content({"as_of": as_left(state, 0)})
        entry = self._engine.append_entry(resident, state, types.DISMISSED, caller.party, content)
        return MembershipChanged(resident.id, state.epoch, entry.seq)
