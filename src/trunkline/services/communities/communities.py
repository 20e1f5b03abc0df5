"""Making and changing communities: categories, channels, user groups, permissions, bans.

Every change is an entry of the community's own log, folded by the domain. Members come and go by the operations of
groups. Not here: who may see and say what in a channel (``members``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.base.errors import Code, TrunklineError
from trunkline.domain.communities import structure as tables
from trunkline.domain.communities.permissions import ALL
from trunkline.domain.communities.structure import CHANNEL, KEY, KIND, Structure
from trunkline.domain.conversation import rules
from trunkline.domain.conversation.leaving import as_left
from trunkline.domain.conversation.state import OWNER, Conversation
from trunkline.domain.identity import SYSTEM_PARTY, Caller, check_group_id, check_party
from trunkline.services.communities.members import ChannelMembers, Rights
from trunkline.services.inbox.conversations import Inbox
from trunkline.services.log.engine import Engine
from trunkline.services.log.residents import ResidentConversation
from trunkline.services.sessions.hub import Hub
from trunkline.wire import entries as types
from trunkline.wire.calls import communities as calls
from trunkline.wire.calls.conversations import MembershipChanged
from trunkline.wire.content import encode_content


class Communities:
    """What one can do with communities.

    Args:
        engine: the log.
        members: who may do what.
        hub: live sessions.
        inbox: views of channels.
    """

    def __init__(self, engine: Engine, members: ChannelMembers, hub: Hub, inbox: Inbox) -> None:
        self._engine = engine
        self._members = members
        self._hub = hub
        self._inbox = inbox

    # --- the community ----------------------------------------------------------------------

    async def create(self, caller: Caller, request: calls.CommunityCreate) -> MembershipChanged:
        """Create a community; in its own conversation only the owner and admins speak.

        Raises:
            TrunklineError: the id is taken, or a party is not one.
        """
        if request.owner is not None and request.owner != caller.party and not caller.server:
            raise TrunklineError(Code.FORBIDDEN, "only an app server may name another owner", field="owner")
        owner = check_party(request.owner, "owner") if request.owner is not None else caller.party
        owner = "" if owner == SYSTEM_PARTY else owner
        members = dict.fromkeys(check_party(party, "members") for party in request.members)
        if owner:
            members = {owner: None} | members
        content = {
            "kind": KIND,
            "members": list(members),
            "owner": owner,
            "name": request.name,
            "avatar": request.avatar,
            "custom": request.custom,
            "join": request.join,
            "who_invites": request.who_invites,
            "muted_all": True,
            KEY: tables.empty(),
        }
        seq = await self._make(caller, request.id, content)
        return MembershipChanged(request.id, self._engine.epoch, seq, list(members))

    async def get(self, caller: Caller, request: calls.CommunityRef) -> calls.CommunityView:
        """A community as the caller sees it."""
        resident, state, mine = await self._open(caller, request.community)
        rights = self._members.rights(state)
        everything = rights.structure
        manages = "manage_channels" in mine
        member = state.member(caller.party)
        view = calls.CommunityView(
            community=resident.id,
            epoch=state.epoch,
            head=resident.committed,
            name=state.settings.get("name", ""),
            role=member.role if member is not None else "",
            member_count=state.member_count,
            permissions=sorted(mine),
            mine=list(rights.groups_of(caller.party)),
            everyone=calls.Overwrite(**everything["everyone"]),
        )
        for name, row in _sorted(everything["categories"]):
            category = calls.CategoryInfo(id=name, name=row["name"], position=row["position"])
            if manages:
                category.everyone, category.groups = _overwrites(row)
            view.categories.append(category)
        for name, row in _sorted(everything["channels"]):
            allowed = self._allowed(caller, rights, name)
            if "view" not in allowed:
                continue
            channel = calls.ChannelInfo(
                id=name,
                name=row["name"],
                category=row["category"],
                position=row["position"],
                permissions=sorted(allowed),
            )
            if manages:
                channel.everyone, channel.groups = _overwrites(row)
            view.channels.append(channel)
        for name, row in sorted(everything["groups"].items()):
            group = calls.UserGroupInfo(id=name, name=row["name"], allow=row["allow"], deny=row["deny"])
            if "manage_groups" in mine:
                group.members = sorted(row["members"])
            view.groups.append(group)
        if "ban" in mine:
            view.bans = sorted(everything["bans"])
        return view

    async def permit(self, caller: Caller, request: calls.CommunityPermit) -> calls.CommunityChanged:
        """Say what everyone may do, before categories, channels and user groups."""
        resident, state, _ = await self._open(caller, request.community, "manage_groups")
        self._check_gives(caller, state, [request.everyone])
        return self._change(caller, resident, state, {"op": "everyone", "value": _plain(request.everyone)})

    async def ban(self, caller: Caller, request: calls.CommunityBan) -> calls.CommunityChanged:
        """Ban a party, or let it in again.

        Raises:
            TrunklineError: ``FORBIDDEN`` towards the owner, admins, or those of the same rights.
        """
        resident, state, _ = await self._open(caller, request.community, "ban")
        party = check_party(request.party)
        bans = state.settings[KEY]["bans"]
        member = state.member(party)
        if request.on and len(bans) >= tables.MAX_BANS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {tables.MAX_BANS} are banned", field="party")
        if member is not None and request.on:
            if rules.rank(member) > 1 and not caller.server:
                rules.check_outranks(state, caller, member)
            if member.role == OWNER:
                raise TrunklineError(Code.OWNER_MUST_TRANSFER, "transfer the community first", field="party")
            self._engine.check_room(2)
            content = {"parties": [party], "reason": "banned", "as_of": as_left(state, 1)}
            self._engine.append_entry(resident, state, types.MEMBERS_REMOVED, caller.party, encode_content(content))
        return self._change(caller, resident, state, {"op": "ban", "party": party, "on": request.on})

    # --- categories -------------------------------------------------------------------------

    async def set_category(self, caller: Caller, request: calls.CategorySet) -> calls.CommunityChanged:
        """Make or replace a category."""
        resident, state, _ = await self._open(caller, request.community, "manage_channels")
        self._check_gives(caller, state, [request.everyone, *request.groups.values()])
        _check_known(state, request.groups)
        known = state.settings[KEY]["categories"]
        if request.id not in known and len(known) >= tables.MAX_CATEGORIES:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {tables.MAX_CATEGORIES} categories", field="id")
        value = {"name": request.name, "position": request.position, **_levels(request.everyone, request.groups)}
        return self._change(caller, resident, state, {"op": "categories", "id": request.id, "value": value})

    async def delete_category(self, caller: Caller, request: calls.CategoryRef) -> calls.CommunityChanged:
        """Delete a category; its channels stay."""
        resident, state, _ = await self._open(caller, request.community, "manage_channels")
        self._check_there(state, "categories", request.id)
        return self._change(caller, resident, state, {"op": "categories", "id": request.id, "value": None})

    # --- channels ---------------------------------------------------------------------------

    async def create_channel(self, caller: Caller, request: calls.ChannelCreate) -> MembershipChanged:
        """Make a channel; its first entry and its place in the community are one commit."""
        await self._engine.conversation(caller.app, check_group_id(request.id))  # so that nothing below waits
        resident, state, _ = await self._open(caller, request.community, "manage_channels")
        self._check_gives(caller, state, [request.everyone, *request.groups.values()])
        _check_known(state, request.groups)
        self._check_category(state, request.category)
        if len(state.settings[KEY]["channels"]) >= tables.MAX_CHANNELS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {tables.MAX_CHANNELS} channels", field="id")
        content = {"kind": CHANNEL, "members": [], "name": request.name, KEY: request.community}
        seq = await self._make(caller, request.id, content)
        value = {
            "name": request.name,
            "category": request.category,
            "position": request.position,
            **_levels(request.everyone, request.groups),
        }
        self._change(caller, resident, state, {"op": "channels", "id": request.id, "value": value})
        return MembershipChanged(request.id, self._engine.epoch, seq)

    async def update_channel(self, caller: Caller, request: calls.ChannelUpdate) -> calls.CommunityChanged:
        """Change a channel."""
        channel, its_state = await self._engine.existing(caller.app, request.channel)
        resident, state = await self._of_channel(caller, its_state)
        row = dict(state.settings[KEY]["channels"][request.channel])
        given = msgspec.structs.asdict(request)
        changed = {k: v for k, v in given.items() if k != "channel" and v is not msgspec.UNSET}
        if not changed:
            raise TrunklineError(Code.INVALID_PARAMS, "name something to change")
        if request.everyone is not msgspec.UNSET:
            self._check_gives(caller, state, [request.everyone])
            changed["everyone"] = _plain(request.everyone)
        if request.groups is not msgspec.UNSET:
            self._check_gives(caller, state, list(request.groups.values()))
            _check_known(state, request.groups)
            changed["groups"] = {name: _plain(one) for name, one in request.groups.items()}
        if "category" in changed:
            self._check_category(state, changed["category"])
        self._engine.check_room(2)
        if "name" in changed:
            renamed = encode_content({"name": changed["name"]})
            self._engine.append_entry(channel, its_state, types.UPDATED, caller.party, renamed)
        return self._change(caller, resident, state, {"op": "channels", "id": request.channel, "value": row | changed})

    async def delete_channel(self, caller: Caller, request: calls.ChannelRef) -> calls.CommunityChanged:
        """Delete a channel; nobody sees it any more."""
        channel, its_state = await self._engine.existing(caller.app, request.channel)
        resident, state = await self._of_channel(caller, its_state)
        self._engine.check_room(2)
        self._engine.append_entry(channel, its_state, types.DISMISSED, caller.party, b"")
        return self._change(caller, resident, state, {"op": "channels", "id": request.channel, "value": None})

    async def channels(self, caller: Caller, request: calls.ChannelList) -> calls.Channels:
        """The channels I may view, by position, with what is unread in each."""
        _, state, _ = await self._open(caller, request.community)
        rights = self._members.rights(state)
        names = [
            name for name, _ in _sorted(rights.structure["channels"]) if "view" in self._allowed(caller, rights, name)
        ]
        if request.after and request.after not in names:
            raise TrunklineError(Code.INVALID_PAGE_CURSOR, "not a channel of this list", field="after")
        start = names.index(request.after) + 1 if request.after else 0
        page = names[start : start + request.limit]
        views = []
        for name in page:
            resident, its_state = await self._engine.existing(caller.app, name)
            views.append(await self._inbox.view(resident, its_state, caller.party))
        return calls.Channels(views, page[-1] if page and page[-1] != names[-1] else "")

    # --- user groups ------------------------------------------------------------------------

    async def set_group(self, caller: Caller, request: calls.UserGroupSet) -> calls.CommunityChanged:
        """Make a user group, or change its name and permissions."""
        resident, state, _ = await self._open(caller, request.community, "manage_groups")
        self._check_gives(caller, state, [calls.Overwrite(request.allow, request.deny)])
        known = state.settings[KEY]["groups"]
        if request.id not in known and len(known) >= tables.MAX_GROUPS:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {tables.MAX_GROUPS} user groups", field="id")
        if request.id in known:
            self._check_above(caller, state, request.id)
        value = {"name": request.name, "allow": sorted(set(request.allow)), "deny": sorted(set(request.deny))}
        return self._change(caller, resident, state, {"op": "groups", "id": request.id, "value": value})

    async def delete_group(self, caller: Caller, request: calls.UserGroupRef) -> calls.CommunityChanged:
        """Delete a user group."""
        resident, state, _ = await self._open(caller, request.community, "manage_groups")
        self._check_there(state, "groups", request.id)
        self._check_above(caller, state, request.id)
        return self._change(caller, resident, state, {"op": "groups", "id": request.id, "value": None})

    async def assign(self, caller: Caller, request: calls.UserGroupAssign) -> calls.CommunityChanged:
        """Put members into a user group, and take some out.

        Raises:
            TrunklineError: ``NOT_MEMBER``, ``LIMIT_EXCEEDED``; ``FORBIDDEN`` for a group with rights the caller lacks.
        """
        resident, state, _ = await self._open(caller, request.community, "manage_groups")
        self._check_there(state, "groups", request.id)
        self._check_above(caller, state, request.id)
        add = [check_party(party, "add") for party in dict.fromkeys(request.add)]
        for party in add:
            if state.member(party) is None:
                raise TrunklineError(Code.NOT_MEMBER, f"{party} is not a member", field="add")
        groups = state.settings[KEY]["groups"]
        inside = set(groups[request.id]["members"])
        new = set(add) - inside
        if len(inside | new) > tables.MAX_GROUP_MEMBERS:
            raise TrunklineError(
                Code.LIMIT_EXCEEDED, f"at most {tables.MAX_GROUP_MEMBERS} in a user group", field="add"
            )
        if sum(len(group["members"]) for group in groups.values()) + len(new) > tables.MAX_ASSIGNED:
            raise TrunklineError(Code.LIMIT_EXCEEDED, f"at most {tables.MAX_ASSIGNED} in all user groups", field="add")
        change = {"op": "assign", "group": request.id, "add": add, "remove": list(dict.fromkeys(request.remove))}
        return self._change(caller, resident, state, change)

    # --- pieces -----------------------------------------------------------------------------

    async def _open(
        self, caller: Caller, community: str, needs: str = ""
    ) -> tuple[ResidentConversation, Conversation, frozenset[str]]:
        """A community the caller is in, and what it may do there."""
        resident, state = await self._engine.existing(caller.app, community)
        if state.kind != KIND:
            raise TrunklineError(Code.FORBIDDEN, "this is not a community", field="community")
        if needs:
            rules.check_alive(state)
        rules.check_member(state, caller)
        mine = ALL if caller.server else self._members.rights(state).of(caller.party)
        if needs and needs not in mine:
            raise TrunklineError(Code.FORBIDDEN, f"this needs the permission {needs}")
        return resident, state, mine

    async def _of_channel(self, caller: Caller, state: Conversation) -> tuple[ResidentConversation, Conversation]:
        """The community of a channel that the caller may manage; a channel one may not see is not there."""
        if state.kind != CHANNEL:
            raise TrunklineError(Code.FORBIDDEN, "this is not a channel", field="channel")
        rules.check_alive(state)
        resident, community, _ = await self._open(caller, state.settings[KEY], "manage_channels")
        if "view" not in self._allowed(caller, self._members.rights(community), state.id):
            raise TrunklineError(Code.NOT_FOUND, "no such conversation", field="channel")
        return resident, community

    async def _make(self, caller: Caller, name: str, content: dict[str, Any]) -> int:
        """A new conversation; its first seq."""
        check_group_id(name)
        resident = await self._engine.conversation(caller.app, name)
        state = resident.state
        if state is None or state.head:
            raise TrunklineError(Code.ALREADY_EXISTS, f"{name} exists", field="id")
        self._engine.check_room(2)
        return self._engine.append_entry(resident, state, types.CREATED, caller.party, encode_content(content)).seq

    def _change(
        self, caller: Caller, resident: ResidentConversation, state: Conversation, change: dict[str, Any]
    ) -> calls.CommunityChanged:
        engine = self._engine
        engine.check_room()
        content = encode_content(change)
        entry = engine.append_entry(resident, state, types.COMMUNITY_CHANGED, caller.party, content)
        engine.commits.release(self._durable, resident)
        return calls.CommunityChanged(resident.id, state.epoch, entry.seq)

    def _durable(self, error: TrunklineError | None, resident: ResidentConversation, _: Any) -> None:
        """Everyone online may see other channels now: they are told to synchronise."""
        state = resident.state
        if error is not None or state is None:
            return
        self._members.touch(resident.app, resident.id)
        for app, party in list(self._hub.online):
            if app == resident.app and party in state.members:
                self._hub.push(app, party, "lagged", {})

    def _allowed(self, caller: Caller, rights: Rights, channel: str) -> frozenset[str]:
        if caller.server and caller.party == SYSTEM_PARTY:
            return ALL
        return rights.of(caller.party, channel)

    def _check_gives(self, caller: Caller, state: Conversation, given: list[calls.Overwrite]) -> None:
        """Nobody gives or takes what it does not have in the community at large."""
        mine = ALL if caller.server else self._members.rights(state).of(caller.party)
        for one in given:
            beyond = (set(one.allow) | set(one.deny)) - mine
            if beyond:
                raise TrunklineError(Code.FORBIDDEN, f"this needs the permission {min(beyond)} itself")

    def _check_above(self, caller: Caller, state: Conversation, group: str) -> None:
        """Nobody changes a user group that may do more than itself."""
        row = state.settings[KEY]["groups"][group]
        self._check_gives(caller, state, [calls.Overwrite(row["allow"], row["deny"])])

    @staticmethod
    def _check_there(state: Conversation, table: str, name: str) -> None:
        if name not in state.settings[KEY][table]:
            raise TrunklineError(Code.NOT_FOUND, f"there is no {name}", field="id")

    @staticmethod
    def _check_category(state: Conversation, category: str) -> None:
        if category and category not in state.settings[KEY]["categories"]:
            raise TrunklineError(Code.NOT_FOUND, f"there is no category {category}", field="category")


def _check_known(state: Conversation, groups: dict[str, calls.Overwrite]) -> None:
    unknown = groups.keys() - state.settings[KEY]["groups"].keys()
    if unknown:
        raise TrunklineError(Code.NOT_FOUND, f"there is no user group {min(unknown)}", field="groups")


def _plain(one: calls.Overwrite) -> dict[str, list[str]]:
    return {"allow": sorted(set(one.allow)), "deny": sorted(set(one.deny))}


def _levels(everyone: calls.Overwrite, groups: dict[str, calls.Overwrite]) -> Structure:
    return {"everyone": _plain(everyone), "groups": {name: _plain(one) for name, one in groups.items()}}


def _overwrites(row: Structure) -> tuple[calls.Overwrite, dict[str, calls.Overwrite]]:
    groups = {name: calls.Overwrite(**one) for name, one in row["groups"].items()}
    return calls.Overwrite(**row["everyone"]), groups


def _sorted(rows: Structure) -> list[tuple[str, Structure]]:
    return sorted(rows.items(), key=lambda item: (item[1]["position"], item[0]))
