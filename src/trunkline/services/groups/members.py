"""Members of a group: invite, join, leave, kick, roles and mutes."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.communities.structure import KEY
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.leaving import as_left
from trunkline.domain.conversation.state import ADMIN, OWNER, Conversation
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_party
from trunkline.services.groups.groups import MAX_GROUP_MEMBERS
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.wire import entries as types
from trunkline.wire.calls.conversations import (
    ConversationRef,
    GroupMembers,
    MemberChange,
    MemberList,
    Members,
    MembershipChanged,
    MemberView,
)
from trunkline.wire.content import encode_content

_ORDER = {OWNER: 0, ADMIN: 1, "member": 2}


class Membership:
    """Appends the entries that change who is in a group."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def invite(self, caller: Caller, request: GroupMembers) -> MembershipChanged:
        """Add parties; those who are members already are left out of the result."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        policy = state.settings.get("who_invites", "member")
        rules.check_manages(state, caller, ADMIN if policy == "admin" else "member")
        if caller.guest:
            raise TrunklineError(Code.GUEST_FORBIDDEN, "guests may not invite")
        if state.settings.get("join") == "closed" and not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "only the app server adds members to a closed group")
        parties = dict.fromkeys(check_party(party, "parties") for party in request.parties)
        return self._add(resident, state, caller.party, [p for p in parties if state.member(p) is None])

    async def join(self, caller: Caller, request: ConversationRef) -> MembershipChanged:
        """Join an open group."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        rules.check_alive(state)
        if caller.party == SYSTEM_PARTY:
            raise TrunklineError(Code.INVALID_PARTY, "name the party that joins", field="party")
        if state.member(caller.party) is not None:
            return MembershipChanged(resident.id, state.epoch, state.head)
        if state.settings.get("join") != "open" and not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "one joins this group by invitation")
        return self._add(resident, state, caller.party, [caller.party])

    async def leave(self, caller: Caller, request: ConversationRef) -> MembershipChanged:
        """Leave; the owner of a group with other members must hand it over first."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        member = rules.check_member(state, caller)
        if member is None:
            raise TrunklineError(Code.INVALID_PARTY, "name the party that leaves", field="party")
        if member.role == OWNER and state.member_count > 1:
            raise TrunklineError(Code.OWNER_MUST_TRANSFER, "transfer the group first")
        return self._remove(resident, state, caller.party, [caller.party], "left")

    async def kick(self, caller: Caller, request: GroupMembers) -> MembershipChanged:
        """Remove members of a lower role; parties that are not members are left out of the result."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        rules.check_manages(state, caller)
        parties = []
        for party in dict.fromkeys(request.parties):
            member = state.member(check_party(party, "parties"))
            if member is None:
                continue
            rules.check_outranks(state, caller, member)
            parties.append(party)
        return self._remove(resident, state, caller.party, parties, "kicked")

    async def change(self, caller: Caller, request: MemberChange) -> MembershipChanged:
        """Change a member's role (owner only) or mute it (whoever outranks it)."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        rules.check_group(state)
        rules.check_manages(state, caller)
        member = state.member(check_party(request.party))
        if member is None:
            raise TrunklineError(Code.NOT_MEMBER, f"{request.party} is not a member", field="party")
        rules.check_outranks(state, caller, member)
        content: dict[str, Any] = {"party": request.party}
        if request.role is not msgspec.UNSET:
            rules.check_manages(state, caller, OWNER)
            if member.role == OWNER:
                raise TrunklineError(Code.OWNER_MUST_TRANSFER, "transfer the group instead", field="role")
            content["role"] = request.role
        if request.muted_until_ms is not msgspec.UNSET:
            content["muted_until_ms"] = request.muted_until_ms
        if len(content) == 1:
            raise TrunklineError(Code.INVALID_PARAMS, "name a role or a mute")
        self._engine.check_room()
        entry = self._engine.append_entry(resident, state, types.MEMBER_CHANGED, caller.party, encode_content(content))
        return MembershipChanged(resident.id, state.epoch, entry.seq, [request.party])

    async def page(self, caller: Caller, request: MemberList) -> Members:
        """A page of members: owner, admins, then everyone by name."""
        resident, state = await self._engine.existing(caller.app, request.conversation)
        if state.virtual:
            raise TrunklineError(Code.FORBIDDEN, "it has no members of its own", field="conversation")
        rules.check_member(state, caller)
        present = sorted(
            (_ORDER[member.role], party) for party, member in state.members.items() if member.left_seq == 0
        )
        after = _decode_after(request.after)
        page = [row for row in present if row > after][: request.limit]
        views = []
        for _, party in page:
            m = state.members[party]
            views.append(
                MemberView(party, m.role, m.joined_seq, m.muted_until_ms, min(m.read, resident.committed), m.delivered)
            )
        following = _encode_after(page[-1]) if page and page[-1] != present[-1] else ""
        return Members(resident.id, state.member_count, views, following)

    def _add(
        self, resident: ResidentConversation, state: Conversation, by: str, parties: list[str]
    ) -> MembershipChanged:
        if not parties:
            return MembershipChanged(resident.id, state.epoch, state.head)
        if state.kind == rules.COMMUNITY:
            banned = [party for party in parties if party in state.settings[KEY]["bans"]]
            if banned:
                raise TrunklineError(Code.FORBIDDEN, f"{banned[0]} is banned", field="parties")
        if state.member_count + len(parties) > MAX_GROUP_MEMBERS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"a group has at most {MAX_GROUP_MEMBERS} members")
        self._engine.check_room()
        entry = self._engine.append_entry(
            resident, state, types.MEMBERS_ADDED, by, encode_content({"parties": parties})
        )
        return MembershipChanged(resident.id, state.epoch, entry.seq, parties)

    def _remove(
        self, resident: ResidentConversation, state: Conversation, by: str, parties: list[str], reason: str
    ) -> MembershipChanged:
        if not parties:
            return MembershipChanged(resident.id, state.epoch, state.head)
        self._engine.check_room()
        left = as_left(state, len(parties))
        content = encode_content({"parties": parties, "reason": reason, "as_of": left})
        entry = self._engine.append_entry(resident, state, types.MEMBERS_REMOVED, by, content)
        return MembershipChanged(resident.id, state.epoch, entry.seq, parties)


def _encode_after(row: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(f"{row[0]}{row[1]}".encode()).decode().rstrip("=")


def _decode_after(cursor: str) -> tuple[int, str]:
    if not cursor:
        return (-1, "")
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return (int(text[0]), text[1:])
    except (binascii.Error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise TrunklineError(Code.INVALID_PAGE_CURSOR, "not a cursor of this list", field="after") from error
